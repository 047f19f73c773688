# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the endpoints stand: in all, by client, by ring and kind, by the importance of the machine."""

from __future__ import annotations

from collections.abc import Mapping

from ...account import Account, EndpointResult
from ...flow.closure import PLACES
from ...flow.records import KINDS, RINGS
from .. import charts, figures, words
from ..figures import Standing
from ..view import ROWS, Cell, Chart, Column, Section, Table, cut
from . import cells

BARS = 12
"""More groups than this are drawn as the worst of them and the rest."""
OTHERS = "all others"


def section(account: Account) -> Section:
    groups = _by_client_or_location(account)
    tables = (
        *(() if groups is None else (groups,)),
        _by_ring(account),
        _by_importance(account),
    )
    whole = figures.standing(account.endpoints)
    lead = (
        "Compliance is the share of patched and validated endpoints among those that are to be patched: all but the "
        f"excluded. {words.count(whole.total, 'endpoint')} in all, each in exactly one place."
    )
    return Section(
        "compliance", "Where the endpoints stand", lead, (_chart(account),) if account.endpoints else (), tables
    )


def _by_client_or_location(account: Account) -> Table | None:
    """By client; of one client, by its locations where it has several."""
    if account.scope.client is None:
        name, found = "client", figures.by(account.endpoints, lambda one: one.client)
    else:
        name, found = "location", figures.by(account.endpoints, lambda one: one.location)
    if len(found) < 2:
        return None
    order = sorted(found.items(), key=_worst_first)
    rows, total = cut([(cells.text(group), *cells.places(standing)) for group, standing in order], ROWS)
    columns = (Column(name), *cells.PLACE_COLUMNS)
    return Table(f"by-{name}", f"Compliance by {name}, the lowest first", columns, rows, total, filtered=len(rows) > 8)


def _by_ring(account: Account) -> Table:
    rows = []
    for ring in (*RINGS, None):
        for kind in (*KINDS, None):
            here = [one for one in account.endpoints if (one.ring, one.kind) == (ring, kind)]
            if here:
                key = RINGS.index(ring) if ring else len(RINGS)
                name = Cell(ring or "in no ring", key=key)
                rows.append((name, cells.text(kind and f"{kind}s"), *cells.places(figures.standing(here))))
    columns = (Column("ring"), Column("kind"), *cells.PLACE_COLUMNS)
    return _summed("by-ring", "Compliance by ring and kind", columns, rows, account, 2)


def _by_importance(account: Account) -> Table:
    groups = figures.by(account.endpoints, figures.importance_of)
    rows = [(cells.importance(name), *cells.places(groups[name])) for name in figures.IMPORTANCES if name in groups]
    columns = (Column("importance of the machine"), *cells.PLACE_COLUMNS)
    return _summed("by-importance", "Compliance by the importance of the machine", columns, rows, account, 1)


def _summed(
    key: str, caption: str, columns: tuple[Column, ...], rows: list[tuple[Cell, ...]], account: Account, names: int
) -> Table:
    total = (Cell("all"), *(Cell("") for dummy in range(names - 1)), *cells.places(figures.standing(account.endpoints)))
    return Table(key, caption, columns, (*rows, total), len(rows), total_row=True)


def _worst_first(item: tuple[str, Standing]) -> tuple[float, int, str]:
    percent = item[1].compliance.percent
    return (101.0 if percent is None else percent), -item[1].total, item[0]


def _chart(account: Account) -> Chart:
    if account.scope.client is None:
        what, groups = "client", figures.by(account.endpoints, lambda one: one.client or "no client")
    else:
        what, groups = "tier", figures.by(account.endpoints, _tier)
    order = sorted(groups.items(), key=_worst_first)
    bars = order[:BARS]
    if len(order) > BARS:
        bars = [*order[: BARS - 1], (OTHERS, _together([one for dummy, one in order[BARS - 1 :]]))]
    used = [place for place in PLACES if any(one.counts[place] for dummy, one in bars)]
    told = "; ".join(f"{name}: {words.of(one.compliance)} compliant" for name, one in bars)
    return charts.stacked(
        "standing",
        f"Endpoints by {what} and place",
        f"Stacked bars of the endpoints of each {what} by place, the lowest compliance first. {told}.",
        [name for name, dummy in bars],
        {words.PLACES[place]: (place, [one.counts[place] for dummy, one in bars]) for place in used},
    )


def _tier(one: EndpointResult) -> str:
    return f"{one.ring} {one.kind}s" if one.ring and one.kind else "in no tier"


def _together(standings: list[Standing]) -> Standing:
    counts: Mapping[str, int] = {place: sum(one.counts[place] for one in standings) for place in PLACES}
    return Standing(counts)
