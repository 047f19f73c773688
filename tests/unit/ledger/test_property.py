# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain and the register hold whatever happens in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.checkpoints import checkpointing, introducing
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import KINDS, OF_ENDPOINT
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.projection import PROJECTIONS
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import tables
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey
from tests.examples import examples
from tests.postgres import Postgres

from .strategies import BODIES, ENDPOINTS, START, event_of

pytestmark = pytest.mark.slow

events = st.one_of([event_of(kind, kind in OF_ENDPOINT) for kind in sorted(BODIES)])


def register_rows(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    return {table.name: ledger.rows(table.name) for table in tables().projected()}


SIGNED = {"key.introduced", "checkpoint.signed"}
"""Kinds that follow from the chain, and are never made up."""
KEY = SigningKey.make()


def test_every_kind_has_a_body_and_a_projection() -> None:
    assert set(BODIES) | SIGNED == set(KINDS) == set(PROJECTIONS)


batches_of_events = st.lists(st.lists(events, max_size=6), max_size=8)
unhurried = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def filled(url: str, batches: list[list[Event]]) -> Ledger:
    ledger = Ledger.open(url)
    for number, batch in enumerate(batches):
        assert ledger.append(batch, run=f"run-{number % 2}") == len(batch)
        if ledger.head()[0]:
            ledger.append_made([introducing(KEY, START, by="j.doe", reason="first")], run="keys")
            ledger.append_made([checkpointing(KEY, START)], run="keys")
    return ledger


@settings(unhurried, max_examples=examples(20))
@given(batches_of_events)
def test_a_rebuilt_register_is_identical(batches: list[list[Event]]) -> None:
    ledger = filled("sqlite://", batches)
    before = register_rows(ledger)
    count = ledger.rebuild()
    assert count == ledger.head()[0] >= sum(map(len, batches))
    assert register_rows(ledger) == before
    audit = ledger.audit([KEY.public])
    assert audit.seq == count
    assert (audit.signed.seq if audit.signed else 0) == max(count - 1, 0)
    ledger.register()  # the interface's record, accepted by the flow
    ledger.applicable(ENDPOINTS)
    ledger.progress(ENDPOINTS, run="run-0")
    ledger.down()


OF_THE_CHAIN = ("keys", "checkpoints")
"""Their rows name hashes, which are salted."""


@settings(unhurried, max_examples=examples(6))
@given(batches=batches_of_events)
def test_the_register_is_the_same_on_either_database(postgres: Postgres, batches: list[list[Event]]) -> None:
    here, there = filled("sqlite://", batches), filled(postgres.new(), batches)
    mine, other = register_rows(here), register_rows(there)
    assert {name: rows for name, rows in mine.items() if name not in OF_THE_CHAIN} == {
        name: rows for name, rows in other.items() if name not in OF_THE_CHAIN
    }
    assert there.register_record() == here.register_record()
    assert there.audit([KEY.public]).seq == here.audit([KEY.public]).seq
    there.rebuild()
    assert register_rows(there) == other
