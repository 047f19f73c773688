# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation, section 7: what is probed on an endpoint after a reboot, and what healthy means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import fields, restart
from .policy import Policy
from .records import Endpoint
from .settings import Check


@dataclass(frozen=True, slots=True)
class Health:
    """``checks`` are rows of ``name``, ``ok`` and ``seen``, in the order of section 7."""

    healthy: bool
    checks: tuple[Mapping[str, Any], ...]


def checks_for(endpoint: Endpoint, policy: Policy) -> list[dict[str, Any]]:
    """The probes that apply to this endpoint, as ``msp.patching.win_check`` takes them."""
    return [dict(check.probe) for check in _applying(endpoint, policy)]


def _applying(endpoint: Endpoint, policy: Policy) -> list[Check]:
    return [check for check in policy.settings(endpoint).checks if check.applies(endpoint)]


def judge(
    endpoint: Endpoint,
    policy: Policy,
    posture: Mapping[str, Any] | None,
    before: Sequence[str] | None,
    probes: Iterable[Mapping[str, Any]],
    installed_at: datetime | None,
) -> Health:
    """What was seen, judged.

    ``posture`` is the result of ``msp.patching.win_posture``, None where the endpoint did not answer;
    ``before`` the automatic services that ran before the reboot, None where that is not known; ``probes`` the
    rows of ``msp.patching.win_check``; ``installed_at`` when the last install ended.
    """
    if posture is None:
        return Health(healthy=False, checks=(_row("online", ok=False, seen="it does not answer"),))
    rows = [
        _row("online", ok=True, seen="it answers"),
        _agent(posture),
        _booted(posture, installed_at),
        _reboot_pending(posture),
        _services(posture, before, policy.settings(endpoint).ignore_services),
    ]
    answers = {probe["name"]: probe for probe in probes}
    known = {name.casefold() for name in (*(before or ()), *_automatic(posture))}
    rows += [_probe(check, answers.get(check.probe["name"]), known) for check in _applying(endpoint, policy)]
    return Health(healthy=all(row["ok"] for row in rows), checks=tuple(rows))


def _row(name: str, *, ok: bool, seen: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "seen": seen}


def _agent(posture: Mapping[str, Any]) -> dict[str, Any]:
    """The RMM agent runs, and so reports: it was started by this boot."""
    agent = posture.get("agent") or {}
    state = agent.get("state", "missing")
    return _row("RMM agent", ok=state == "running", seen=f"service {agent.get('service', '')} is {state}")


def _booted(posture: Mapping[str, Any], installed_at: datetime | None) -> dict[str, Any]:
    """Booted after the install, or the install asked for no reboot: none is pending and none was made."""
    name = "booted after the install"
    try:
        booted = fields.instant(posture.get("boot_time"))
    except fields.UnfitError:
        return _row(name, ok=False, seen="its boot time is not known")
    if installed_at is None or booted >= installed_at:
        return _row(name, ok=True, seen=f"booted at {booted.isoformat()}")
    needed = restart.is_wanted(posture)
    seen = f"booted at {booted.isoformat()}, before the install ended at {installed_at.isoformat()}"
    return _row(name, ok=not needed, seen=seen if needed else f"{seen}, which needed no reboot")


def _reboot_pending(posture: Mapping[str, Any]) -> dict[str, Any]:
    reasons = ", ".join(posture.get("reboot_pending_reasons") or ())
    if restart.is_wanted(posture):
        return _row("no reboot pending", ok=False, seen=f"a reboot is pending{f': {reasons}' if reasons else ''}")
    beside = f" of an install; Windows notes {reasons}" if reasons else ""
    return _row("no reboot pending", ok=True, seen=f"none is pending{beside}")


def _automatic(posture: Mapping[str, Any]) -> list[str]:
    return [*(posture.get("services_running") or ()), *(posture.get("services_stopped") or ())]


def _services(posture: Mapping[str, Any], before: Sequence[str] | None, ignored: frozenset[str]) -> dict[str, Any]:
    name = "automatic services"
    if before is None:
        return _row(name, ok=True, seen="what ran before is not known")
    running = {service.casefold() for service in posture.get("services_running") or ()}
    wanted = [service for service in before if service.casefold() not in ignored]
    down = [service for service in wanted if service.casefold() not in running]
    seen = f"not running again: {', '.join(down)}" if down else f"all {len(wanted)} that ran before run again"
    return _row(name, ok=not down, seen=seen)


def _probe(check: Check, answer: Mapping[str, Any] | None, known: set[str]) -> dict[str, Any]:
    name = check.probe["name"]
    if answer is None:
        return _row(name, ok=False, seen="it was not probed")
    ok, seen = answer.get("ok") is True, str(answer.get("seen", ""))
    if not ok and check.only_if_installed and check.probe["service"].casefold() not in known:
        return _row(name, ok=True, seen=f"{seen}; it is no automatic service of this machine")
    return _row(name, ok=ok, seen=seen)
