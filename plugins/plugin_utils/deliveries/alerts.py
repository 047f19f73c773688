# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel of alerts: on-call is woken for a server that failed after its client's business hours (section 8, 3).

Once per incident. An incident is what one look at a server found to have failed; that it fails again does not alert
again. When all of its failures have a root cause, it is resolved.

Two forms. ``pagerduty`` is the Events API v2. ``webhook`` is a POST of this JSON, which the receiver confirms with any
2xx::

    {"version": 1, "id": "…", "event": "trigger", "incident": "…", "time": "2026-11-11T02:20:00+00:00",
     "summary": "…", "severity": "critical", "source": "ACME-DC01", "client": "Acme Dental",
     "details": {"role": "domain_controller", "…": "…"}, "late_minutes": 0}

``event`` is ``trigger`` or ``resolve``, ``severity`` one of ``critical``, ``error``, ``warning``. Where the answer to a
request is lost, it is sent again by a later run: a receiver takes what has an ``id`` (also in the header
``Idempotency-Key``) that it knows for the same, and a ``resolve`` of an incident that it does not know for nothing;
PagerDuty does so with its ``dedup_key``, which is the incident.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import PatchingError, UnavailableError
from ..flow import Endpoint
from ..hiding import hidden
from ..ledger import Event, Ledger, instant
from ..ledger.deliveries import Pending, rows_of
from ..requirements import requests
from ..visible import visible
from .channel import Budget, Channel, Told

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder
    from ..evidence.settings import OnCallSettings

TIMEOUT_SECONDS = (5, 20)
LATE = timedelta(minutes=15)
"""An alert that is delivered later than this is told to be late, to on-call and to whoever runs this."""
SEVERITIES = {1: "critical", 2: "error", 3: "warning"}
"""By the priority of the ticket."""
PAGERDUTY_PATH = "v2/enqueue"
"""Of PagerDuty's address, which is everybody's."""
SUMMARY_LENGTH = 1024
"""PagerDuty takes no longer one."""


class AlertRefusedError(PatchingError):
    """The receiver does not want the alert as it is; sending it again changes nothing."""


def triggered(
    endpoint: Endpoint,
    now: datetime,
    *,
    failures: Sequence[str],
    summary: str,
    priority: int,
    details: Mapping[str, Any],
) -> Event:
    """The alert of `failures` (their ids) that were opened together on `endpoint`. Pure, as the judge is."""
    incident = failures[0]
    body = {
        "id": _id(incident, "trigger"),
        "incident": incident,
        "action": "trigger",
        "summary": summary,
        "severity": SEVERITIES.get(priority, "warning"),
        "source": endpoint.name,
        "client": endpoint.client or None,
        "failures": list(failures),
        "details": {key: value for key, value in details.items() if value not in (None, "")},
    }
    return Event("alert.wanted", endpoint.name, now, body)


def resolved(ledger: Ledger, documented: Mapping[str, Mapping[str, Any]], now: datetime) -> list[Event]:
    """The resolving of the incidents of which the last failure is being documented: `documented` gives by failure id
    who documents it with which code and text."""
    causes = {row["id"] for row in ledger.rows("failures") if row["root_cause"] is not None} | set(documented)
    alerts = [row["body"] for row in rows_of(ledger, "alert")]
    over = {body["incident"] for body in alerts if body["action"] == "resolve"}
    events = []
    for body in alerts:
        mine = [failure for failure in body.get("failures", ()) if failure in documented]
        if (
            body["action"] != "trigger"
            or body["incident"] in over
            or not mine
            or not causes.issuperset(body["failures"])
        ):
            continue
        why = documented[mine[-1]]
        summary = f"{body['source']}: root cause documented by {why['by']}: {why['code']}, {why['text']}"
        kept = {key: body[key] for key in ("incident", "severity", "source", "client") if key in body}
        told = {"id": _id(body["incident"], "resolve"), "action": "resolve", "summary": summary}
        events.append(Event("alert.wanted", body["source"], now, kept | told))
    return events


def _id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "msp.patching/alert/" + "/".join(parts)))


