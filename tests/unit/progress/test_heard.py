# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answered, told by a process to the one that it was forked from, which waits for nothing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.progress import heard


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(heard, "_pipe", None)
    yield
    heard.heard()


def from_a_process_of_its_own(answered: Mapping[str, bool]) -> int:
    process = multiprocessing.get_context("fork").Process(target=heard.tell, args=(answered,))
    process.start()
    process.join(30)
    return int(process.exitcode or 0)


def test_what_another_process_tells_is_heard_once() -> None:
    heard.listen()
    for answered in ({"WS01": True, "WS02": False}, {"Büro-PC": True, "\x85\udcff": True}):
        assert from_a_process_of_its_own(answered) == 0
    assert heard.heard() == {"WS01": True, "WS02": False, "Büro-PC": True, "\x85\udcff": True}
    assert heard.heard() == {}


def test_nobody_listens_and_nothing_is_told() -> None:
    assert from_a_process_of_its_own({"WS01": True}) == 0
    assert heard.heard() == {}


def test_who_is_not_listened_to_is_not_held_up_and_no_word_is_cut_in_two() -> None:
    heard.listen()
    names = {f"{'W' * 100}{number:05}" for number in range(5000)}
    assert from_a_process_of_its_own(dict.fromkeys(sorted(names), True)) == 0
    told = heard.heard()
    assert 0 < len(told) < len(names)
    assert told.keys() <= names
    assert from_a_process_of_its_own({"WS01": False}) == 0
    assert heard.heard() == {"WS01": False}, "there is room again"
