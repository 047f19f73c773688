# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patching flow of the operating model as pure Python: no Ansible, no input or output, no clock.

One room per subject: ``scope``, ``reboots``, ``approval``, ``soak``, ``gates``, ``schedule`` with ``windows``
and ``freezes``, ``validation``, ``failures``, ``closure``, ``policy`` with ``settings``, ``records`` and ``register``;
``walk`` goes through the nodes. Files are read when a policy is loaded, never by a decision.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import closure, failures, soak, validation, windows
    from .accept import accept_list
    from .decision import Decision, LeftOut
    from .fields import RecordError
    from .policy import Policy, load_policy
    from .records import Endpoint, Update, redundancy_key
    from .register import EndpointState, Register
    from .settings import PolicyError, Settings
    from .times import CalendarError, cycle_at, cycle_span, patch_tuesday
    from .walk import Planner, decide
else:
    _ROOMS = {
        "accept_list": "accept",
        "Planner": "walk",
        "decide": "walk",
        "Decision": "decision",
        "LeftOut": "decision",
        "RecordError": "fields",
        "Policy": "policy",
        "load_policy": "policy",
        "Endpoint": "records",
        "Update": "records",
        "redundancy_key": "records",
        "EndpointState": "register",
        "Register": "register",
        "PolicyError": "settings",
        "Settings": "settings",
        "CalendarError": "times",
        "cycle_at": "times",
        "cycle_span": "times",
        "patch_tuesday": "times",
    }

    def __getattr__(name: str) -> object:
        """A room, or a name of one, loaded when somebody asks for it: an inventory needs the records and no more."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = importlib.import_module(f".{_ROOMS.get(name, name)}", __name__)
        if name in _ROOMS:
            found = globals()[name] = getattr(found, name)
        return found


__all__ = [
    "CalendarError",
    "Decision",
    "Endpoint",
    "EndpointState",
    "LeftOut",
    "Planner",
    "Policy",
    "PolicyError",
    "RecordError",
    "Register",
    "Settings",
    "Update",
    "accept_list",
    "closure",
    "cycle_at",
    "cycle_span",
    "decide",
    "failures",
    "load_policy",
    "patch_tuesday",
    "redundancy_key",
    "soak",
    "validation",
    "windows",
]
