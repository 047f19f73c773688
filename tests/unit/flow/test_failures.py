# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 8: codes, retries, and what a failure sets in motion."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, failures, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.failures import CodeError
from tests.unit.flow.build import DEFAULTS, NIGHT, NOON, at, server, workstation


@pytest.mark.parametrize("code", [-2147023293, 2147944003, "0x80070643", "0X80070643", " -2147023293 ", "2147944003"])
def test_a_code_is_found_however_it_is_spelled(code: int | str) -> None:
    found = failures.hresult(code)
    assert (found.code, found.name, found.cls) == ("0x80070643", "ERROR_INSTALL_FAILURE", "environment")


@pytest.mark.parametrize(
    ("code", "name", "cls"),
    [
        ("0x80240016", "WU_E_INSTALL_NOT_ALLOWED", "transient"),
        ("0x8024402C", "WU_E_PT_WINHTTP_NAME_NOT_RESOLVED", "transient"),
        ("0x80240017", "WU_E_NOT_APPLICABLE", "update"),
        ("0x80240022", "WU_E_ALL_UPDATES_FAILED", "unknown"),
        ("0x80073712", "ERROR_SXS_COMPONENT_STORE_CORRUPT", "environment"),
        ("0x800F0922", "CBS_E_INSTALLERS_FAILED", "environment"),
        ("0x80070070", "ERROR_DISK_FULL", "environment"),
        ("0x8024200D", "WU_E_UH_NEEDANOTHERDOWNLOAD", "transient"),
    ],
)
def test_codes_and_their_likely_class(code: str, name: str, cls: str) -> None:
    found = failures.hresult(code)
    assert (found.name, found.cls) == (name, cls)


def test_a_code_that_is_not_known_says_so() -> None:
    found = failures.hresult(-1)
    assert (found.code, found.name, found.cls) == ("0xFFFFFFFF", "UNKNOWN", "unknown")
    assert found.advice


@pytest.mark.parametrize("code", ["", "80070643h", "0x", "0x123456789", 2**32, -(2**31) - 1, True, "WU_E_NO_SERVICE"])
def test_what_is_no_code_is_named(code: Any) -> None:
    with pytest.raises(CodeError, match="0x80070643"):
        failures.hresult(code)


def test_every_row_of_the_table_is_whole() -> None:
    rows = failures.table()
    assert len(rows) > 200
    for code, row in rows.items():
        assert failures.hresult(int(code, 16)) is row
        assert row.cls in failures.CLASSES
        assert row.text.endswith(".")
        assert row.advice.endswith(".")
    names = [row.name for row in rows.values()]
    assert len(set(names)) == len(names)


def minutes(attempt: int, document: dict[str, Any] | None = None) -> float | None:
    delay = failures.retry_after(attempt, load_policy(document))
    return None if delay is None else delay / timedelta(minutes=1)


def test_a_transient_error_is_tried_again_ever_later_and_then_counts_as_failed() -> None:
    assert [minutes(n) for n in range(6)] == [None, 2, 4, 8, None, None]
    policy = {"failure": {"retries": 6, "retry_after": "10m"}}
    assert [minutes(n, policy) for n in range(1, 8)] == [10, 20, 30, 30, 30, 30, None]
    assert minutes(1, {"failure": {"retries": 0}}) is None


def tier(ring: str, kind: str) -> dict[str, str]:
    return {"cycle": "2026-11", "client": "Acme", "ring": ring, "kind": kind}


CASES: list[tuple[Endpoint, datetime, dict[str, Any], int, bool, list[dict[str, str]]]] = [
    (server(), NIGHT, {}, 2, True, [tier("production", "server")]),
    (server(), NOON, {}, 2, False, [tier("production", "server")]),
    (server(), at("2026-11-14 12:00"), {}, 2, True, [tier("production", "server")]),  # a Saturday
    (server(), at("2026-11-12 17:00"), {}, 2, True, [tier("production", "server")]),
    (server(role="backup"), NOON, {}, 3, False, [tier("production", "server")]),
    (server(role="sql_server", ring="regular"), NOON, {}, 1, False,
     [tier("regular", "server"), {"client": "Acme", "ring": "production", "kind": "server"}]),
    (server(ring="pilot"), NOON, {}, 2, False,
     [tier("pilot", "server"), {"client": "Acme", "ring": "production", "kind": "server"}]),
    (workstation(), NIGHT, {}, 2, False, [tier("pilot", "workstation"), {"ring": "production", "kind": "workstation"}]),
    (workstation(ring="regular"), NIGHT, {}, 2, False, [tier("regular", "workstation")]),
    (workstation(ring="regular"), NIGHT, {"clients": {"Acme": {"failure": {"priority": {"workstation": 1}}}}}, 1, False,
     [tier("regular", "workstation")]),
    (workstation(ring="regular"), NIGHT, {"on_call": {"kinds": ["workstation"]}}, 2, True,
     [tier("regular", "workstation")]),
    (server(criticality="P1", role="backup", time_zone=None), NOON, {}, 1, True,
     [tier("production", "server"), {"client": "Acme", "ring": "production", "kind": "server"}]),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "now", "policy", "priority", "on_call", "holds"), CASES)
def test_what_a_failure_sets_in_motion(
    endpoint: Endpoint, now: datetime, policy: dict[str, Any], priority: int, on_call: bool, holds: list[dict[str, str]]
) -> None:
    found = failures.consequences(endpoint, load_policy(policy), now)
    assert (found.priority, found.on_call) == (priority, on_call)
    assert found.queue == ("server patching" if endpoint.kind == "server" else "support")
    assert list(found.holds) == holds


def test_the_cycle_may_be_given() -> None:
    assert failures.consequences(server(), DEFAULTS, NOON, cycle="2026-11-oob1").holds[0]["cycle"] == "2026-11-oob1"
