# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small ledger of two clients, signed after each of three runs, and the packages made of it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.checkpoints import checkpointing, introducing
from ansible_collections.msp.patching.plugins.plugin_utils.packages.make import Made, making
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey
from tests.unit.account.story import CRITICAL, CYCLE, DAY, HOUR, IMPORTANT, Story

KEY = SigningKey.parse("nWGxne/9WmC6hEr0kuwsxERJxXN7MmkZcDusAxyuf2A=", "the tests")
"""Of RFC 8032, 7.1, test 1: the same packages in every run of the tests."""
ACME = Scope(CYCLE, "Acme")
TIER = Scope(CYCLE, "Acme", "pilot", "workstation")
ALL = Scope(CYCLE)
SECRET_OF_BETA = "BETA-SECRET-SERVER"


def sign(story: Story, after: timedelta, key: SigningKey = KEY) -> None:
    at = story.start + after
    first = introducing(key, at, by="j.doe", reason="first use")
    story.ledger.append_made([first, checkpointing(key, at)], run="run-1")


def told() -> Story:
    """Acme has a workstation that is patched, Beta a server that failed; the run between is of Beta alone."""
    story = Story()
    beta = story.endpoint(SECRET_OF_BETA, client="Beta", location="Beta HQ", kind="server", role="file_server")
    story.tier("WS01")
    story.tier(beta, client="Beta", kind="server")
    story.scan("WS01", HOUR, CRITICAL, IMPORTANT)
    story.scan(beta, HOUR, CRITICAL)
    sign(story, 2 * HOUR)
    story.fail(beta, 5 * HOUR, CRITICAL)
    story.ticket(beta, 5 * HOUR, 6 * HOUR, 7, f"{SECRET_OF_BETA} failed", client="Beta")
    sign(story, 7 * HOUR)
    story.patch("WS01", 10 * HOUR, CRITICAL, IMPORTANT)
    story.decide("WS01", 12 * HOUR)
    story.scan("WS01", DAY + 2 * HOUR)
    decision = {"update": CRITICAL, "decision": "approved", "client": "Beta", "until": None, "promote": False}
    story.tell("approval.recorded", DAY, **decision, by="j.doe", reason="for Beta alone")
    story.close(2 * DAY, {"WS01": ("patched", "nothing is left")})
    sign(story, 2 * DAY)
    return story


def made(story: Story, scope: Scope, path: Path) -> Made:
    """The package of `scope`, kept in `path`."""
    with making(story.ledger, story.policy, scope, KEY) as package:
        shutil.copy(package.path, path)
        return package


def goes_on(story: Story, after: timedelta) -> None:
    """Something that is no client's happens, and is signed."""
    story.ledger.append([Event("run.closed", None, story.start + after, {"hosts": {}})], run="run-2")
    sign(story, after)
