# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure opens by the failure standard (section 8, 1 to 5): itself, its holds and one ticket. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .. import flow
from ..flow import failures, freezes, windows
from ..ledger import Event, text_of
from ..psa import tickets
from ..psa.tickets import Failing
from ..visible import one_line
from .aftermath import alert

if TYPE_CHECKING:
    from ..ledger.register import OpenFailure
    from .judge import Standing

TOLD_AGAIN_AFTER = timedelta(hours=24)
"""How soon an open failure that shows again is put on its ticket again."""
A_PASS = timedelta(minutes=2)
"""How much later than at the instant of a retry a run may come to it: its passes are at most so far apart."""


def failing_update(subject: str, hresult: str | None) -> Failing:
    """`subject` is what the endpoint calls it."""
    subject = one_line(subject)
    known = failures.hresult(hresult) if hresult else None
    if known is None:
        meaning = "Windows gave no code for it."
        return Failing(
            subject, hresult, None, meaning, "The endpoint's Windows Update history and event log.", "unknown"
        )
    return Failing(subject, known.code, known.name, known.text, known.advice, known.cls)


def failing_whole(message: str, hresult: str | None) -> Failing:
    known = failures.hresult(hresult) if hresult else None
    if known is None:
        advice = "The endpoint itself: is it up, does it answer, what does its event log say?"
        return Failing("", None, None, message, advice, "unknown")
    return Failing("", known.code, known.name, f"{message}: {known.text}", known.advice, known.cls)


def failure_of(step: str, failing: list[Failing], standing: Standing) -> list[Event]:
    return failures_of(step, [(None, one) for one in failing], standing)


def failures_of(step: str, failing: list[tuple[str | None, Failing]], standing: Standing) -> list[Event]:
    """Section 8, 1 to 5: failures, holds and one ticket; those that are open already tell theirs once a day."""
    still = {(one.step, one.update): one for one in standing.progress.failures}
    fresh = [(update, one) for update, one in failing if (step, update) not in still]
    if fresh:
        return _opened(step, fresh, standing)
    earlier = {update: still[step, update] for update, dummy in failing}
    tell = any(standing.now >= one.told_at + TOLD_AGAIN_AFTER for one in earlier.values())
    anew = {one.id for one in earlier.values() if one.held_in not in (None, standing.cycle)}
    repeated = [
        standing.event(
            "failure.repeated",
            failure=earlier[update].id,
            text=tickets.ended(one.meaning),
            told=tell,
            **({"held_in": standing.cycle} if earlier[update].id in anew else {}),
        )
        for update, one in failing
    ]
    first = earlier[failing[0][0]]
    # the tier that it holds ended with its cycle: it holds that of this one (section 8, 4)
    tier = [scope for scope in _consequences(standing).holds if "cycle" in scope] if anew else []
    held = _held(tier, first.id, step, failing[0][1], standing)
    return [*repeated, *held, *(_told_again(step, failing, earlier, standing) if tell else [])]


def _told_again(
    step: str,
    failing: list[tuple[str | None, Failing]],
    earlier: Mapping[str | None, OpenFailure],
    standing: Standing,
) -> list[Event]:
    """To the ticket of the name that it failed by, as is all that people say of it."""
    by_name: dict[tuple[str, str], list[tuple[str, Failing]]] = {}
    for update, one in failing:
        known = earlier[update]
        by_name.setdefault((known.client, known.endpoint), []).append((known.id, one))
    return [_ticket(step, [one for dummy, one in mine], standing, mine[0][0], whose) for whose, mine in by_name.items()]


def _opened(step: str, failing: list[tuple[str | None, Failing]], standing: Standing) -> list[Event]:
    endpoint, now = standing.endpoint, standing.now
    next_window = _next_window(standing)
    opened = [
        standing.event(
            "failure.opened",
            id=_id(endpoint.name, step, update or "", text_of(now)),
            step=step,
            update=update,
            hresult=one.hresult,
            name=one.name,
            **{"class": one.cls},
            text=f"{tickets.STEPS[step]} failed: {one.in_words()}",
            next_window=text_of(next_window) if next_window else None,
            cycle=standing.cycle,
        )
        for update, one in failing
    ]
    first = opened[0].body["id"]
    return [
        *opened,
        *_held(_consequences(standing).holds, first, step, failing[0][1], standing),
        _ticket(step, [one for dummy, one in failing], standing, first, (endpoint.client, endpoint.name)),
        *alert(opened, _consequences(standing), standing),
    ]


