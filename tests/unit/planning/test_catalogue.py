# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which endpoints the RMM is asked about, and what its patch rows say of updates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Update
from ansible_collections.msp.patching.plugins.plugin_utils.planning.catalogue import covering, described

CUMULATIVE = Update(id="u-1", kb=("5091211",), title="2026-11 Cumulative Update (KB5091211)")
DRIVER = Update(id="u-2", title="Contoso - Net - 1.2.3")


def row(**values: Any) -> dict[str, Any]:
    """A row of /Computers/{id}/MicrosoftUpdates, as Automate writes it: KB as a number, date without a zone."""
    return {
        "KnowledgeBaseId": 5091211,
        "Title": CUMULATIVE.title,
        "Severity": "Critical",
        "Cvss": 8.8,
        "ReleaseDate": "2026-11-10T18:00:00",
        **values,
    }


def test_a_row_completes_what_windows_told() -> None:
    [record] = described([CUMULATIVE], [row()])
    assert (record["id"], record["kb"], record["title"]) == ("u-1", ["5091211"], CUMULATIVE.title)
    assert (record["severity"], record["cvss"], record["vendor"]) == ("Critical", 8.8, "Microsoft")
    assert record["released"] == "2026-11-10T18:00:00+00:00"
    assert Update.parse(record).severity == "Critical"


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        ([row(Title="of another product", Severity="Low"), row()], "Critical"),  # the title decides within a KB
        ([row(Title="worded otherwise", Severity="important")], "Important"),  # the KB alone will do, in any case
        ([row(Severity="")], None),  # the RMM does not know either
        ([row(Severity="Unspecified")], None),  # what is no severity of ours is none
    ],
)
def test_the_severity_taken(rows: list[dict[str, Any]], severity: str | None) -> None:
    [record] = described([CUMULATIVE], rows)
    assert record["severity"] == severity


def test_an_update_without_a_kb_is_found_by_its_title_only() -> None:
    other = row(KnowledgeBaseId=0, Title="Contoso - Net - 1.2.4")
    assert described([DRIVER], [other, row()]) == []
    assert [one["id"] for one in described([DRIVER], [other, row(KnowledgeBaseId=0, Title=DRIVER.title)])] == ["u-2"]


def test_what_the_rmm_does_not_have_is_left_out() -> None:
    assert described([CUMULATIVE], [row(KnowledgeBaseId=1, Title="another")]) == []


def test_as_few_endpoints_as_cover_all() -> None:
    offers = {"A": ["1"], "B": ["1", "2"], "C": ["3"], "D": ["2", "3"]}
    assert covering(["1", "2", "3"], offers, most=9) == ["B", "C"]


UPDATES = st.sampled_from("abcdefgh")


@given(st.sets(UPDATES), st.dictionaries(st.integers(0, 9).map(str), st.lists(UPDATES)), st.integers(0, 9))
def test_what_can_be_covered_is_covered_and_nobody_is_asked_in_vain(
    wanted: set[str], offers: dict[str, list[str]], most: int
) -> None:
    chosen = covering(wanted, offers, most)
    covered: set[str] = set()
    for name in chosen:
        assert (set(offers[name]) & wanted) - covered
        covered |= set(offers[name]) & wanted
    coverable = {update for some in offers.values() for update in some} & wanted
    assert len(chosen) <= most
    assert len(chosen) == most or covered == coverable
