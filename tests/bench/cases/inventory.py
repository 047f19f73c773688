# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory from the RMM's API beside a script that prints the same inventory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.client import LabClient

from ..labs import lab
from ..measure import Usage, command
from ..row import Row
from . import Bench

SIZES = (1_000, 10_000, 30_000)
PAGE = 1_000
"""Rows that Automate gives at once."""


def measure(bench: Bench) -> Iterator[Row]:
    for size in SIZES[:2] if bench.quick else SIZES:
        with lab(fleet(size), 0, "--no-winrm") as client:
            yield from of_size(bench, client, size)


def of_size(bench: Bench, client: LabClient, size: int) -> Iterator[Row]:
    folder = bench.folder / str(size)
    folder.mkdir()
    source = folder / "automate.yml"
    source.write_text(f"plugin: msp.patching.automate\nurl: {client.info['automate']['url']}\n")
    ours = listed(client, source)
    requests = [one for one in client.journal(limit=100_000, face="automate") if one.get("method") == "GET"]
    pages = sum(str(one["path"]).partition("?")[0].endswith("/Computers") for one in requests)
    warm = cached(client, folder)
    plain = listed(client, script(folder, ours.said))
    bench.say(f"{size:,}: {ours.wall:.1f} s, from the cache {warm.wall:.1f} s, the script {plain.wall:.1f} s")
    against = "a script that prints it"
    what = f"{size:,} computers"
    yield Row(
        case="inventory", what=what, ours=ours.wall, plain=plain.wall, unit="s", against=against,
        at_most=1.5, n=size, curve="inventory",
    )  # fmt: skip
    yield Row(
        case="inventory", what=f"{what}, warm cache", ours=warm.wall, plain=plain.wall, unit="s", against=against,
        at_most=1.1, n=size, curve="inventory, warm cache",
    )  # fmt: skip
    yield Row(case="inventory", what=f"{what}: memory", ours=ours.memory, plain=plain.memory, unit="MB")
    yield Row(
        case="inventory", what=f"{what}: requests for computers", ours=pages, plain=-(-size // PAGE), unit="requests",
        against="pages", at_most=1.0,
    )  # fmt: skip


def listed(client: LabClient, source: Path, **environment: str) -> Usage:
    """What `ansible-inventory --list --export` takes, which every use of an inventory starts with."""
    # without the caution that a callback's display prints before the document
    return command(["ansible-inventory", "-i", str(source), "--list", "--export"], client.environment() | environment)


def cached(client: LabClient, folder: Path) -> Usage:
    source = folder / "warm.automate.yml"
    source.write_text(
        f"plugin: msp.patching.automate\nurl: {client.info['automate']['url']}\ncache: true\n"
        f"cache_plugin: ansible.builtin.jsonfile\ncache_connection: {folder / 'cache'}\ncache_timeout: 3600\n"
    )
    listed(client, source)
    return listed(client, source)


def script(folder: Path, exported: str) -> Path:
    """An inventory script that prints what was exported, with the variables where scripts give them."""
    document: dict[str, Any] = json.loads(exported[exported.index("{") :])
    printed = folder / "printed.json"
    printed.write_text(json.dumps(document))
    path = folder / "script.py"
    path.write_text(f"#!{sys.executable}\nprint(open({str(printed)!r}).read())\n")
    path.chmod(0o755)
    return path


def fleet(size: int) -> dict[str, Any]:
    """An MSP's mix of servers and workstations, a client a hundred."""
    return {
        "seed": size,
        "clock": {"start": "2026-11-11T08:05:00Z", "speed": 0},
        "updates": [],
        "generate": {"clients": max(1, size // 100), "endpoints": size, "prefix_names": True},
    }
