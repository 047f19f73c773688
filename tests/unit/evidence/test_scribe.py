# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put is written once, in order, in groups."""

from __future__ import annotations

import time

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.scribe import Scribe

LONGEST = 30.0


def waited_for(written: list[list[int]], groups: int) -> None:
    end = time.monotonic() + LONGEST
    while len(written) < groups:
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.005)


def test_the_first_is_written_at_once_and_what_follows_soon_after_together() -> None:
    written: list[list[int]] = []
    scribe: Scribe[int] = Scribe(written.append)
    scribe.put(1)
    waited_for(written, 1)
    for number in range(2, 50):
        scribe.put(number)
    waited_for(written, 2)
    assert written == [[1], list(range(2, 50))]


def test_nothing_waits_after_a_drain() -> None:
    written: list[list[int]] = []
    scribe: Scribe[int] = Scribe(written.append)
    for number in range(1000):
        scribe.put(number)
    scribe.drain()
    assert [number for group in written for number in group] == list(range(1000))
    scribe.drain()
    assert [] not in written
