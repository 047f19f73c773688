# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One month of a small MSP, told in events: an account in which every figure of the report is more than nothing.

Acme: a server and two workstations; one is patched, one failed, one waits for a go. Beta, whose name is markup: one
patched late, one excluded, one that never answered.
"""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of
from tests.unit.account.story import CRITICAL, DAY, HOUR, IMPORTANT, OPENED, Story, update

BETA = "<script>alert(1)</script> & Beta"
FORMULA = "=HYPERLINK(1)"
KNOWN = {
    CRITICAL: update(CRITICAL, cvss=8.8, cves=["CVE-2026-1", "CVE-2026-2"]),
    IMPORTANT: update(IMPORTANT, "Important"),
    "KB5003": update("KB5003", None, vendor=FORMULA, title=FORMULA),
    "driver": update("driver", None, categories=["Drivers"], title="<b>Driver</b>"),
}


def month() -> Story:
    """The story up to the 20th day of the cycle."""
    story = Story()
    server = story.endpoint("ACME-SQL01", kind="server", role="sql_server", ring="production")
    well, failing = story.endpoint("ACME-WS01"), story.endpoint("ACME-WS02")
    late = story.endpoint("BETA-WS01", client=BETA)
    excluded = story.endpoint("BETA-WS02", client=BETA)
    silent = story.endpoint("BETA-WS03", client=BETA)
    story.tier(server, kind="server", ring="production")
    story.tier(well, failing)
    story.tier(late, excluded, silent, client=BETA)
    for name in (server, well, failing, late, silent):
        story.decide(name, HOUR, "scan", "scan.due")
        story.scan(name, 2 * HOUR, CRITICAL, IMPORTANT, "KB5003", "driver", known=KNOWN)
    story.decide(excluded, HOUR, "skip", "scope.excluded", reason="excepted by J. Roe")
    _patched(story, well, DAY)
    _patched(story, late, 16 * DAY)
    _failed(story, failing)
    story.decide(server, 4 * HOUR, "manual", "gate.authorization", reason="a P1 server needs a go")
    story.decide(silent, 4 * HOUR, "wait", "posture.offline", reason="offline since Monday")
    _people(story)
    return story


def _patched(story: Story, name: str, after: timedelta) -> None:
    story.patch(name, after, CRITICAL, IMPORTANT)
    story.scan(name, after + 2 * HOUR, "driver", known=KNOWN)
    story.decide(name, after + 2 * HOUR, "none", "approval.nothing_approved")


def _failed(story: Story, name: str) -> None:
    story.install(name, DAY, IMPORTANT, failing=[CRITICAL], reboot=False)
    story.fail(name, DAY, CRITICAL)
    story.ticket(name, DAY, DAY + HOUR, 17, f"What failed: {CRITICAL}")
    story.validate(name, DAY + HOUR)
    story.decide(name, DAY + 2 * HOUR, "hold", "gate.failure_open", reason="no root cause is documented")


def _people(story: Story) -> None:
    scope, told = {"endpoint": "BETA-WS02"}, {"code": "APP", "by": "a.kern", "reason": "<i>old</i> till"}
    expires = text_of(OPENED + 30 * DAY)
    story.tell("exception.granted", HOUR, id="e-1", scope=scope, expires=expires, **told)
    story.tell("exception.signed", HOUR, id="e-1", signed_by="J. Roe", signed_at=text_of(OPENED), by="a.kern")
    deferred = {"decision": "deferred", "client": None, "until": text_of(OPENED + 60 * DAY), "promote": False}
    story.tell("approval.recorded", 2 * DAY, update="5003", **deferred, **told)
    hold = {"client": "Acme", "ring": "pilot", "kind": "workstation", "cycle": "2026-11"}
    story.tell("hold.placed", DAY, "ACME-WS02", id="h-1", scope=hold, reason="ACME-WS02 failed", failure="f-1")


def account() -> Account:
    """As of the 20th day."""
    return month().account(20 * DAY)
