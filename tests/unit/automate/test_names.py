# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: unique, stable, and the longer form for everybody concerned; slugs; dates."""

from __future__ import annotations

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.automate import instant
from ansible_collections.msp.patching.plugins.plugin_utils.automate.names import (
    client_slugs,
    host_names,
    location_groups,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.words import slug


@pytest.mark.parametrize(
    ("computers", "names"),
    [
        ([(1, "DC01", "acme"), (2, "WS01", "acme")], ["DC01", "WS01"]),
        ([(1, "DC01", "acme"), (2, "DC01", "bolt")], ["DC01.acme", "DC01.bolt"]),
        ([(1, "dc01", "acme"), (2, "DC01", "bolt")], ["dc01.acme", "DC01.bolt"]),
        ([(1, "DC01", "acme"), (2, "DC01", "acme")], ["DC01.acme.1", "DC01.acme.2"]),
        ([(1, "DC01", "acme"), (2, "DC01", "acme"), (3, "DC01", "bolt")], ["DC01.acme.1", "DC01.acme.2", "DC01.bolt"]),
        (
            [(1, "DC01", "acme"), (2, "DC01", "bolt"), (3, "DC01.acme", "cog")],
            ["DC01.acme.1", "DC01.bolt", "DC01.acme.cog"],
        ),
        ([(1, "localhost", "acme"), (2, "ALL", "acme")], ["localhost.acme", "ALL.acme"]),
        ([(1, "kind_server", "acme")], ["kind_server.acme"]),
        ([(1, "FRONT DESK, left:[1]", "acme"), (2, "-x", "acme")], ["FRONT_DESK_left_1", "x"]),
        ([(1, "", "acme"), (2, "日本", "acme")], ["computer_1", "computer_2"]),
        ([(1, "A!", "acme"), (2, "A?", "acme")], ["A", "A"]),
    ],
)
def test_host_names(computers: list[tuple[int, str, str]], names: list[str]) -> None:
    found = host_names(computers, ["kind_server"])
    if names == ["A", "A"]:
        names = ["A.acme.1", "A.acme.2"]
    assert [found[number] for number, _name, _client in computers] == names
    assert found == host_names(reversed(computers), ["kind_server"])
    assert len({name.lower() for name in found.values()}) == len(found)


def test_names_can_all_bear_the_client() -> None:
    found = host_names([(1, "DC01", "acme"), (2, "WS01", "acme"), (3, "WS01", "acme")], always_qualified=True)
    assert found == {1: "DC01.acme", 2: "WS01.acme.2", 3: "WS01.acme.3"}


@pytest.mark.parametrize(
    ("clients", "slugs"),
    [
        ({1: "Acme Dental, LLC", 2: "Bolt"}, ["acme_dental_llc", "bolt"]),
        ({1: "Acme Inc", 2: "Acme, Inc.", 3: "Bolt"}, ["acme_inc_1", "acme_inc_2", "bolt"]),
        ({1: "Acme Inc", 2: "Acme, Inc.", 3: "Acme Inc 1"}, ["acme_inc__1", "acme_inc_2", "acme_inc_1_3"]),
        ({7: "Zürich & Söhne"}, ["zurich_sohne"]),
        ({7: "日本", 8: "!"}, ["7", "8"]),
        ({7: "日本", 8: "7"}, ["__7", "7_8"]),
    ],
)
def test_client_slugs(clients: dict[int, str], slugs: list[str]) -> None:
    assert list(client_slugs(clients).values()) == slugs


def test_location_groups_are_unique_over_all_clients() -> None:
    found = location_groups(
        {
            (1, 10): ("a", "b c"),
            (2, 20): ("a_b", "c"),
            (3, 30): ("z", "Main"),
            (3, 31): ("z", "main!"),
            (4, 40): ("y", "?"),
        }
    )
    assert list(found.values()) == [
        "location_a_b_c_10",
        "location_a_b_c_20",
        "location_z_main_30",
        "location_z_main_31",
        "location_y_40",
    ]


def test_a_slug_is_lower_case_letters_digits_and_lines() -> None:
    assert slug("  SQL-Server (old) ") == "sql_server_old"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-11T08:05:00", "2026-11-11T08:05:00+00:00"),
        ("2026-11-11T08:05:00.1234567", "2026-11-11T08:05:00.123456+00:00"),
        ("2026-11-11T08:05:00Z", "2026-11-11T08:05:00+00:00"),
        ("2026-11-11T03:05:00-05:00", "2026-11-11T08:05:00+00:00"),
        ("0001-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_dates_without_a_zone_are_utc(text: object, expected: str | None) -> None:
    found = instant(text)
    assert (found.isoformat() if found else None) == expected
