# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patching flow of the operating model as pure Python: no Ansible, no input or output, no clock.

One room per subject: ``scope``, ``reboots``, ``approval``, ``soak``, ``gates``, ``schedule`` with ``windows``
and ``freezes``, ``validation``, ``failures``, ``closure``, ``policy`` with ``settings``, ``records`` and ``register``;
``decide`` walks the nodes. Files are read when a policy is loaded, never by a decision.
"""

from __future__ import annotations

from . import closure, failures, soak, validation, windows
from .accept import accept_list
from .decide import Planner, decide
from .decision import Decision, LeftOut
from .fields import RecordError
from .policy import Policy, load_policy
from .records import Endpoint, Update, redundancy_key
from .register import EndpointState, Register
from .settings import PolicyError, Settings
from .times import CalendarError, cycle_at, cycle_span, patch_tuesday

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
