# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the RMM calls clients, locations and computers from night to night, and whoever a run plans for: what an
exception covered where a run last saw it stays covered, and nothing follows twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import Place, places
from ansible_collections.msp.patching.plugins.plugin_utils.notices.renewals import covers
from ansible_collections.msp.patching.plugins.plugin_utils.planning.following import following
from ansible_collections.msp.patching.plugins.plugin_utils.planning.renamed import Names, seen_events
from tests.unit.flow.build import DAY, DEFAULTS, NIGHT, workstation
from tests.unit.notices.scene import Scene

pytestmark = pytest.mark.slow

SIGNED: dict[str, Any] = {"signed_by": "Dana Reyes", "signed_at": NIGHT.isoformat()}
WORDS: dict[str, Any] = {"code": "VENDOR", "reason": "no later build", "by": "j.doe"} | SIGNED
FLEET = [
    workstation(name="A", client="Acme", location="Main", id=1),
    workstation(name="B", client="Acme", location="Annex", id=2, ring="production"),
    workstation(name="C", client="Birch", location="Main", id=3),
    workstation(name="D", client="Birch", location="Main", id=4, ring="production"),
]
SCOPES = ({"client": "Acme"}, {"client": "Birch", "location": "Main"}, {"endpoint": "A"}, {"endpoint": "C"})
NAMES, CLIENTS, LOCATIONS = ("A", "B", "C", "D", "E", "F"), ("Acme", "Birch", "Cedar", "Dune"), ("Main", "Annex", "HQ")
changes = st.one_of(
    st.tuples(st.just("name"), st.integers(1, 4), st.sampled_from(NAMES)),
    st.tuples(st.just("client"), st.sampled_from(CLIENTS), st.sampled_from(CLIENTS)),
    st.tuples(st.just("location"), st.sampled_from(LOCATIONS), st.sampled_from(LOCATIONS)),
)
nights = st.lists(st.tuples(changes, st.sets(st.integers(1, 4))), min_size=1, max_size=4)


def changed(fleet: list[Endpoint], before: Mapping[str, Place], what: str, old: Any, new: str) -> list[Endpoint]:
    """The fleet after one change in the RMM; a name that another computer of the client has goes to it, and its own to
    that one. `before` is where a run saw each last: of a computer of which both is new, its name and its client, nobody
    can tell, so none gets a new name that has not been seen at its client. Nor does anybody get the name of a client or
    location that others had when they were seen last: who has the name is who is meant."""
    if what != "name":
        parts: dict[str, Any] = {what: new}
        free = all(getattr(one, what) != new for one in fleet)
        if free and any(getattr(before[one.name], what) == new and getattr(one, what) != old for one in fleet):
            return fleet
        return [replace(one, **parts) if getattr(one, what) == old else one for one in fleet]
    (its,) = (one for one in fleet if one.id == old)
    if any(one.name == new and one.client != its.client for one in fleet):
        return fleet  # its number alone would tell, and two RMMs may have the same
    names = {its.name: new, new: its.name}
    if any(one.name in names and before[one.name].client != one.client for one in fleet):
        return fleet
    return [replace(one, name=names.get(one.name, one.name)) for one in fleet]


def covered(scene: Scene, fleet: Iterable[Endpoint]) -> set[int | None]:
    standing = scene.ledger.register([]).exceptions
    return {one.id for one in fleet if any(covers(row.scope, one) for row in standing)}


@given(nights, st.sets(st.sampled_from(range(len(SCOPES))), min_size=1))
def test_what_is_covered_stays_covered(story: list[Any], granted: set[int]) -> None:
    scene = Scene(list(FLEET))
    scene.searched(NIGHT, {one.name: [] for one in FLEET})
    for number in sorted(granted):
        scene.append(people.except_from(scene.ledger, NIGHT, scope=SCOPES[number], **WORDS))
    fleet = FLEET
    seen = {one.id: one for one in FLEET}
    for number, (change, planned) in enumerate(story, 1):
        kept = covered(scene, seen.values())
        before = places(scene.ledger)
        fleet = changed(fleet, before, *change)
        note(f"{change}: {[(one.id, one.name, one.client, one.location) for one in fleet]}, planned for {planned}")
        now = NIGHT + number * DAY
        by_name = {one.name: one for one in fleet}
        scene.append(following(scene.ledger, DEFAULTS, Names(before, by_name), now))
        assert kept <= covered(scene, fleet)
        assert following(scene.ledger, DEFAULTS, Names(before, by_name), now) == []
        # for the same reason new names are seen at once
        chosen = {one.name: one for one in fleet if one.id in planned or change[0] == "name"}
        for one in chosen.values():
            scene.fleet = fleet
            if one.name not in before:
                scene.searched(now, {one.name: []})
        scene.append(seen_events(chosen, before, set(), now))
        seen |= {one.id: one for one in chosen.values()}
        again = Names(places(scene.ledger), by_name)
        assert following(scene.ledger, DEFAULTS, again, now + timedelta(hours=1)) == []
