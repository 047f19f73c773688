# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as ansible_collections.msp.patching, as ansible itself does it, and has Python look for
garbage where there may be some: among what a test made, not among what was there before.

Fixture of all tests: ``postgres``, the server of the session, started when the first test asks for it. Whoever does is
marked ``slow`` here, others by hand.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.postgres import Postgres, running_postgres


def pytest_configure() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        callspec = getattr(item, "callspec", None)
        given = [] if callspec is None else list(callspec.params.values())
        asks = "postgres" in getattr(item, "fixturenames", ())
        if asks or any(one == "postgresql" or (isinstance(one, tuple) and "postgresql" in one) for one in given):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # a tenth of the unit tests' time went into looking


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server
