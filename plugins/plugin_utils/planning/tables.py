# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read of a plan and of a run: tables as plain text, for terminals and logs alike."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from ..flow import Endpoint
from ..requirements import rich
from ..visible import visible
from .plan import Plan

ROWS = 60
"""A plan for more endpoints is told in counts: nobody reads a thousand rows."""
WIDTH = 150
NARROWEST = 60

ORDER = ("install", "reboot", "validate", "scan", "remind", "manual", "wait", "hold", "skip", "none")


def render(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, width: int = WIDTH) -> str:
    """A table; cells wrap at `width` characters. No rows: the title and a dash."""
    table = rich.table.Table(*columns, title=title, title_justify="left", box=rich.box.SIMPLE_HEAD, pad_edge=False)
    count = 0
    for row in rows:
        table.add_row(*map(visible, row))
        count += 1
    if not count:
        return f"{title}\n  –\n"
    text = io.StringIO()
    console = rich.console.Console(file=text, width=max(width, NARROWEST), markup=False, highlight=False, no_color=True)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def local(moment: datetime | None, endpoint: Endpoint) -> str:
    """An instant in the endpoint's own wall time, where people look at it: ``Wed 02:14``."""
    if moment is None:
        return ""
    zone = ZoneInfo(endpoint.time_zone) if endpoint.time_zone else moment.tzinfo
    return moment.astimezone(zone).strftime("%a %d %b %H:%M")


def plan_table(title: str, plan: Plan) -> str:
    """Who is in, who is due, and why the others are not: a row an endpoint, or counts where these are many."""
    if len(plan.endpoints) > ROWS:
        return counts_table(title, plan)
    rows = sorted(plan.decisions.items(), key=lambda item: (ORDER.index(item[1].action), item[0]))
    return render(
        title,
        ("endpoint", "client", "action", "node", "why", "until (local)"),
        (
            (
                name,
                plan.endpoints[name].client,
                decision.action,
                decision.node,
                decision.reason,
                local(decision.until, plan.endpoints[name]),
            )
            for name, decision in rows
        ),
    )


def counts_table(title: str, plan: Plan) -> str:
    """How many endpoints each node settled, with which action, and one of them as an example."""
    counted = Counter((decision.action, decision.node) for decision in plan.decisions.values())
    example = {(decision.action, decision.node): name for name, decision in plan.decisions.items()}
    rows = sorted(counted.items(), key=lambda item: (ORDER.index(item[0][0]), -item[1]))
    return render(
        title,
        ("endpoints", "action", "node", "for example"),
        (
            (
                str(count),
                action,
                node,
                f"{example[action, node]}: {plan.decisions[example[action, node]].reason}",
            )
            for (action, node), count in rows
        ),
    )


def in_words(counts: Mapping[str, int]) -> str:
    """``8 install, 2 wait``: how many endpoints each action of a plan has, in the order of the flow."""
    return ", ".join(f"{counts[action]} {action}" for action in ORDER if counts.get(action))
