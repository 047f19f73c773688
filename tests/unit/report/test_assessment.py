# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assessment results that are made beside the report point to its files, and are there once."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest
from trestle.oscal.assessment_results import Model

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Scope
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import ledger_id
from ansible_collections.msp.patching.plugins.plugin_utils.report.assessment import FORMAT, assessed
from ansible_collections.msp.patching.plugins.plugin_utils.report.write import ReportError, Written, check, write
from tests.unit.account.story import DAY, Story
from tests.unit.report.month import BETA, month


@pytest.fixture(scope="module")
def story() -> Story:
    return month()


def wrote(story: Story, account: Account, dest: Path, *formats: str, dry: bool = False) -> Written:
    also = {FORMAT: partial(assessed, account, story.policy, ledger_id(story.ledger))}
    return write(account, dest, formats, tell=lambda _line: None, dry=dry, also=also)


def test_they_point_by_hash_to_what_is_made_with_them(story: Story, tmp_path: Path) -> None:
    written = wrote(story, story.account(20 * DAY), tmp_path, FORMAT, "html", "csv")
    assert written.problems == []
    names = [Path(row["path"]).name for row in written.files if row["format"] == FORMAT]
    assert names == [
        "compliance-2026-11-policy.json",
        "sp800-171r2-si.json",
        "compliance-2026-11-assessment-plan.json",
        "compliance-2026-11-assessment-results.json",
    ]
    document = json.loads((tmp_path / names[-1]).read_bytes())
    Model.model_validate(document)
    pointed = [rlink for one in document["assessment-results"]["back-matter"]["resources"] for rlink in one["rlinks"]]
    assert {rlink["href"] for rlink in pointed} == {
        *names[:-1],
        "compliance-2026-11.html",
        *(f"compliance-2026-11-{table}.csv" for table in ("endpoints", "flaws", "boots")),
    }
    for rlink in pointed:
        content = (tmp_path / unquote(rlink["href"])).read_bytes()
        assert rlink["hashes"] == [{"algorithm": "SHA-256", "value": hashlib.sha256(content).hexdigest()}]


def test_a_second_time_nothing_changes_and_a_dry_one_writes_nothing(story: Story, tmp_path: Path) -> None:
    account = story.account(20 * DAY)
    assert wrote(story, account, tmp_path / "dry", FORMAT, "csv", dry=True).changed
    assert not (tmp_path / "dry").exists()
    first = wrote(story, account, tmp_path, FORMAT, "csv")
    second = wrote(story, account, tmp_path, "csv", FORMAT)
    assert (first.changed, second.changed) == (True, False)
    assert first.files == second.files


def test_of_one_client_nothing_is_said_of_others(story: Story, tmp_path: Path) -> None:
    written = wrote(story, story.account(20 * DAY, client="Acme"), tmp_path, FORMAT)
    assert len(written.files) == 4
    for row in written.files:
        assert "BETA" not in Path(row["path"]).read_text()
        assert BETA not in Path(row["path"]).read_text()


def test_where_there_is_no_endpoint_there_is_nothing_to_assess(tmp_path: Path) -> None:
    story = Story()
    assert wrote(story, story.account(), tmp_path, FORMAT) == Written()


def test_a_format_that_there_is_not_is_refused() -> None:
    check(Scope("2026-11"), [FORMAT])
    with pytest.raises(ReportError, match="'oskal': of html, pdf, png, csv, oscal one or more"):
        check(Scope("2026-11"), ["oskal"])
