# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that are made while another run has appended what it has not signed yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.retention import due, written_event
from ansible_collections.msp.patching.plugins.plugin_utils.packages.seal import PackageError
from tests.unit.account.story import CRITICAL, DAY, HOUR, Story

from .ledgers import ACME, ALL, KEY, SECRET_OF_BETA, TIER, made, sign


@pytest.fixture
def story() -> Story:
    """Acme's tier is open; the run that signed last was of Beta alone."""
    story = Story()
    beta = story.endpoint(SECRET_OF_BETA, client="Beta", location="Beta HQ", kind="server", role="file_server")
    story.tier("WS01")
    story.tier(beta, client="Beta", kind="server")
    story.scan("WS01", HOUR, CRITICAL)
    sign(story, 2 * HOUR)
    story.scan(beta, 3 * HOUR, CRITICAL)
    sign(story, 4 * HOUR)
    return story


@pytest.mark.parametrize("scope", [TIER, ACME, ALL], ids=str)
def test_what_is_not_signed_yet_breaks_no_package(story: Story, scope: Scope, tmp_path: Path) -> None:
    story.patch("WS01", 5 * HOUR, CRITICAL)
    package = made(story, scope, tmp_path / "package.zip")
    assert check_package(tmp_path / "package.zip", [KEY.public]).seq == package.checkpoint.seq


def test_a_closure_that_is_not_signed_is_in_no_package_and_due_once_it_is(story: Story, tmp_path: Path) -> None:
    story.close(5 * HOUR, {"WS01": ("patched", "nothing is left")})
    assert due(story.ledger, story.end) == []
    with pytest.raises(PackageError, match=f"the closure of {TIER} is not signed yet"):
        made(story, TIER, tmp_path / "package.zip")
    sign(story, 6 * HOUR)
    assert due(story.ledger, story.end) == [TIER, ACME]


def test_a_package_without_the_closure_is_not_that_of_the_closed_tier(story: Story, tmp_path: Path) -> None:
    """Made by another run between the closure and its signature, and so written after the tier had closed."""
    package = made(story, TIER, tmp_path / "package.zip")
    story.close(5 * HOUR, {"WS01": ("patched", "nothing is left")})
    story.ledger.append([written_event(package, "there", None, story.start + 5 * HOUR)], run="run-2")
    sign(story, 6 * HOUR)
    assert due(story.ledger, story.end) == [TIER, ACME]
    whole = made(story, TIER, tmp_path / "whole.zip")
    story.ledger.append([written_event(whole, "here", None, story.start + 4 * HOUR)], run="run-1")
    assert due(story.ledger, story.start + DAY) == [ACME], "whatever the clocks of the runs say"
