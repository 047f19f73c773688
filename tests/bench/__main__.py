# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench`: runs the cases, prints table and plot, keeps the figures in build/bench.json.

Ends with 1 where a target is missed or a case cannot be measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from rich.console import Console

from . import page
from .cases import CASES, Bench
from .plot import draw
from .results import KEPT, Results, this_machine
from .row import Row
from .table import compared, for_terminal

CONSOLE = Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; default: all")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="less of everything, in three minutes")
    extent.add_argument(
        "--long", action="store_true", help="also 1,000 endpoints, long installs, 5 million events: over an hour"
    )
    parser.add_argument("--results", type=Path, default=KEPT, help="where the figures are kept (default: %(default)s)")
    parser.add_argument("--show", action="store_true", help="measure nothing: what is said is read from the results")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="print an older run's figures beside these")
    parser.add_argument("--write-docs", action="store_true", help=f"put table and plot into {page.PAGE}")
    return parser


def main() -> int:
    parser = arguments()
    asked = parser.parse_args()
    if unknown := [name for name in asked.cases if name not in CASES]:
        parser.error(f"no case is named {', '.join(unknown)}: there are {', '.join(CASES)}")
    old = Results.read(asked.compare) if asked.compare else None
    if asked.show:
        results = Results.read(asked.results)
    else:
        results = measure(asked.cases or list(CASES), quick=asked.quick, long=asked.long)
        results.write(asked.results)
    tell(results, old, asked.results)
    if asked.write_docs:
        page.write(results)
        CONSOLE.print(f"table and plot are in {page.PAGE}")
    return 0 if results.is_good else 1


def measure(names: list[str], *, quick: bool, long: bool) -> Results:
    init_plugin_loader([])  # cases that call the collection's code import it as Ansible does
    rows: list[Row] = []
    failed: dict[str, str] = {}
    machine = this_machine()
    for name in names:
        case = importlib.import_module(f"{__package__}.cases.{name}")
        CONSOLE.print(f"[bold]{name}[/]: {(case.__doc__ or '').splitlines()[0]}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(quick, long, Path(folder), lambda words: CONSOLE.print(f"  {words}"))
            try:
                rows += case.measure(bench)
            except Exception as exc:
                traceback.print_exc()
                failed[name] = str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
        CONSOLE.print(f"  took {time.monotonic() - began:.0f} s")
    return Results(machine, rows, failed, quick)


def tell(results: Results, old: Results | None, kept: Path) -> None:
    CONSOLE.print(for_terminal(results))
    if old is not None:
        CONSOLE.print(compared(old, results))
    for name, why in results.failed.items():
        CONSOLE.print(f"[red]{name} could not be measured[/]: {why}")
    plot = kept.with_suffix(".svg")
    drawn = draw(results.rows, plot)
    CONSOLE.print(f"the figures are in {kept}" + (f", the plot is in {plot}" if drawn else ""))


if __name__ == "__main__":
    sys.exit(main())
