# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a report's files: readable, safe, and those of one client alone."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.report.words import stem

CYCLE = "2026-11"
ALIKE = ("Acme Inc", "Acme, Inc", "Acme Inc.", "Acme  Inc", "Acme-Inc", "ACME Inc", "acme inc", "Acm\u00e9 Inc")
names = st.one_of(st.text(min_size=1), st.text("Aa .-1", min_size=1), st.text("a", min_size=38, max_size=43))


def named(client: str | None, ring: str | None = None, kind: str | None = None) -> str:
    return stem(Scope(CYCLE, client, ring, kind))


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (None, "compliance-2026-11"),
        ("Acme", "compliance-2026-11-acme"),
        ("Acme Dental", "compliance-2026-11-acme-dental"),
        ("Studio 54", "compliance-2026-11-studio-54"),
        ("A" + "b" * 39, "compliance-2026-11-a" + "b" * 39),
    ],
)
def test_a_plain_name_is_the_files(client: str | None, name: str) -> None:
    assert named(client) == name
    assert named(client, "pilot", "server") == f"{name}-pilot-server"


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("Acme, Inc", "acme-inc"),
        ("Kowalski CPA", "kowalski-cpa"),
        ("\u65e5\u672c", "client"),
        ("A" + "b" * 38 + " Law", "a" + "b" * 38),
    ],
)
def test_any_other_name_has_a_mark_of_its_own(client: str, name: str) -> None:
    assert re.fullmatch(rf"compliance-2026-11-{name}-[0-9a-f]{{8}}", named(client))
    assert named(client) == named(client)


@pytest.mark.parametrize(
    "clients", [ALIKE, ("\u65e5\u672c", "\u4e2d\u56fd", "Client"), ("A" + "b" * 39, "A" + "b" * 40)]
)
def test_clients_whose_names_look_alike_have_files_of_their_own(clients: tuple[str, ...]) -> None:
    assert len({named(client) for client in clients}) == len(clients)


def test_a_client_with_the_name_of_a_tier_has_files_of_its_own() -> None:
    scopes = [*product(("Acme",), (None, "pilot"), (None, "server")), ("Acme Pilot",), ("Acme Server",)]
    scopes += [("Acme Pilot Server",), ("Pilot",), (None, "pilot")]
    assert len({named(*scope) for scope in scopes}) == len(scopes)


@given(names, names)
def test_no_two_clients_have_one_name_on_any_file_system(one: str, other: str) -> None:
    assert (named(one) == named(other)) == (one == other)
    assert re.fullmatch(r"[a-z0-9-]{1,80}", named(one))
