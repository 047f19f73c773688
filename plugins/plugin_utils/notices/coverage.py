# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps in the pilot's coverage (R5): what waits for a soak that no pilot endpoint can bring about.

An update that no pilot endpoint in scope has taken or could take; and the tracks, OS builds and server roles of
waiting endpoints that no pilot endpoint in scope stands for. A gap is told at once, and is on a ticket when it lasts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, Update
from ..flow.records import update_key
from ..flow.soak import coverage_gaps, waits
from ..ledger import Event
from ..planning.prose import count, playbook
from .letters import Letter, endpoints_of, utc, where
from .outlook import Outlook, by_client, days

if TYPE_CHECKING:
    from ..flow.case import Case

UPDATE, TRACK, OS, ROLE = "update", "track", "os", "role"
NAMED = 3
BUILD = " build "
_PRODUCT = re.compile(r"Windows (?:Server )?\d+(?: R2)?")


@dataclass(slots=True)
class Gap:
    """What no pilot stands for: an update (by id) or the value of a track, an OS build or a role, of a `kind`, in the
    scope of one `client` or of all (None). `endpoints` are those that wait, `since` when people were first told;
    `lately` that the last search of one of them is not old: what an old one found may be superseded, so that people
    are not told of it."""

    aspect: str
    value: str
    kind: str
    client: str | None
    label: str
    endpoints: list[Endpoint] = field(default_factory=list)
    since: datetime | None = None
    lately: bool = False

    @property
    def id(self) -> str:
        return "/".join((self.aspect, self.value, self.kind, self.client or ""))

    def event(self, now: datetime) -> Event:
        """That it is there."""
        body: dict[str, Any] = {
            "id": self.id,
            "aspect": self.aspect,
            "value": self.value,
            "kind": self.kind,
            "client": self.client,
            "endpoints": len(self.endpoints),
        }
        return Event("coverage.gap_opened", None, now, body)


def gaps(outlook: Outlook) -> list[Gap]:
    """Every gap, of the aspects that the policy asks for."""
    found: dict[str, Gap] = {}
    waiting = [case for case in outlook.cases if waits(case.endpoint, case.settings)]
    for gap, endpoint in (*_of_updates(outlook, waiting), *_of_machines(outlook, waiting)):
        there = found.setdefault(gap.id, gap)
        there.endpoints.append(endpoint)
        there.lately = there.lately or gap.lately
    for key, gap in found.items():
        known = outlook.known.gaps.get(key)
        gap.since = known.since if known else None
    return [found[key] for key in sorted(found)]


def _scope(case: Case) -> str | None:
    own = case.settings.soak_scope[case.endpoint.kind or "workstation"] == "client"
    return case.endpoint.client if own else None


def _of_updates(outlook: Outlook, waiting: Iterable[Case]) -> Iterator[tuple[Gap, Endpoint]]:
    """Approved updates that have to soak, and that no pilot endpoint took or is offered."""
    cases, lacking = {}, {}
    for case in waiting:
        if UPDATE in case.settings.coverage:
            updates = [update for update in case.updates or () if _has_to_soak(case, update)]
            if updates:
                cases[case.endpoint.name], lacking[case.endpoint.name] = case, updates
    kinds = {one.name: one.kind for one in outlook.known.register.pilots or ()}
    pilots = {
        row.endpoint: Endpoint(name=row.endpoint, client=row.client, kind=kinds.get(row.endpoint), ring="pilot")
        for row in outlook.known.register.soak
        if row.endpoint not in outlook.pilots
    } | outlook.pilots
    fleet = [*(case.endpoint for case in cases.values()), *pilots.values()]
    settings = {endpoint.name: outlook.policy.settings(endpoint) for endpoint in fleet}
    could = _could_take(outlook, {update.id: update for some in lacking.values() for update in some}, cases)
    for update, names in coverage_gaps(lacking | could, fleet, settings).items():
        for name in names:
            case, known = cases[name], outlook.known.updates[update]
            lately = outlook.is_searched_lately(case)
            yield Gap(UPDATE, update, case.endpoint.kind or "", _scope(case), known.label, lately=lately), case.endpoint


