# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes 16 to 18: ``schedule.freeze``, ``schedule.window``, ``posture.offline`` and ``posture.asleep``."""

from __future__ import annotations

from datetime import datetime

from . import windows
from .case import Answer, Case, Verdict
from .settings import WindowSpec


def freeze(case: Case) -> Answer:
    """``schedule.freeze``"""
    frozen = case.facts.freeze(case.endpoint, case.settings, case.zone)
    if frozen is None:
        return None
    return Verdict("wait", "schedule.freeze", f"the change freeze {frozen[0]} holds", frozen[1])


def window(case: Case) -> Answer:
    """``schedule.window``, with the least that must be left of it (R4)"""
    spec = windows.install_spec(case.endpoint, case.settings)
    current = case.facts.window(spec, case.zone)
    if windows.may_start(current, case.settings, case.now):
        return f"the window {spec.name} is open until {current.end:%Y-%m-%d %H:%M} {case.zone}"
    until = case.facts.next_opening(spec, case.zone)
    return Verdict("wait", "schedule.window", outside(case, spec, until), until)


def outside(case: Case, spec: WindowSpec, until: datetime) -> str:
    """Why work may not start: the window is shut, or too little of it is left."""
    least = (
        f"less than {case.settings.minimum_remaining} is left of"
        if case.facts.window(spec, case.zone).open
        else "outside"
    )
    return f"{least} the window {spec.name}, which opens next at {until:%Y-%m-%d %H:%M} {case.zone}"


def offline(case: Case, spec: WindowSpec | None = None) -> Verdict | None:
    """``posture.offline``: it is caught up when its window (the install window unless given) opens next."""
    if case.endpoint.online is not False:
        return None
    return _later(case, spec, "posture.offline", "the agent is silent")


def asleep(case: Case, spec: WindowSpec | None = None) -> Verdict | None:
    """``posture.asleep``: likewise."""
    if not case.endpoint.asleep:
        return None
    return _later(case, spec, "posture.asleep", "the machine is asleep or hibernating")


def away(case: Case, spec: WindowSpec | None = None) -> Verdict | None:
    """The wait of an endpoint that cannot be reached, whichever of the two it is."""
    return offline(case, spec) or asleep(case, spec)


def _later(case: Case, spec: WindowSpec | None, node: str, reason: str) -> Verdict:
    wanted = spec or windows.install_spec(case.endpoint, case.settings)
    return Verdict("wait", node, f"{reason}; it is caught up later", case.facts.next_opening(wanted, case.zone))