class AlertChannel(Channel):
    """Alerts on-call through PagerDuty or a webhook."""

    name = "alert"
    things = "alert(s) for on-call"

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._settings = recorder.settings.on_call

    @property
    def missing(self) -> str | None:
        return None if self._settings else "no on-call webhook is set (on_call_url, on_call_key)"

    @cached_property
    def _receiver(self) -> Receiver:
        if self._settings is None:
            raise AlertRefusedError(str(self.missing))
        return Receiver(self._settings)

    def deliver(self, pending: Sequence[Pending], budget: Budget) -> Iterator[Told]:
        """An incident that is over before anybody could be woken for it wakes nobody; it is resolved all the same,
        since the answer to a trigger may have been lost."""
        over = {one.body["incident"] for one in pending if one.body["action"] == "resolve"}
        settled = {one.body["incident"] for one in pending if one.body["action"] == "trigger"} & over
        for one in pending:
            budget.check()
            body, now = one.body, self._recorder.clock.now()
            told = {"id": body["id"], "incident": body["incident"]}
            if body["action"] == "trigger" and body["incident"] in settled:
                yield [Event("alert.sent", None, now, told | {"outcome": "settled"})]
                continue
            late = now - instant(one.wanted_at)
            minutes = int(late.total_seconds() // 60) if late > LATE else 0
            try:
                self._receiver.send(body, one.wanted_at, minutes)
            except AlertRefusedError as exc:
                yield f"alert for {body['source']}: {exc}"
                continue
            yield [Event("alert.sent", None, now, told | {"outcome": "delivered", "late_minutes": minutes})]
            if minutes and body["action"] == "trigger":
                yield f"on-call was alerted of {body['source']} {minutes} minutes late ({body['summary']})"


class Receiver:
    """One address that takes alerts."""

    def __init__(self, settings: OnCallSettings) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        self._where = f"on-call at {parts.scheme}://{parts.hostname}"
        """Without the path: a webhook's may be its secret."""
        self._session = requests.Session()
        self._session.trust_env = parts.hostname not in ("127.0.0.1", "localhost", "::1")

    def send(self, body: Mapping[str, Any], wanted_at: str, late_minutes: int) -> None:
        """Send one alert once. Raises AlertRefusedError, or UnavailableError where it may not have come through."""
        settings = self._settings
        if settings.kind == "pagerduty":
            document, headers = pagerduty(body, str(settings.key), wanted_at, late_minutes), {}
        else:
            document, headers = generic(body, wanted_at, late_minutes), {"Idempotency-Key": str(body["id"])}
            if settings.key:
                headers["Authorization"] = f"Bearer {settings.key}"
        try:
            answer = self._session.post(
                settings.url,
                json=document,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                verify=settings.ca or True,  # with each request: REQUESTS_CA_BUNDLE outranks the session's
            )
        except requests.RequestException as exc:
            raise UnavailableError(f"{self._where} cannot be reached: {type(exc).__name__}") from exc
        status = answer.status_code
        if status == 429 or status >= 500:
            raise UnavailableError(f"{self._where} answers {status}: {self._said(answer)}", _seconds(answer))
        if not 200 <= status < 300 or (settings.kind == "pagerduty" and status != 202):
            raise AlertRefusedError(f"{self._where} refuses it: {status} {self._said(answer)}")

    def _said(self, answer: Any) -> str:
        """The receiver's words, without what it was told in confidence."""
        text = " ".join(str(answer.text).split())[:300]
        parts = urlsplit(self._settings.url)
        path = parts.path.strip("/")
        secrets = (self._settings.key, self._settings.url, parts.query, path if path != PAGERDUTY_PATH else None)
        return hidden(text, secrets) or "nothing"


def pagerduty(body: Mapping[str, Any], key: str, wanted_at: str, late_minutes: int) -> dict[str, Any]:
    """An alert as PagerDuty's Events API v2 takes it; `late_minutes` is 0 for one in time."""
    document: dict[str, Any] = {"routing_key": key, "event_action": body["action"], "dedup_key": body["incident"]}
    if body["action"] == "resolve":
        return document
    details = dict(body.get("details") or {}) | ({"delivered_late_minutes": late_minutes} if late_minutes else {})
    late = f"[{late_minutes} min late] " if late_minutes else ""
    payload = {
        "summary": visible(late + body["summary"], SUMMARY_LENGTH),
        "source": body["source"],
        "severity": body["severity"],
        "timestamp": wanted_at,
        "component": details.get("role"),
        "group": body.get("client"),
        "class": details.get("step"),
        "custom_details": details,
    }
    return document | {
        "client": "msp.patching",
        "payload": {name: value for name, value in payload.items() if value is not None},
    }


def generic(body: Mapping[str, Any], wanted_at: str, late_minutes: int) -> dict[str, Any]:
    """An alert as a webhook gets it: see the head of this file."""
    return {
        "version": 1,
        "id": body["id"],
        "event": body["action"],
        "incident": body["incident"],
        "time": wanted_at,
        "summary": visible(body["summary"]),
        "severity": body["severity"],
        "source": body["source"],
        "client": body.get("client"),
        "details": dict(body.get("details") or {}),
        "late_minutes": late_minutes,
    }


def _seconds(answer: Any) -> float | None:
    try:
        return float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
