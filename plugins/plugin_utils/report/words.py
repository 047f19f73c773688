# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's words: instants, spans, shares, and who acts on what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ..account import Scope
from ..flow.deadlines import NO_SEVERITY, WORKSTATION
from ..flow.records import KINDS, RINGS
from .figures import Share

NOTHING = "–"
SLUG_LENGTH = 40
PLACES: Mapping[str, str] = {
    "patched": "patched and validated",
    "excluded": "excluded, on record",
    "held": "held",
    "failed": "failed",
    "unreachable": "unreachable",
    "open": "open",
}
ENGINEER, TECHNICIAN, CLIENT, ADMINISTRATOR = "engineer", "technician", "client's signatory", "RMM administrator"
SITE, USER, NOBODY = "the client's site", "its user", "nobody yet"
ACTORS: Mapping[str, tuple[str, str]] = {
    "scope.exception_unsigned": (CLIENT, "sign the exception that covers it, or have it ended"),
    "scope.exception_expired": (CLIENT, "renew the exception that has expired, or have it ended"),
    "scope.unclassified": (ADMINISTRATOR, "classify it: kind, ring, time zone, policy group, role or track"),
    "reboot.technician": (TECHNICIAN, "reboot it"),
    "reboot.user": (USER, "restart it; it is forced when the reminder has gone unheard"),
    "reboot.reminder": (USER, "restart it, as the reminder says"),
    "approval.review": (ENGINEER, "decide about its updates"),
    "gate.failure_open": (TECHNICIAN, "document a root cause: nothing is tried again before"),
    "gate.tier_held": (ENGINEER, "release the hold on its tier"),
    "gate.authorization": (TECHNICIAN, "give the go for this cycle, or install by hand where the group is manual"),
    "posture.offline": (SITE, "switch it on, so that its agent reports"),
    "posture.asleep": (SITE, "wake it"),
    "gate.soak": (NOBODY, "its updates soak in the pilot"),
    "schedule.freeze": (NOBODY, "a change freeze passes"),
    "reboot.freeze": (NOBODY, "a change freeze passes"),
    "schedule.window": (NOBODY, "its window opens"),
    "reboot.window": (NOBODY, "its window opens"),
}
"""By the node that settled its last decision: who acts next, and what on. All else the next run does by itself."""
NEXT_RUN = (NOBODY, "the next run goes on with it")


def acts(stands: str, node: str | None) -> tuple[str, str]:
    """Who acts next on an endpoint that stands there, and what they do."""
    if stands == "failed":
        node = "gate.failure_open"
    elif stands == "unreachable" and node not in ("posture.offline", "posture.asleep"):
        node = "posture.offline"
    return ACTORS.get(node or "", NEXT_RUN)


def percent(share: Share) -> str:
    """``97.5 %``; what is not all of it is never rounded to 100."""
    if share.percent is None:
        return NOTHING
    shown = f"{share.percent:.1f}"
    if shown == "100.0" and share.part < share.whole:
        shown = "99.9"
    return f"{shown.removesuffix('.0')} %"


def of(share: Share) -> str:
    return f"{share.part:,} of {share.whole:,}"


def number(count: int) -> str:
    return f"{count:,}"


def moment(at: datetime | None) -> str:
    """To the minute, in UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M}"


def day(at: datetime | None) -> str:
    return NOTHING if at is None else f"{at:%Y-%m-%d}"


def span(length: timedelta | None) -> str:
    """As people say it: minutes below two hours, hours below two days, else days."""
    if length is None:
        return NOTHING
    minutes = length.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    if minutes < 48 * 60:
        return f"{minutes / 60:.1f} h"
    return f"{minutes / 1440:.1f} days"


def count(number_: int, one: str, many: str | None = None) -> str:
    """``1 endpoint``, ``2 endpoints``."""
    return f"{number_:,} {one if number_ == 1 else many or f'{one}s'}"


def some(names: Iterable[str], shown: int = 4) -> str:
    """The first names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - shown:,} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more


def severity(name: str | None) -> str:
    return "not rated" if name in (None, NO_SEVERITY) else str(name)


def importance(name: str) -> str:
    return "workstation" if name == WORKSTATION else f"{name} server" if name.startswith("P") else name


def left(until: datetime | None, now: datetime) -> str:
    """How long until then, in whole days; or how long ago it was."""
    if until is None:
        return "no end"
    days = (until - now).total_seconds() / 86400
    if days < 0:
        return f"lapsed {count(int(-days), 'day')} ago"
    return f"in {count(int(days), 'day')}"


def role(name: str | None) -> str:
    return NOTHING if name is None else name.replace("_", " ")


def scope(row: Mapping[str, str]) -> str:
    """What an exception, a hold or a go covers."""
    if not row:
        return "everything"
    return ", ".join(f"{key} {value}" for key, value in row.items())


def stem(of_what: Scope) -> str:
    """What the names of a report's files begin with: readable, safe on any file system, and no other scope's."""
    client = [_slug(of_what.client)] if of_what.client else []
    return "-".join(["compliance", of_what.cycle, *client, *(part for part in (of_what.ring, of_what.kind) if part)])


def _slug(client: str) -> str:
    """The client in a file's name: of those that look alike there, such as ``Acme Inc`` and ``Acme, Inc``, one only has
    no mark."""
    slug = re.sub(r"[^a-z0-9]+", "-", client.lower())[:SLUG_LENGTH].strip("-")
    words = slug.split("-")
    if client == " ".join(word.capitalize() for word in words) and not {*words} & {*RINGS, *KINDS}:
        return slug
    return f"{slug or 'client'}-{hashlib.sha256(client.encode(errors='surrogatepass')).hexdigest()[:8]}"


__all__ = [
    "ACTORS",
    "NOBODY",
    "NOTHING",
    "PLACES",
    "acts",
    "count",
    "day",
    "importance",
    "left",
    "moment",
    "number",
    "of",
    "percent",
    "role",
    "scope",
    "severity",
    "some",
    "span",
    "stem",
]
