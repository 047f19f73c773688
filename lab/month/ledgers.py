# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's ledger, for readers outside of Ansible."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

PACKAGE = "ansible_collections.msp.patching.plugins.plugin_utils.ledger"


def open_ledger(url: str) -> Any:
    """The ``Ledger`` at a database URL; one that is not there yet reads as an empty one."""
    if not any("AnsibleCollectionFinder" in repr(finder) for finder in sys.meta_path):
        # outside of Ansible nobody has made the collections importable yet; twice gives a warning
        from ansible.plugins.loader import init_plugin_loader

        init_plugin_loader([])
    return import_module(PACKAGE).Ledger.open(url, create=False)
