# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter accept_list against look-alikes: each update chosen, and no other, as win_updates searches."""

from __future__ import annotations

import re

import pytest

from tests.unit.filter.asking import Record, ask, update

# what a title is made of to lead an expression astray
HOSTILE = [
    "Realtek - Net - 10.68.815.2023",
    "Realtek - Net - 10768.815.2023",
    "Update (v1.0) [x64] {beta}",
    "Update (v1.0) [x64] {beta} 2",
    "C++ Redistributable ^2015-2022$",
    "C Redistributable ^2015-2022$",
    ".*",
    "(?i)update",
    "a|b",
    "a",
    "b",
    "back\\slash \\d+ \\",
    "back\\slash \\d+ 12",
    "quotes ' \" ` and {{ braces }} {% raw %}",
    "Mise à jour cumulative – « Windows 11 » (KB1)",
    "Mise a jour cumulative – « Windows 11 » (KB1)",
    "累積更新プログラム 🪟",
    "# comment",
    "tab\there",
    "tab here",
    "two  spaces",
    "two spaces",
    " leading",
    "leading",
    "trailing ",
    "trailing",
    "UPPER case",
    "upper CASE",
    "*",
    "Stra\u00dfe",
    "Strasse",
]
NUMBERS = ["5046613", "504661", "50466130", "046613", "15046613", "5046614"]


def titled(number: int, title: str, kb: list[str] | None = None) -> Record:
    return update(str(number), title=title, kb=kb or [])


def with_kb(kb: str) -> Record:
    return update(kb, title=f"2026-11 Cumulative Update for Windows 11 Version 24H2 for x64 (KB{kb})")


CATALOGUE = [
    *[titled(number, title) for number, title in enumerate(HOSTILE)],
    *[with_kb(kb) for kb in NUMBERS],
    titled(101, "Replaces KB5046613"),
    titled(102, "Fix for KB5046613", ["77"]),
    titled(103, "Security Update (KB5046613) for Server", ["78", "79"]),
    titled(104, "2026-11 Cumulative Update for Windows 11 Version 24H2 for x64", ["80"]),
    titled(105, "2026-11 Cumulative Update for Windows 11 Version 24H2 for x64 (KB5046613) preview", ["81"]),
]


def searched(each: Record) -> str:
    """What ansible.windows.win_updates searches in: the title with the KBs behind it."""
    return str(each["title"]) + " ".join(f"KB{kb}" for kb in each["kb"])


def patterns(updates: list[Record]) -> list[str]:
    found = ask("u | msp.patching.accept_list", u=updates)
    assert isinstance(found, list)
    assert all(isinstance(pattern, str) for pattern in found)
    return found


@pytest.mark.parametrize("flags", [0, re.IGNORECASE], ids=["", "ignorecase"])
@pytest.mark.parametrize("separately", [False, True])
def test_each_update_is_taken_and_no_other(flags: int, separately: bool) -> None:
    """PowerShell searches whatever the case; some check title and KBs one by one."""
    for chosen in CATALOGUE:
        expressions = [re.compile(pattern, flags) for pattern in patterns([chosen])]
        taken = []
        for each in CATALOGUE:
            texts = [each["title"], *[f"KB{kb}" for kb in each["kb"]]] if separately else [searched(each)]
            if any(expression.search(text) for expression in expressions for text in texts):
                taken.append(each["id"])
        assert taken == [chosen["id"]], chosen["title"]


def test_several_are_taken_together_and_none_gives_none() -> None:
    chosen = [CATALOGUE[0], CATALOGUE[9], with_kb("504661")]
    expressions = [re.compile(pattern) for pattern in patterns(chosen)]
    taken = [each["id"] for each in CATALOGUE if any(e.search(searched(each)) for e in expressions)]
    assert taken == [each["id"] for each in chosen]
    assert patterns([]) == []


def test_one_without_a_title_is_taken_by_its_kb_alone() -> None:
    (pattern,) = patterns([update("504661", title=None)])
    own = ["Some updateKB504661", "KB504661"]
    others = ["Some updateKB5046613", "Some updateKB1504661", "Replaces KB504661 and moreKB7"]
    assert [bool(re.search(pattern, text)) for text in own] == [True, True]
    assert [bool(re.search(pattern, text)) for text in others] == [False, False, False]


def test_every_kb_of_several_is_in_it() -> None:
    chosen = titled(1, "Two in one", ["11", "22"])
    (pattern,) = patterns([chosen])
    assert re.search(pattern, "Two in oneKB11 KB22")
    assert not re.search(pattern, "Two in oneKB11 KB23")


def test_what_cannot_be_told_apart_from_nothing_is_refused() -> None:
    with pytest.raises(Exception, match="title"):
        patterns([update("1", title=None, kb=[])])
    with pytest.raises(Exception, match="title"):
        patterns([update("1", title="", kb=[])])