def _has_to_soak(case: Case, update: Update) -> bool:
    outcome = case.facts.outcome(update, case.endpoint.client, case.settings)
    return outcome.node is None and not outcome.waived


def _could_take(outlook: Outlook, wanted: Mapping[str, Update], cases: Mapping[str, Case]) -> dict[str, list[Update]]:
    """By pilot endpoint, what it has taken or is offered; what one that is not searched could take is not known, so it
    counts for all that endpoints of its product wait for."""
    of_product: dict[str | None, dict[str, Update]] = {}
    for case in cases.values():
        there = of_product.setdefault(product(case.endpoint), {})
        there.update({update.id: update for update in case.updates or ()})
    out_of_scope = outlook.fleet.keys() - {case.endpoint.name for case in outlook.cases}
    found: dict[str, list[Update]] = {}
    for name, pilot in outlook.pilots.items():
        offered = outlook.updates_of(name)
        if offered is None:
            offered = list(of_product.get(product(pilot), {}).values() if pilot.os else wanted.values())
        found[name] = [] if name in out_of_scope else list(offered)
    ids = {update_key(update): known for update, known in wanted.items()}
    for row in outlook.known.register.soak:
        if row.update in ids:
            found.setdefault(row.endpoint, []).append(ids[row.update])
    return found


def product(endpoint: Endpoint) -> str | None:
    """``Windows 11``, ``Windows Server 2022``: editions take the same updates."""
    found = _PRODUCT.search(endpoint.os or "")
    return found[0] if found else endpoint.os


def _of_machines(outlook: Outlook, waiting: Iterable[Case]) -> Iterator[tuple[Gap, Endpoint]]:
    """Tracks, OS builds and roles; only where the inventory has a pilot in scope: a slice without one tells nothing."""
    stood: dict[tuple[str, str | None], set[tuple[str, str]]] = {}
    for case in outlook.cases:
        pilot = case.endpoint
        if pilot.ring == "pilot" and pilot.kind:
            for scope in (pilot.client, None):
                stood.setdefault((pilot.kind, scope), set()).update(_stands_for(outlook, pilot))
    for case in waiting:
        endpoint, client = case.endpoint, _scope(case)
        traits = stood.get((endpoint.kind or "", client))
        for aspect, value in _is(outlook, endpoint) if traits is not None else ():
            if aspect in case.settings.coverage and not _stood_for(aspect, value, traits or set()):
                yield Gap(aspect, value, endpoint.kind or "", client, value, lately=True), endpoint


