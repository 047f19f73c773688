# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random accounts: few endpoints and updates, so that they meet, and any text where a ledger may hold any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Flaw
from ansible_collections.msp.patching.plugins.plugin_utils.account.model import STATES
from ansible_collections.msp.patching.plugins.plugin_utils.flow.records import CRITICALITIES, KINDS, RINGS, SEVERITIES
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import Evidence
from tests.unit.oscal.build import account, day, endpoint, exception, flaw, tier

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=15)
named = texts.filter(str.strip)
days = st.integers(-10, 70).map(day)
maybe_days = st.none() | days
clients = st.sampled_from(["Acme", "Beta & <Sons>", "ßeta_*", " "]) | named
names = st.sampled_from(["S1", "S2", "W_1", "[x](y)"]) | named


@st.composite
def flaws(draw: st.DrawFn, on: str, client: str | None, update: str) -> Flaw:
    """A flaw in any state and with any times, likely or not."""
    given: dict[str, Any] = {
        "update": update,
        "label": draw(texts),
        "reason": draw(texts),
        "state": draw(st.sampled_from(STATES)),
        "severity": draw(st.none() | st.sampled_from(sorted(SEVERITIES))),
        "cves": tuple(draw(st.lists(texts, max_size=3))),
        "cvss": draw(st.none() | st.floats(0, 10)),
        "categories": tuple(draw(st.lists(texts, max_size=2))),
        "ring": draw(st.none() | st.sampled_from(sorted(RINGS))),
        "kind": draw(st.none() | st.sampled_from(sorted(KINDS))),
        "criticality": draw(st.none() | st.sampled_from(sorted(CRITICALITIES))),
        "identified": draw(days),
    }
    for key in ("released", "reported", "corrected", "identify_due", "report_due", "correct_due"):
        given[key] = draw(maybe_days)
    return flaw(on, client=client, **given)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """At least one endpoint; each with a few flaws of a few updates."""
    updates = draw(st.lists(st.sampled_from(["u-1", "u-2"]) | named, max_size=3, unique=True))
    machines, found = [], []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        client = draw(st.none() | clients)
        machines.append(endpoint(name, client=client, location=draw(st.none() | named), searched=draw(maybe_days)))
        found += [draw(flaws(name, client, update)) for update in updates if draw(st.booleans())]
    signed = [exception(endpoint=machines[0].name)] if draw(st.booleans()) else []
    client = machines[0].client or "Acme"
    tiers = [tier(draw(maybe_days), client=client, ring=ring) for ring in draw(st.sets(st.sampled_from(sorted(RINGS))))]
    people: dict[str, Any] = {"exceptions": tuple(signed), "tiers": tuple(tiers)}
    return account(machines, found, **people, at=draw(days), events=draw(st.integers(0, 10**9)))


evidence = st.lists(
    st.builds(
        Evidence,
        href=named,
        title=texts,
        sha256=st.just("ef" * 32),
        media_type=st.sampled_from(["application/json", "text/csv"]),
        objectives=st.text("abcdef", max_size=6),
    ),
    max_size=3,
    unique_by=lambda one: one.href,
)
