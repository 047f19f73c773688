# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's workers would each load anew is loaded once, in the process that they are forked from.

Ansible forks a worker for each task and host, and loads plugins when they are first asked for: that is in a worker,
which ends with all it has learned. Connection plugins, filters and what wraps PowerShell so cost each worker more than
what it is there for, and so does what SQLAlchemy makes of a statement that it has not met before.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from ansible.plugins.loader import (
    action_loader,
    connection_loader,
    filter_loader,
    module_loader,
    shell_loader,
    test_loader,
)

if TYPE_CHECKING:
    from .ledger import Ledger

ACTIONS = ("msp.patching.step", "ansible.builtin.async_status", "ansible.windows.win_updates", "ansible.legacy.normal")
MODULES = ("ansible.windows.win_updates", "ansible.windows.async_status", "msp.patching.win_posture")
IMPORTED = (
    "encodings.utf_16_le",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
)
"""What a call imports; Ansible's own names among them may change."""
NOBODY = ("",)
"""Names that the ledger has nothing of."""


def warm_up(connections: Iterable[str], ledger: Ledger) -> None:
    """Load what plans from `ledger` and steps over `connections` (names of plugins) need. What is not there is left to
    whoever asks for it."""
    for loader, names in (
        (connection_loader, connections),
        (shell_loader, ("powershell",)),
        (action_loader, ACTIONS),
        (filter_loader, ("default",)),
        (test_loader, ("defined",)),
    ):
        for name in names:
            with suppress(Exception):  # it is no plugin's business here why another cannot be loaded
                loader.get(name, class_only=True)
    for module in MODULES:
        with suppress(Exception):
            module_loader.find_plugin(module, mod_type=".ps1")
    for name in IMPORTED:
        with suppress(ImportError):
            import_module(name)
    with suppress(Exception):
        _compile_expressions()
    with suppress(Exception):
        _compile_statements(ledger)
    # A collection in a worker would write to every object that the two share, and so copy the memory of the parent.
    gc.freeze()


def _compile_expressions() -> None:
    """Python keeps what it compiled for as long as the process lives; a scan of a script has many expressions."""
    import_module("ansible.executor.powershell.module_manifest").PSModuleDepFinder()


def _compile_statements(ledger: Ledger) -> None:
    """The engine keeps what it compiled, and workers have it from this process."""
    for read in (ledger.register, ledger.progress, ledger.applicable, ledger.updates):
        read(NOBODY)
    ledger.down()
