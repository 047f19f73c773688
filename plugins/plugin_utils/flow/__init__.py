# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patching flow of the operating model as pure Python: no Ansible, no input or output, no clock.

One room per subject: ``scope``, ``reboots``, ``approval``, ``soak``, ``gates``, ``windows``, ``freezes``,
``validation``, ``failures``, ``policy``, ``records``, ``register``; ``decide`` walks the nodes.
"""

from __future__ import annotations

from .decision import Decision, LeftOut
from .records import Endpoint, RecordError, Update, redundancy_key
from .register import Register

__all__ = ["Decision", "Endpoint", "LeftOut", "RecordError", "Register", "Update", "redundancy_key"]
