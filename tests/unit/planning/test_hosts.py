# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a task of ours acts on, by Ansible's variables."""

from __future__ import annotations

from ansible_collections.msp.patching.plugins.plugin_utils.planning.hosts import of_batch


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
