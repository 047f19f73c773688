# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiers with their proofs, the boots that were confirmed, and what else the record holds of the cycle."""

from __future__ import annotations

from ...account import Account
from ...account.model import TicketRow
from ...flow.closure import PLACES
from ...flow.records import RINGS
from .. import words
from ..figures import Standing
from ..view import FINE_ROWS, Cell, Column, Section, Table, cut
from . import cells


def tiers(account: Account) -> Section:
    closed = sum(one.closed is not None for one in account.tiers)
    lead = (
        f"{closed:,} of {words.count(len(account.tiers), 'tier')} closed. A tier closes when every endpoint of it "
        "stands in exactly one place and none is open; its proof then stands on the ledger. Of an open tier the places "
        "are those of now."
    )
    rows = []
    for one in account.tiers:
        counted = Standing(one.counts)
        rows.append(
            (
                Cell(one.client),
                Cell(one.ring, key=RINGS.index(one.ring)),
                Cell(f"{one.kind}s"),
                Cell("closed" if one.closed else "open", tone="patched" if one.closed else "open"),
                cells.at(one.opened),
                cells.at(one.closed),
                *cells.places(counted),
            )
        )
    columns = (
        Column("client"),
        Column("ring"),
        Column("kind"),
        Column("state", "state"),
        Column("opened", "time"),
        Column("closed", "time"),
        *cells.PLACE_COLUMNS,
    )
    shown, total = cut(rows)
    table = Table("all-tiers", "The tiers", columns, shown, total, filtered=total > 8, empty="No tier was opened.")
    return Section("tiers", "Tiers and their proofs", lead, (), (table, _proof(account)))


def _proof(account: Account) -> Table:
    """The lines of the proofs that need a word; all of them are in the account's record."""
    rows = [
        (
            Cell(f"{tier.client}, {tier.ring} {tier.kind}s"),
            Cell(line["endpoint"]),
            cells.state(line["stands"]),
            Cell(line["reason"]),
        )
        for tier in account.tiers
        for line in tier.proof
        if line["stands"] != "patched"
    ]
    order = {place: rank for rank, place in enumerate(PLACES)}
    rows.sort(key=lambda row: (row[0].text, -order[row[2].text], row[1].text))
    columns = (Column("tier"), Column("endpoint", "name"), Column("stands", "state"), Column("reason", wide=True))
    shown, total = cut(rows)
    return Table(
        "proof",
        "What the proofs of the closed tiers say of endpoints that are not patched",
        columns,
        shown,
        total,
        beside="endpoints",
        filtered=total > 8,
        empty="No closed tier has an endpoint that is not patched.",
    )


def boots(account: Account) -> Section:
    """Each boot with its id, its time as Windows told it, and the validation that followed."""
    rows = []
    for one in account.endpoints:
        for boot in one.boots:
            after = next((check for check in one.validations if check.at >= boot.seen), None)
            health = "not validated yet" if after is None else "healthy" if after.healthy else "not healthy"
            failing = [] if after is None else [str(check["name"]) for check in after.checks if not check["ok"]]
            checked = 0 if after is None else len(after.checks)
            told = f"{health}: {', '.join(failing)}" if failing else health
            rows.append(
                (
                    Cell(one.name),
                    cells.text(one.client),
                    cells.at(boot.boot_time),
                    Cell(boot.boot_id),
                    cells.at(boot.seen),
                    Cell(told, tone={"healthy": "patched", "not healthy": "failed"}.get(health, "open")),
                    cells.number(checked),
                    cells.at(after.at if after else None),
                )
            )
    rows.sort(key=lambda row: (row[5].tone == "patched", str(row[2].key), row[0].text))
    columns = (
        Column("endpoint", "name"),
        Column("client"),
        Column("booted", "time"),
        Column("boot id", "name"),
        Column("seen by a run", "time"),
        Column("validation", "state", wide=True),
        Column("checks", "number"),
        Column("validated", "time"),
    )
    shown, total = cut(rows, FINE_ROWS)
    table = Table(
        "confirmed",
        "Confirmed reboots",
        columns,
        shown,
        total,
        beside="boots",
        filtered=True,
        folded=total > 20,
        empty="No reboot was confirmed in the cycle.",
    )
    healthy = sum(row[5].tone == "patched" for row in rows)
    lead = (
        f"{words.count(total, 'reboot')} confirmed by a new boot id, {healthy:,} of them followed by a healthy "
        "validation. " + cells.TIMES
    )
    return Section("boots", "Reboot confirmations", lead, (), (table,))


