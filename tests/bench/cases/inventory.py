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
from ..measure import Usage, command, median
from ..row import Row
from . import Bench

RUNS = {1_000: 5, 10_000: 2, 30_000: 1}
"""By size: how often each command runs. The shorter it takes, the more does one run depend on what else runs."""
QUICK = {1_000: 3, 10_000: 1}
PAGE = 1_000
"""Rows that Automate gives at once."""


def measure(bench: Bench) -> Iterator[Row]:
    for size, runs in (QUICK if bench.quick else RUNS).items():
        with lab(fleet(size), 0, "--no-winrm") as client:
            yield from of_size(bench, client, size, runs)


def of_size(bench: Bench, client: LabClient, size: int, runs: int) -> Iterator[Row]:
    folder = bench.folder / str(size)
    folder.mkdir()
    source = folder / "automate.yml"
    source.write_text(f"plugin: msp.patching.automate\nurl: {client.info['automate']['url']}\n")
    exported = listed(client, source).said  # the first run of an environment also compiles the libraries; not measured
    requests = [one for one in client.journal(limit=100_000, face="automate") if one.get("method") == "GET"]
    pages = sum(str(one["path"]).partition("?")[0].endswith("/Computers") for one in requests)
    printing, caching = script(folder, exported), cached(client, folder)
    ours = median(runs, lambda: listed(client, source))
    warm = median(runs, lambda: listed(client, caching))
    plain = median(runs, lambda: listed(client, printing))
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
        against="pages", at_most=1.1,  # they overlap, so that no row is lost while others come and go
    )  # fmt: skip


def listed(client: LabClient, source: Path, **environment: str) -> Usage:
    """What `ansible-inventory --list --export` takes, which every use of an inventory starts with."""
    # without the caution that a callback's display prints before the document
    return command(["ansible-inventory", "-i", str(source), "--list", "--export"], client.environment() | environment)


def cached(client: LabClient, folder: Path) -> Path:
    """A source whose cache is filled."""
    source = folder / "warm.automate.yml"
    source.write_text(
        f"plugin: msp.patching.automate\nurl: {client.info['automate']['url']}\ncache: true\n"
        f"cache_plugin: ansible.builtin.jsonfile\ncache_connection: {folder / 'cache'}\ncache_timeout: 3600\n"
    )
    listed(client, source)
    return source


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
