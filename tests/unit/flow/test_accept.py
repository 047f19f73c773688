# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accept_list takes the wanted updates and no other, whichever way the endpoint searches."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import RecordError, Update, accept_list
from tests.examples import examples


def searched_apart(update: Update) -> list[str]:
    """As the documentation of win_updates has it: the title and each KB on its own."""
    return [update.title, *(f"KB{kb}" for kb in update.kb)]


def searched_joined(update: Update) -> list[str]:
    """As its code on the endpoint does it: a text plus a list is one text in PowerShell."""
    return [update.title + " ".join(f"KB{kb}" for kb in update.kb)]


WAYS = [searched_apart, searched_joined]


def taken(expressions: Sequence[str], update: Update, apart: bool) -> bool:
    texts = searched_apart(update) if apart else searched_joined(update)
    return any(re.search(expression, text, re.IGNORECASE) for expression in expressions for text in texts)


def one(title: str, *kb: str, id: str = "u") -> Update:  # noqa: A002
    return Update.parse({"id": id, "title": title, "kb": list(kb)})


CUMULATIVE = "2026-11 Cumulative Update for Windows 11 Version 24H2 for x64-based Systems (KB5046613) (26100.2314)"
OTHERS = [
    one(CUMULATIVE, "5046613"),
    one(CUMULATIVE.replace("x64", "arm64"), "5046613"),
    one(CUMULATIVE.replace("2026-11", "2026-10"), "5046613"),
    one("Servicing Stack Update (KB504661)", "504661"),
    one("Servicing Stack Update (KB50466130)", "50466130"),
    one("Update that replaces KB5046613", "5050000"),
    one("Update that follows KB5046613"),
    one("Two at once", "5046613", "5046614"),
    one("Contoso C++ [x86] Redistributable 1.2 ($5 | 10 % off)?"),
    one("Contoso C++ [x86] Redistributable 1x2 ($5 | 10 % off)?"),
    one("Contoso - Net - 1.2.3.4"),
    one("Contoso - Net - 1.2.3"),
    one("contoso - net - 1.2.3"),
    one("Intel\\System^2 {a} #3"),
    one("Sicherheitsupdate für Büro – März"),
]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("wanted", OTHERS, ids=lambda update: update.title[-20:])
def test_exactly_the_wanted_update(wanted: Update, apart: bool) -> None:
    expressions = accept_list([wanted])
    assert [other.title for other in OTHERS if taken(expressions, other, apart)] == [wanted.title]


@pytest.mark.parametrize("apart", [True, False])
def test_several_are_taken_together(apart: bool) -> None:
    expressions = accept_list(OTHERS[::2])
    assert [taken(expressions, other, apart) for other in OTHERS] == [n % 2 == 0 for n in range(len(OTHERS))]


def test_two_updates_of_one_title_are_told_apart_by_kb_where_the_endpoint_can() -> None:
    expressions = accept_list([one("Update for Office", "5000001")])
    assert taken(expressions, one("Update for Office", "5000001"), apart=False)
    assert not taken(expressions, one("Update for Office", "5000002"), apart=False)


@pytest.mark.parametrize(("title", "apart"), [("", True), ("Any title (KB5046613)", False), ("Any title", False)])
def test_an_update_without_a_known_title_is_taken_by_its_kb(title: str, apart: bool) -> None:
    expressions = accept_list([one("", "5046613", "5046614")])
    assert taken(expressions, one(title, "5046613", "5046614"), apart)
    assert not taken(expressions, one(title, "50466130"), apart)
    assert not taken(expressions, one(title, "5046614"), apart)
    assert not taken(expressions, one("Replaces KB5046613 and KB5046614 (all)"), apart)


@pytest.mark.parametrize("tail", ["KBPMPC-2024-08-12", "KB5046613 KBPMPC-2024-08-12", "KBKB7", "KB5046613a"])
def test_an_update_whose_kb_is_no_number_is_taken_by_its_title(tail: str) -> None:
    """A record's KBs are numbers; the endpoint searches the text that Windows told all the same."""
    (expression,) = accept_list([one("7-Zip 24.08")])
    assert re.search(expression, f"7-Zip 24.08{tail}", re.IGNORECASE)
    assert not re.search(expression, f"7-Zip 24.08 beta{tail}", re.IGNORECASE)
    assert not taken([expression], one("7-Zip 24.08", "5046613"), apart=False)
    assert not taken([expression], one("7-Zip 24.08", "5046613", "5046614"), apart=False)


def test_an_update_without_title_and_kb_is_refused_by_name() -> None:
    with pytest.raises(RecordError, match="update nameless"):
        accept_list([one("", id="nameless")])


def test_nothing_is_wanted_of_nothing() -> None:
    assert accept_list([]) == []


def test_only_escapes_that_dotnet_and_python_share() -> None:
    """A backslash before a letter or digit means something else in .NET than in Python, or nothing at all."""
    escaped = accept_list([one("Az_09 -&~äß \\.^$*+?{}[]()|#")])[0]
    assert not re.search(r"\\[0-9A-Za-z_ ]", escaped)


words = st.text("aA0 .*+()[]{}|\\^$?K5B-#é", min_size=1, max_size=8)
kbs = st.lists(st.sampled_from(["5", "50", "505", "05"]), max_size=2, unique=True)
updates = st.builds(lambda title, kb: one(title, *kb), words, kbs)


@settings(max_examples=examples(150))
@given(updates, updates)
def test_no_update_of_another_title_is_ever_taken(wanted: Update, other: Update) -> None:
    expressions = accept_list([wanted])
    assert all(taken(expressions, wanted, apart) for apart in (True, False))
    assume(wanted.title != other.title)
    # a title with a KB that is no number right behind it is another's, as the endpoint searches
    assume(not other.title.startswith(f"{wanted.title}KB"))
    assert not taken(expressions, other, apart=True)
    assume(searched_joined(wanted) != searched_joined(other))
    # a title that is another's title with its KB written behind it, and that has no KB, is the same text there
    assume(searched_joined(other) != [wanted.title])
    assert not taken(expressions, other, apart=False)
