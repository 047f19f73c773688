# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a lab listens when it is told to listen wherever there is room."""

from __future__ import annotations

import pytest

from lab import network
from lab.errors import LabError
from lab.network import FACES, HIGHEST_PORT, Layout


@pytest.mark.parametrize("tls", [False, True])
def test_a_base_is_taken_only_if_every_port_above_it_is_free(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    asked: list[int] = []

    def is_free(_host: str, port: int) -> bool:
        asked.append(port)
        return len(asked) > FACES  # the first bases that are tried are somebody's

    monkeypatch.setattr(network, "_is_free", is_free)
    layout = Layout(port_base=0, tls=tls).on_free_ports([1, 40])
    layout.check([1, 40])
    faces = range(layout.port_base, layout.port_base + FACES)
    assert asked[-FACES - 2 :] == [*faces, layout.winrm(1)[1], layout.winrm(40)[1]]
    assert max(asked) <= HIGHEST_PORT


def test_no_room_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_is_free", lambda _host, _port: False)
    with pytest.raises(LabError, match="no free ports in 100 attempts: choose a --port-base"):
        Layout(port_base=0).on_free_ports([1])
