# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the policy that nobody bears: a typing error, or what the RMM calls something else now.

What the policy says of them counts for nobody. That is known of a name that neither the inventory has nor any run has
ever seen (of a slice of the inventory the others are on the ledger), and of an endpoint that has another name by now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..flow import Endpoint
from ..flow.fields import suggestion
from ..ledger.overview import Seen
from ..planning.renamed import Names
from .outlook import Outlook

NAMED = 5
"""How many of them are told by name."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """What the policy has at `path` is of somebody `called` so, and nobody is; `known` are those that there are."""

    path: str
    called: str
    known: frozenset[str]
    now: str | None = None
    """What the RMM calls it now, where that is known."""

    def in_words(self) -> str:
        """With the one that may be meant; a name in other letters of the same is meant before all others."""
        if self.now is not None:
            return f"{self.path} (it is {self.now} now)"
        folded = {name.casefold(): name for name in sorted(self.known)}
        meant = folded.get(self.called.casefold())
        words = f"did you mean {meant}?" if meant else suggestion(self.called, sorted(self.known)).removeprefix("; ")
        return f"{self.path} ({words})" if words else self.path


def warnings(outlook: Outlook) -> list[str]:
    """One sentence; none where everybody is there, or where no run has seen anybody yet."""
    found = list(_strangers(outlook)) if outlook.before else []
    if not found:
        return []
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    told = ", ".join(one.in_words() for one in found[:NAMED])
    return [f"the policy says something of whom nobody is called so: {told}{more}; names are as the RMM writes them"]


def _strangers(outlook: Outlook) -> Iterator[Stranger]:
    everybody: list[Endpoint | Seen] = [*outlook.fleet.values(), *outlook.known.seen.values()]
    now = _called_now(outlook)
    names = frozenset(one.name for one in everybody) - now.keys()
    locations: dict[str | None, set[str]] = {None: set()}
    for one in everybody:
        locations.setdefault(one.client, set()).add(one.location)
        locations[None].add(one.location)
    clients = frozenset(client for client in locations if client is not None)
    for path, place in _places(outlook):
        client, location, name = (place.get(key) for key in ("client", "location", "endpoint"))
        if name is not None and name not in names:
            yield Stranger(path, name, names, now.get(name))
        elif client is not None and client not in clients:
            yield Stranger(path, client, clients)
        elif location is not None and location not in locations[client]:
            yield Stranger(path, location, frozenset(locations[client]))


def _called_now(outlook: Outlook) -> Mapping[str, str]:
    """By the name that endpoints were seen by and bear no more, their name now."""
    names = Names(outlook.before, outlook.fleet)
    found = {name: names.called(name) for name in outlook.before if name not in outlook.fleet}
    return {name: called for name, called in found.items() if called is not None}


def _places(outlook: Outlook) -> Iterator[tuple[str, Mapping[str, str | None]]]:
    """Of whom the policy says something of their own, each with the words for where it does."""
    policy = outlook.policy
    for client in policy.document["clients"]:
        yield f"clients.{client}", {"client": client}
    for of, location in policy.locations:
        yield f"locations.{f'{of}.' if of else ''}{location}", {"client": of, "location": location}
    for name in policy.document["endpoints"]:
        yield f"endpoints.{name}", {"endpoint": name}
    for freeze in policy.settings().freezes:
        of_some = ", ".join(part for part in (freeze.client, freeze.location) if part)
        if of_some and not freeze.is_over(outlook.now):
            yield f"the freeze {freeze.name} of {of_some}", {"client": freeze.client, "location": freeze.location}
