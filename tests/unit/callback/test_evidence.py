# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's end in the callback: whatever goes wrong there, it is not green, and nothing else is left out for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.callback.evidence import RED, CallbackModule
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.closing import Closing


class Run:
    """Of a run its end, in which something may break."""

    def __init__(self, **broken: Exception) -> None:
        self._broken = broken
        self.did: list[str] = []
        self.problem: str | None = None

    def close_tiers(self, *_told: Any) -> None:
        self._do("close_tiers")

    def close(self, *_told: Any) -> Closing:
        self._do("close")
        return Closing([self.problem] if self.problem else [], "", is_red=self.problem is not None)

    def report(self, problem: str) -> None:
        self.problem = problem

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what in self._broken:
            raise self._broken[what]


def ended(run: Run, capsys: pytest.CaptureFixture[str]) -> tuple[int | str | None, str]:
    """The exit status that the end of this run asks for, and what was said."""
    callback = CallbackModule()
    inventory = SimpleNamespace(get_groups_dict=lambda: {"all": ["WS01"]})
    callback._variables = SimpleNamespace(_inventory=inventory, _hostvars={})
    callback._run = run  # type: ignore[assignment]
    stats = SimpleNamespace(processed={"WS01": 1}, summarize=lambda _host: {"ok": 1})
    status: int | str | None = 0
    try:
        callback.v2_playbook_on_stats(stats)
    except SystemExit as exc:
        status = exc.code
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


def test_a_run_that_ends_well_is_green(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run()
    assert ended(run, capsys)[0] == 0
    assert run.did == ["close_tiers", "close"]


def test_what_breaks_in_the_tiers_is_told_and_the_run_is_closed_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(close_tiers=KeyError("cycle"))
    status, said = ended(run, capsys)
    assert status == RED
    assert run.did == ["close_tiers", "close"]
    assert "msp.patching.evidence failed in _close_tiers: KeyError: 'cycle'" in said


def test_a_run_that_cannot_be_closed_is_red(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = ended(Run(close=OSError(28, "No space left on device")), capsys)
    assert status == RED
    assert "the run could not be closed, signed or delivered: OSError: [Errno 28] No space left on device" in said
