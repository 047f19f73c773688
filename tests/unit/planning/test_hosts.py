# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a task of ours acts on, by Ansible's variables; and what is known of an endpoint that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.planning.hosts import (
    ScopeError,
    of_batch,
    read_endpoints,
    readable_endpoints,
)


def test_without_batches_all_hosts_and_those_that_the_play_has_lost() -> None:
    known = {
        "ansible_play_hosts_all": ["B", "A", "C"],
        "ansible_play_hosts": ["B", "C"],
        "ansible_play_batch": ["C", "B"],
    }
    assert of_batch(known) == ["B", "A", "C"]


def test_a_batch_is_without_those_of_the_others() -> None:
    known = {
        "ansible_play_hosts_all": ["A", "B", "C"],
        "ansible_play_hosts": ["A", "B", "C"],
        "ansible_play_batch": ["B"],
    }
    assert of_batch(known) == ["B"]


class Known(dict[str, dict[str, Any]]):
    """Host variables without a template in them."""

    def raw_get(self, name: str) -> dict[str, Any]:
        return self[name]


PLACE = {"patching_client": "Acme", "patching_ring": "pilot", "patching_kind": "server"}


def test_one_that_cannot_be_read_is_named_and_the_others_are_read() -> None:
    known = Known(GOOD=PLACE, BAD={**PLACE, "patching_time_zone": "EST"})
    found, wrong = readable_endpoints(known, known)
    assert (list(found), list(wrong)) == (["GOOD"], ["BAD"])
    assert wrong["BAD"].why.startswith("BAD: endpoint BAD: time_zone is 'EST'")
    assert read_endpoints(known, ["GOOD"]) == (found, [])
    there, (warning,) = read_endpoints(known, known)
    assert there == found
    assert warning.startswith("1 endpoint(s) of the inventory cannot be read: BAD: ")
    with pytest.raises(ScopeError, match=r"^1 endpoint\(s\) of the inventory cannot be read: BAD: "):
        read_endpoints(known, ["BAD"])


def test_an_instant_that_yaml_has_read_is_read() -> None:
    """Not in quotes, as people write it."""
    contact = datetime(2026, 11, 11, 8, 5, tzinfo=UTC)
    found, _warnings = read_endpoints(Known(WS={**PLACE, "patching_last_contact": contact}), ["WS"])
    assert found["WS"].last_contact == contact


@pytest.mark.parametrize(
    ("more", "rings", "tiers"),
    [
        ({"patching_time_zone": "EST"}, ["pilot"], ["Acme pilot server"]),
        ({"patching_ring": "plot"}, ["pilot", "regular"], ["Acme pilot server", "Acme regular server"]),
        ({"patching_kind": "toaster"}, ["pilot"], ["Acme pilot server", "Acme pilot workstation"]),
        ({"patching_client": ""}, ["pilot"], ["Acme pilot server", "Other pilot server"]),
    ],
)
def test_it_may_be_wherever_its_record_does_not_say_otherwise(
    more: dict[str, str], rings: list[str], tiers: list[str]
) -> None:
    (one,) = readable_endpoints(Known(BAD=PLACE | more), ["BAD"])[1].values()
    assert [ring for ring in ("pilot", "regular", "plot") if one.may_be_of(ring)] == rings
    assert one.may_be_of(None)
    every = [
        (client, ring, kind)
        for client in ("Acme", "Other")
        for ring in ("pilot", "regular")
        for kind in ("server", "workstation")
    ]
    assert [" ".join(tier) for tier in every if one.may_be_in(*tier)] == tiers
