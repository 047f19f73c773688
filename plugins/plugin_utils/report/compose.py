# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account to the view of the report: the headline, the tiles and the sections in their order."""

from __future__ import annotations

from ..account import Account
from ..ledger.event import canonical
from . import figures, words
from .sections import compliance, exceptions, failures, proofs, remaining, times
from .view import Tile, View

GOOD, FAIR = 95.0, 80.0
"""Percentages from which a share is shown as good, and as in between."""
NOTES = (
    (
        "Every figure is counted from the append-only ledger of decisions and actions; the evidence package holds the "
        "events it rests on. Times are UTC unless a reason says otherwise."
    ),
    (
        "Patched: searched since the cycle opened, nothing approved is left, and validated since its last install or "
        "reboot; where no run installed anything or saw a reboot, the search alone shows it. Excluded: patching "
        "disabled, Do Not Patch, a signed exception, or renamed and counted by the new name. Held: a gate that "
        "somebody or time must clear. Failed: a failure without a documented root cause. Unreachable: silent or asleep "
        "when it was its turn, or no longer in the inventory. Open: something is due, in flight, or waits for its hour."
    ),
    (
        "A vanished update is one that no search shows any more though no run installed it: a technician did, or a "
        "newer update has replaced it. It counts neither as corrected nor as left."
    ),
)


def view_of(account: Account) -> View:
    """The report of an account; the same account gives the same view."""
    standing = figures.standing(account.endpoints)
    compliant = standing.compliance
    of_what = "the endpoints that are to be patched" if standing.counts["excluded"] else "the endpoints"
    headline = (
        f"{words.of(compliant)} endpoints are patched and validated: {words.percent(compliant)} of {of_what}."
        if compliant.whole
        else "No endpoint is to be patched."
    )
    return View(
        stem=words.stem(account.scope),
        title="Patch compliance report",
        scope=_scope(account),
        subtitle=f"Cycle {account.scope.cycle}, {words.day(account.start)} to {words.day(account.end)}",
        date=account.at.isoformat(timespec="seconds"),
        final=account.final,
        status=_status(account),
        headline=headline,
        tiles=_tiles(account),
        facts=_facts(account),
        sections=(
            compliance.section(account),
            remaining.section(account),
            times.section(account),
            failures.section(account),
            exceptions.section(account),
            proofs.tiers(account),
            proofs.boots(account),
            proofs.done(account),
        ),
        notes=NOTES,
    )


def _scope(account: Account) -> str:
    scope = account.scope
    tier = " ".join(part for part in (scope.ring, scope.kind and f"{scope.kind}s") if part)
    return ", ".join(part for part in (scope.client or "All clients", tier) if part)


def _status(account: Account) -> str:
    if account.final:
        return f"Final: the cycle is over and all its tiers are closed, as of {words.moment(account.at)} UTC."
    if account.at >= account.end and account.opened_by is not None and not account.tiers:
        return (
            f"The emergency ended on {words.moment(account.end)} UTC; what it brought is closed with the month's tiers."
            f" As of {words.moment(account.at)} UTC."
        )
    if account.at >= account.end:
        return f"The cycle is over and tiers are still open, as of {words.moment(account.at)} UTC."
    return f"Interim: the cycle goes on; as of {words.moment(account.at)} UTC."


def _tiles(account: Account) -> tuple[Tile, ...]:
    standing = figures.standing(account.endpoints)
    corrected = figures.correcting(account.flaws)
    done = figures.Share(corrected.done, corrected.flaws)
    closed = figures.Share(sum(one.closed is not None for one in account.tiers), len(account.tiers))
    open_failures = sum(one.cause is None for one in account.failures)
    acting = {name for who, _what, names, _since in remaining.actions(account) if who != words.NOBODY for name in names}
    return (
        Tile(
            "Endpoints compliant",
            words.percent(standing.compliance),
            f"{words.of(standing.compliance)} endpoints; {standing.counts['excluded']:,} excluded",
            _tone(standing.compliance),
        ),
        Tile("Flaws corrected", words.percent(done), f"{words.of(done)} that had to be", _tone(done)),
        Tile(
            "Corrected in time",
            words.percent(corrected.in_time),
            f"{words.of(corrected.in_time)} done or due; {corrected.running:,} have time left",
            _tone(corrected.in_time),
        ),
        Tile(
            "Median time to patch",
            words.span(corrected.median),
            f"mean {words.span(corrected.mean)}, over {words.count(corrected.measured, 'flaw')}",
            "open",
        ),
        Tile(
            "Failures without a cause",
            words.number(open_failures),
            f"of {words.count(len(account.failures), 'failure')}",
            "failed" if open_failures else "patched",
        ),
        Tile(
            "Waiting for a person",
            words.number(len(acting)),
            f"of {words.count(len(account.endpoints), 'endpoint')}; {words.of(closed)} tiers closed",
            "held" if acting else "patched",
        ),
    )


def _tone(share: figures.Share) -> str:
    if share.percent is None:
        return "open"
    return "patched" if share.percent >= GOOD else "held" if share.percent >= FAIR else "failed"


def _facts(account: Account) -> tuple[tuple[str, str], ...]:
    opened = f", opened by {account.opened_by}: {account.opened_reason}" if account.opened_by else ""
    clients = len({one.client for one in account.endpoints if one.client})
    return (
        (
            "Covers",
            f"{_scope(account)}: {words.count(clients, 'client')}, {words.count(len(account.endpoints), 'endpoint')}",
        ),
        ("Cycle", f"{account.scope.cycle}, {words.moment(account.start)} to {words.moment(account.end)} UTC{opened}"),
        ("As of", f"{words.moment(account.at)} UTC"),
        ("Policy", _policy(account)),
        ("Runs", words.count(len(account.runs), "run") + (" on a simulated clock" if _simulated(account) else "")),
        ("Ledger", f"{account.events:,} events, head {account.head[:16]}"),
    )


def _policy(account: Account) -> str:
    """Since when it is in force: who changes the times set is seen to have done so."""
    if not account.policies:
        return "not on record"
    told = f"in force since {words.moment(account.policies[-1].since)} UTC"
    times = {canonical(row.deadlines) for row in account.policies}
    if len(times) > 1:
        return f"{told}; the times set were changed in the cycle, and all is held against the last"
    changes = len(account.policies) - 1
    return f"{told}; changed {words.count(changes, 'time')} in the cycle, the times set were not" if changes else told


def _simulated(account: Account) -> bool:
    return any(run.simulated for run in account.runs)