def _held(
    scopes: Sequence[Mapping[str, str]], failure: str, step: str, first: Failing, standing: Standing
) -> list[Event]:
    return [
        Event(
            "hold.placed",
            standing.endpoint.name,
            standing.now,
            {
                "id": _id(failure, *(f"{key}={value}" for key, value in sorted(scope.items()))),
                "scope": dict(scope),
                "reason": _why_held(scope, step, first, standing),
                "failure": failure,
            },
        )
        for scope in scopes
    ]


def _why_held(scope: Mapping[str, str], step: str, first: Failing, standing: Standing) -> str:
    """What a hold beyond the client says is decided, and told, of other clients' endpoints too: it names nobody."""
    endpoint = standing.endpoint
    if scope.get("client") == endpoint.client:
        return f"{endpoint.name}: {tickets.STEPS[step]} failed: {first.in_words()}"
    code = " ".join(part for part in (first.hresult, first.name) if part)
    what = f"{tickets.STEPS[step]} failed on a {endpoint.ring} {endpoint.kind or 'endpoint'}"
    return f"{what}: {code}" if code else what


def _ticket(step: str, failing: list[Failing], standing: Standing, failure: str, whose: tuple[str, str]) -> Event:
    endpoint, now = standing.endpoint, standing.now
    what = _consequences(standing)
    key = tickets.failure_xref(*whose, step)
    text = tickets.failure_text(
        endpoint,
        step,
        failing,
        at=now,
        cycle=standing.cycle,
        next_window=_next_window(standing),
        on_call=what.on_call,
        queue=what.queue,
        holds=what.holds,
    )
    return Event(
        "ticket.wanted",
        endpoint.name,
        now,
        {
            "id": _id(key, text_of(now)),
            "xref": key,
            "summary": tickets.summary(endpoint, step, failing),
            "text": text,
            "priority": what.priority,
            "client": endpoint.client or None,
            "endpoint_id": endpoint.id,
            "endpoint_name": endpoint.name,
            "failure": failure,
            "queue": what.queue,
            "on_call": what.on_call,
            "topic": "failure",
            "parent": tickets.cause_of(endpoint, step, failing, standing.cycle),
        },
    )


def _consequences(standing: Standing) -> failures.Consequences:
    return failures.consequences(standing.endpoint, standing.policy, standing.now, cycle=standing.cycle)


def _next_window(standing: Standing) -> datetime | None:
    """The next opening after the window that is open now, if one is; None where the endpoint has none."""
    window = window_at(standing, standing.now)
    if window is not None and window.open:
        window = window_at(standing, window.end)
    return None if window is None else window.start


def window_at(standing: Standing, at: datetime) -> windows.Window | None:
    try:
        return windows.install_window(standing.endpoint, standing.policy, at)
    except flow.RecordError:
        return None  # without kind or zone there is none


def may_install(standing: Standing, at: datetime) -> bool:
    """Whether the flow will let an install start at `at`, in the window that is open now (section 8, 5): a retry that
    it refuses would be neither tried again nor counted as failed."""
    endpoint, settings = standing.endpoint, standing.policy.settings(standing.endpoint)
    window, at_latest = window_at(standing, standing.now), at + A_PASS
    if window is None or not windows.may_start(window, settings, at_latest):
        return False
    covering = [freeze for freeze in settings.freezes if freeze.covers(endpoint)]
    return freezes.frozen(covering, endpoint.time_zone or "", at_latest) is None


def _id(*parts: str) -> str:
    """The same for the same parts: what follows from an observation depends on nothing else."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "msp.patching/" + "/".join(parts)))
