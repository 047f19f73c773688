# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens and however often runs look: nobody is told a thing twice, and a rebuilt ledger tells the same."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import tickets_wanted, told_since
from ansible_collections.msp.patching.plugins.plugin_utils.notices.told import tell
from tests.examples import examples
from tests.unit.flow.build import DAY, NIGHT, OPTIONAL, update, workstation
from tests.unit.notices.scene import Scene

FLEET = [
    workstation(name="P1", os="Windows 11"),
    workstation(name="W1", ring="regular", os="Windows 11"),
    workstation(name="W2", ring="regular", client="Birch", os="Windows 10", track="daytime"),
]
UPDATES = [update("a", kb=["1"]), update("b", kb=["2"], **OPTIONAL), update("c", kb=["3"])]
names = st.sampled_from([one.name for one in FLEET])
some = st.lists(st.sampled_from(UPDATES), max_size=3, unique_by=lambda one: one.id)
steps = st.lists(
    st.tuples(st.integers(0, 9), names, some, st.sampled_from(["run", "search", "take", "defer", "except", "sign"])),
    max_size=10,
)


def acted(one: Scene, now: Any, name: str, found: list[Any], what: str) -> None:
    who: dict[str, Any] = {"by": "j.doe", "reason": "r", "code": "C"}
    if what == "search":
        one.searched(now, {name: found})
    elif what == "take" and found:
        one.taken(now, "P1", found[0].id)
    elif what == "defer" and found:
        until = (now + 5 * DAY).isoformat()
        one.append(people.approve(one.ledger, now, updates=[found[0].id], decision="deferred", until=until, **who))
    elif what in ("except", "sign"):
        signed = {"signed_by": "Dana", "signed_at": now.isoformat()} if what == "sign" else {}
        ends = (now + 20 * DAY).isoformat()
        one.append(people.except_from(one.ledger, now, scope={"endpoint": name}, expires=ends, **who, **signed))


@settings(max_examples=examples(8))
@given(steps)
def test_told_once(story: list[tuple[int, str, list[Any], str]]) -> None:
    one, now = Scene(FLEET), NIGHT
    for days, name, found, what in story:
        now += timedelta(days=days, minutes=1)
        acted(one, now, name, found, what)
        one.run(now)
    one.run(now)
    assert one.run(now) == []  # whoever looks again has nothing to add
    ids = Counter(ticket["id"] for ticket in one.tickets())
    assert [key for key, times in ids.items() if times > 1] == []
    passed = Counter(
        (event.body["update"], event.body["kind"], event.body["client"])
        for _seq, _run, event in one.ledger.events(kinds=["soak.passed"])
    )
    assert [key for key, times in passed.items() if times > 1] == []
    before = one.told(now)
    one.ledger.rebuild()
    assert one.told(now) == before


def test_of_two_runs_that_looked_at_the_same_time_one_tells() -> None:
    one = Scene(FLEET)
    one.searched(NIGHT, {"P1": [UPDATES[1]], "W2": [UPDATES[2]]})
    one.run(NIGHT)
    now = NIGHT + 8 * DAY
    one.searched(now, {"W2": [UPDATES[2]]})
    looks = [one.outlook(now) for dummy in range(2)]
    found = [tell(outlook).events(outlook, tickets_wanted(one.ledger, ())) for outlook in looks]
    assert found[0] == found[1] != []
    counts = []
    for outlook, events in zip(looks, found, strict=True):
        fresh = [event.body["id"] for event in events if event.kind == "ticket.wanted"]
        counts.append(one.ledger.append(events, run="r2", unless=told_since(outlook.known, fresh)))
    assert counts == [len(found[0]), 0]
