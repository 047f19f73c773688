"""`python -m tests.bench`: run the cases, print the table, keep the figures in build/bench.json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import in_flight

CASES = {"in_flight": in_flight.measure}
RESULTS = Path("build/bench.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help=f"of {', '.join(CASES)}; default: all")
    chosen = parser.parse_args().cases or list(CASES)
    console = Console()
    table = Table(
        "case", "what", "ours", "plain", "ratio", "to reach", "", title="Measured in one run", title_justify="left"
    )
    rows = []
    for name in chosen:
        console.print(f"measuring {name} …")
        rows += CASES[name](console.print)
    for row in rows:
        table.add_row(
            row.case, row.what, row.ours, row.plain, f"{row.ratio:.2f}", row.target, "✓" if row.reached else "MISSED"
        )
    console.print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.platform()}
    RESULTS.write_text(json.dumps({"machine": machine, "rows": [vars(row) for row in rows]}, indent=2) + "\n")
    console.print(f"kept in {RESULTS}")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
