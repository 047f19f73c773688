# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine that answers is the endpoint, by the name that Windows gives itself."""

from __future__ import annotations

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow.who import ANOTHER, is_another, words


@pytest.mark.parametrize(
    ("wanted", "called", "another"),
    [
        ("LAPTOP", "CEO-PC", True),
        ("LAPTOP", "LAPTOP", False),
        ("LAPTOP", "Laptop", False),
        (" LAPTOP", "laptop\r\n", False),
        ("ACME-RECEPTION-", "acme-reception-desk-2", False),  # as NetBIOS cuts it
        ("acme-reception-desk-2", "ACME-RECEPTION-", False),
        ("acme-reception-desk-1", "acme-reception-desk-2", True),  # both whole
        ("ACME-RECEPTION", "ACME-RECEPTION-2", True),  # fourteen characters: nothing was cut
        ("acme-ws01.acme.example", "ACME-WS01", False),
        ("ACME-WS01", "acme-ws02.acme.example", True),
        ("WS1", "WS10", True),
        ("WS10", "WS1", True),
        (None, "CEO-PC", False),
        ("", "CEO-PC", False),
        ("LAPTOP", None, False),
        ("LAPTOP", "", False),
        ("LAPTOP", " ", False),
    ],
)
def test_another_machine_by_its_name(wanted: str | None, called: str | None, another: bool) -> None:
    assert is_another(wanted, called) is another


def test_both_names_and_the_address_are_told() -> None:
    told = words("LAPTOP", "CEO-PC", "192.0.2.7")
    assert told.startswith(ANOTHER)
    assert told.startswith("another machine answers at 192.0.2.7: it calls itself CEO-PC, wanted is LAPTOP; nothing")


def test_without_an_address_the_names_are_told() -> None:
    assert words("LAPTOP", "CEO-PC").startswith("another machine answers at its address: it calls itself CEO-PC")


def test_a_name_that_is_none_cannot_flood_or_command_a_terminal() -> None:
    told = words("LAPTOP", "\x1b]0;" + "A" * 5000)
    assert "\x1b" not in told
    assert len(told) < 300
