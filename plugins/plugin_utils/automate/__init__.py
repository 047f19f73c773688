# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConnectWise Automate, the RMM: a client that reads it in bulk, and what its records mean for patching.

- `settings`, `transport`, `login`, `client`: the wire, from the outside in. `AutomateClient` is the way in.
- `snapshot`: all lists that the inventory needs. `rules`: what the options say.
- `groups`, `places`, `classify`: from records to endpoint records. `names`: what hosts and groups are called.

Built from the API's published description and from what clients of it report; the points that nobody has
confirmed on a live server each stand behind one function (`instants.instant`, `groups.Group.rank`).
"""

from __future__ import annotations

from .client import AutomateClient
from .errors import AutomateError
from .instants import instant
from .settings import Settings

__all__ = ["AutomateClient", "AutomateError", "Settings", "instant"]
