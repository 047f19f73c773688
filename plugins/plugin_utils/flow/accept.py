# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing updates in ``ansible.windows.win_updates``: its ``accept_list`` takes regular expressions.

The module's documentation says that each is searched, whatever the case of letters, in the title and in each
``KB…``. Its code on the endpoint joins them first: in PowerShell a text plus a list is one text, so what is
searched is the title directly followed by ``KB5046613 KB5046614``. An expression for ``^KB5046613$`` would
never match there, and ``KB5046613`` would take every update whose title or other KB begins with that. So the
whole title is named, with its KBs behind it or without: that takes one update whichever way it is searched.

A KB that Windows tells may be no number (third parties' updates, a WSUS's own); a record of such an update has none,
and the endpoint searches its title with that KB behind it all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .fields import RecordError
from .records import Update

# Only what .NET and Python both read as special; re.escape also escapes blanks and more.
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]()|#]")
_NO_NUMBERS = "KB(?![0-9]+(?: KB[0-9]+)*$).*"
"""KBs as they are searched, of which one at least is no number."""


def accept_list(updates: Iterable[Update]) -> list[str]:
    """An expression for each update that takes it and no other; raises RecordError for one without a name.

    Updates of one title are told apart by their KBs where title and KBs are searched joined together; an update
    of that title without any KB is not.
    """
    return list(dict.fromkeys(_expression(update) for update in updates))


def _expression(update: Update) -> str:
    kbs = " ".join(f"KB{kb}" for kb in update.kb)
    if update.title:
        # (?-i: the search is told to ignore case, and titles that differ in case only are two updates
        return f"(?-i:^{_escaped(update.title)}(?:{kbs or _NO_NUMBERS})?$)"
    if kbs:
        # the title is not known, and on the endpoint it stands right before the first KB
        first, rest, others = kbs.partition(" ")
        return f"(?-i:(?:^|[^ ]){first}{f'(?:{rest}{others})?' if others else ''}$)"
    raise RecordError(f"update {update.id}: title and kb are both missing; win_updates chooses by one of them")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)