def done(account: Account) -> Section:
    """The endpoints that are fine, folded; goes, missed windows and tickets."""
    return Section(
        "record",
        "For the record",
        "",
        (),
        (_fine(account), _excluded(account), _goes(account), _missed(account), _tickets(account)),
    )


def _fine(account: Account) -> Table:
    rows = [
        (
            Cell(one.name),
            cells.text(one.client),
            cells.text(one.ring),
            cells.text(one.kind),
            Cell(one.reason),
            cells.number(sum(install.ok for install in one.installs)),
            cells.number(len(one.boots)),
            cells.at(one.searched),
        )
        for one in account.endpoints
        if one.stands == "patched"
    ]
    columns = (
        Column("endpoint", "name"),
        Column("client"),
        Column("ring"),
        Column("kind"),
        Column("proof", wide=True),
        Column("installs", "number"),
        Column("reboots", "number"),
        Column("last search", "time"),
    )
    shown, total = cut(rows, FINE_ROWS)
    return Table(
        "patched",
        "Patched and validated endpoints",
        columns,
        shown,
        total,
        beside="endpoints",
        filtered=True,
        folded=total > 20,
        empty="No endpoint is patched and validated yet.",
    )


def _excluded(account: Account) -> Table:
    rows = [
        (Cell(one.name), cells.text(one.client), cells.text(one.ring), cells.text(one.kind), Cell(one.reason))
        for one in account.endpoints
        if one.stands == "excluded"
    ]
    columns = (Column("endpoint", "name"), Column("client"), Column("ring"), Column("kind"), Column("why", wide=True))
    shown, total = cut(rows)
    return Table(
        "excluded",
        "Excluded endpoints",
        columns,
        shown,
        total,
        beside="endpoints",
        filtered=total > 8,
        folded=total > 20,
        empty="No endpoint is excluded.",
    )


def _goes(account: Account) -> Table:
    rows = [
        (Cell(words.scope(one.scope)), Cell(one.by), cells.at(one.at), cells.text(one.reason))
        for one in account.authorizations
    ]
    columns = (Column("for"), Column("by"), Column("when", "time"), Column("reason", wide=True))
    shown, total = cut(rows, FINE_ROWS)
    return Table(
        "goes",
        "Technicians' authorisations",
        columns,
        shown,
        total,
        filtered=total > 8,
        folded=total > 20,
        empty="None was given.",
    )


def _missed(account: Account) -> Table:
    rows = [
        (
            Cell(one.window.replace("_", " ")),
            Cell(one.zone),
            cells.at(one.start),
            cells.at(one.end),
            cells.number(len(one.endpoints)),
            Cell(words.some(one.endpoints)),
        )
        for one in account.missed_windows
    ]
    columns = (
        Column("window"),
        Column("zone"),
        Column("from", "time"),
        Column("to", "time"),
        Column("endpoints", "number"),
        Column("which", wide=True),
    )
    shown, total = cut(rows, FINE_ROWS)
    empty = "No window passed without a run while something was due in it."
    return Table("missed", "Windows that passed without a run", columns, shown, total, folded=total > 20, empty=empty)


def _number(one: TicketRow) -> str:
    if one.ticket:
        return f"#{one.ticket}"
    return "waits for the PSA" if one.sent is None else "dropped"


def _tickets(account: Account) -> Table:
    rows = [
        (
            Cell(_number(one), key=one.ticket or -1),
            Cell(one.summary),
            cells.text(one.client),
            cells.text(one.endpoint),
            cells.at(one.wanted),
            cells.at(one.sent if one.ticket else None),
        )
        for one in account.tickets
    ]
    columns = (
        Column("ticket", "number"),
        Column("summary", wide=True),
        Column("client"),
        Column("endpoint", "name"),
        Column("wanted", "time"),
        Column("in the PSA", "time"),
    )
    shown, total = cut(rows)
    return Table(
        "tickets",
        "What was put on tickets",
        columns,
        shown,
        total,
        filtered=total > 8,
        folded=total > 20,
        empty="No ticket was needed.",
    )