def _is(outlook: Outlook, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    if endpoint.kind == "workstation" and endpoint.track:
        yield TRACK, endpoint.track
    if endpoint.kind == "server" and endpoint.role:
        yield ROLE, endpoint.role
    named, build = product(endpoint), _release(outlook.build(endpoint.name))
    if named is not None:
        yield OS, f"{named}{BUILD}{build}" if build else named


def _stands_for(outlook: Outlook, pilot: Endpoint) -> Iterator[tuple[str, str]]:
    """Its own build and its product; one whose build nobody has seen yet stands for every build."""
    yield from _is(outlook, pilot)
    named = product(pilot)
    if named is not None:
        yield OS, named
        if not outlook.build(pilot.name):
            yield OS, named + BUILD


def _stood_for(aspect: str, value: str, traits: set[tuple[str, str]]) -> bool:
    named, build, dummy = value.partition(BUILD)
    return (aspect, value) in traits or bool(build and (aspect, named + build) in traits)


def _release(build: str | None) -> str | None:
    """``26100`` of ``10.0.26100.4061``: the last number changes with every update."""
    parts = (build or "").split(".")
    return parts[2] if len(parts) > 2 else None


def changes(outlook: Outlook, found: Sequence[Gap]) -> list[Event]:
    """The events of the gaps that are new, and of those that are no more."""
    there = {gap.id for gap in found}
    opened = [gap.event(outlook.now) for gap in found if gap.since is None and gap.lately]
    known = outlook.known.gaps.values()
    closed = [gap.id for gap in known if gap.id not in there and outlook.speaks_for(gap.client)]
    return opened + [Event("coverage.gap_closed", None, outlook.now, {"id": key}) for key in closed]


def letters(outlook: Outlook, found: Iterable[Gap]) -> list[Letter]:
    """A ticket for the gaps of one scope that people were first told of together, once they have lasted."""
    lasting: dict[tuple[str, str | None, datetime], list[Gap]] = {}
    for gap in found:
        after = outlook.settings(client=gap.client).coverage_gap_after
        if gap.lately and gap.since is not None and gap.since + after <= outlook.now:
            lasting.setdefault((gap.kind, gap.client, gap.since), []).append(gap)
    return [_letter(outlook, some) for some in lasting.values()]


def _letter(outlook: Outlook, some: Sequence[Gap]) -> Letter:
    kind, client, since = some[0].kind, some[0].client, some[0].since or outlook.now
    whose, of = client or "all clients", f"of {client}" if client else "of any client"
    lines = [
        f"What {kind}s of {whose} wait for cannot soak: no pilot {kind} {of} stands for the following.",
        f"Told since {utc(since)}, {count(days(outlook.now - since), 'day')}.",
    ]
    for gap in some:
        clients = by_client(gap.endpoints)
        lines += ["", f"{NOUNS[gap.aspect]} {gap.label}, {endpoints_of(clients)}:", *where(clients)]
    lines += [
        "",
        f"To do: put a {kind} like these into the ring pilot in the RMM"
        + (", or promote the updates by name, which waives the soak:" if _updates(some) else "."),
        *(
            playbook("approve", updates=name, decision="approved", promote="true", reason=None)
            for name in _updates(some)
        ),
    ]
    return Letter(
        topic="coverage",
        key=(kind, client or "", since.isoformat()),
        about=(client or "all-clients", "coverage", kind),
        summary=f"Patching: no pilot {kind} of {whose} stands for {_list(some)}",
        lines=lines,
        priority=outlook.settings(client=client).notice_priority,
        client=client,
    )


NOUNS = {UPDATE: "Update", TRACK: "Track", OS: "OS", ROLE: "Role"}


def _updates(some: Iterable[Gap]) -> list[str]:
    return list(
        dict.fromkeys(gap.label.split()[0] for gap in some if gap.aspect == UPDATE and gap.label.startswith("KB"))
    )


def _list(some: Sequence[Gap]) -> str:
    labels = list(dict.fromkeys(gap.label for gap in some))
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more


def warnings(found: Iterable[Gap]) -> list[str]:
    """A sentence for each aspect and kind; clients with gaps of the same aspect share one."""
    by_aspect: dict[tuple[str, str, bool], list[Gap]] = {}
    for gap in (gap for gap in found if gap.lately):
        by_aspect.setdefault((gap.kind, gap.aspect, gap.client is None), []).append(gap)
    return [_warning(kind, aspect, some) for (kind, aspect, dummy), some in sorted(by_aspect.items())]


def _warning(kind: str, aspect: str, some: Sequence[Gap]) -> str:
    waiting = len({endpoint.name for gap in some for endpoint in gap.endpoints})
    scopes: dict[str | None, list[Gap]] = {}
    for gap in some:
        scopes.setdefault(gap.client, []).append(gap)
    told = [f"{_list(gaps)}{f' at {client}' if client else ''}" for client, gaps in scopes.items()]
    more = f"; and {len(told) - NAMED} more clients" if len(told) > NAMED else ""
    could = "could take" if aspect == UPDATE else f"stands for the {'OS' if aspect == OS else aspect}"
    return (
        f"coverage of the pilot: no pilot {kind} in scope {could} {'; '.join(told[:NAMED])}{more}. "
        f"{count(waiting, 'endpoint')} cannot be served by the soak."
    )
