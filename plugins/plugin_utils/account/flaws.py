# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far each flaw of the scope has come, by when it should have, and who or what stands in its way.

Pure: rows of the register, the policy and the account's instant in, flaws out (3.14.1 [a] to [f]).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..flow import Endpoint, Policy, Update
from ..flow.approval import DECLINED, Recorded, judge
from ..flow.register import Approval
from ..flow.settings import Settings
from ..ledger import instant
from .model import RISK_ACCEPTED, Boot, Deadline, Decision, Flaw
from .read import Read, Row
from .standing import Stand, is_open
from .tickets import Told

NODE_STATES = {"approval.declined": "declined", "approval.deferred": "deferred"}


class FlawBook:
    """Makes the flaws of one account; what is the same for many is worked out once."""

    def __init__(self, read: Read, policy: Policy, standing: Mapping[str, Stand], told: Told) -> None:
        self._read = read
        self._policy = policy
        self._standing = standing
        self._told = told
        keys = ("update", "decision", "by", "at", "reason", "client", "until")
        rows = [
            Approval.parse({key: row[key] for key in keys} | {"promote": bool(row["promote"])})
            for row in read.approvals
        ]
        self._approvals = Recorded(rows, read.at)
        self._outcomes: dict[tuple[str, str | None, Settings], Decision] = {}
        self._nodes: dict[tuple[str, str, Settings], str | None] = {}
        self._failures: dict[str, list[Row]] = {}
        for row in read.failures:
            if is_open(row, read.at):
                self._failures.setdefault(row["endpoint"], []).append(row)

    def flaws(self) -> list[Flaw]:
        """All of them, by endpoint and update; of an out-of-band cycle, those of the updates its lane names."""
        found = [self._flaw(row) for row in self._read.flaws]
        return sorted((one for one in found if one is not None), key=lambda one: (one.endpoint, one.label, one.update))

    def _flaw(self, row: Row) -> Flaw | None:
        read, machine = self._read, self._read.endpoints[row["endpoint"]]
        update = read.updates.get(row["update"]) or Update(row["update"])
        known = {key: machine[key] for key in ("name", "client", "location", "kind", "role", "criticality")}
        endpoint = Endpoint.parse(known)
        settings = self._policy.settings(endpoint)
        lanes = [lane for lane in settings.out_of_band if lane.holds(update)]
        if read.cycle["by"] is not None and all(lane.cycle != read.scope.cycle for lane in lanes):
            return None
        moments = {key: self._by_then(row[key]) for key in _MOMENTS}
        if moments["corrected_at"] is not None and moments["corrected_at"] < read.start:
            return None
        identified = instant(row["identified"])
        decision, node = self._decision(update, endpoint, settings, identified)
        state, reason = self._state(row, moments, node, decision)
        reported = self._told.of(row["endpoint"], endpoint.client, update, identified)
        stand = self._standing[row["endpoint"]]
        criticality = settings.criticality_of(endpoint)
        limits = settings.deadlines
        known_since = instant(machine["known_since"])
        begin = None if update.released is None else max(update.released, known_since)
        correct_by = None if begin is None else begin + limits.correct(update.severity, endpoint.kind, criticality)
        for lane in lanes:
            if lane.start <= read.at:
                correct_by = min(filter(None, (correct_by, lane.start + limits.emergency)))
        over = state in RISK_ACCEPTED or state == "gone"
        corrected = moments["corrected_at"]
        return Flaw(
            update=update.id,
            label=update.label,
            kb=update.kb,
            title=update.title,
            severity=update.severity,
            categories=update.categories,
            cvss=update.cvss,
            cves=update.cves,
            endpoint=row["endpoint"],
            client=machine["client"],
            ring=stand.tier.ring if stand.tier else machine["ring"],
            kind=machine["kind"],
            role=machine["role"],
            criticality=criticality,
            released=update.released,
            since=begin,
            identified=identified,
            reported=reported[0] if reported else None,
            ticket=reported[1] if reported else None,
            decision=decision,
            installed=moments["installed_at"],
            reboot_needed=_needed(row) if moments["installed_at"] else None,
            boot=_boot(row) if moments["booted_at"] else None,
            corrected=corrected,
            undone=moments["undone_at"],
            state=state,
            reason=reason,
            identify=self._deadline(None if begin is None else begin + limits.identify, identified),
            report=self._report(identified + limits.report, reported[0] if reported else None, corrected, over=over),
            correct=self._deadline(None if over and corrected is None else correct_by, corrected),
        )

    def _by_then(self, text: str | None) -> datetime | None:
        """An instant of the register, unless it is after the account's."""
        moment = None if text is None else instant(text)
        return None if moment is None or moment > self._read.at else moment

    def _deadline(self, due: datetime | None, done: datetime | None) -> Deadline:
        if due is None:
            return Deadline(None, done, None)
        if done is not None:
            return Deadline(due, done, done <= due)
        return Deadline(due, None, False if self._read.at > due else None)

    def _report(self, due: datetime, done: datetime | None, corrected: datetime | None, *, over: bool) -> Deadline:
        """What was corrected before it had to be reported needs no ticket of its own."""
        settled = over or (corrected is not None and corrected <= due)
        return Deadline(due, None, None) if done is None and settled else self._deadline(due, done)

    def _decision(
        self, update: Update, endpoint: Endpoint, settings: Settings, identified: datetime
    ) -> tuple[Decision, str | None]:
        client = endpoint.client or None
        key = update.id, endpoint.client, settings
        if key not in self._outcomes:
            outcome = judge(update, settings.approval, self._approvals, client, self._read.at)
            row = self._approvals.about(update, client) if outcome.rule == "recorded" else None
            word = "deferred" if outcome.node == "approval.deferred" else outcome.decision
            at = (row.at if row else None) or datetime.min.replace(tzinfo=identified.tzinfo)
            self._outcomes[key] = Decision(word, outcome.rule, row.by if row else None, at, outcome.reason)
            self._nodes[key] = outcome.node
        found = self._outcomes[key]
        at = max(found.at, identified)
        return Decision(found.outcome, found.rule, found.by, at, found.reason), self._nodes[key]

    def _state(
        self, row: Row, moments: Mapping[str, datetime | None], node: str | None, decision: Decision
    ) -> tuple[str, str]:
        stand = self._standing[row["endpoint"]]
        if moments["corrected_at"] is not None:
            return "corrected", _proof(row, moments)
        if moments["gone_at"] is not None:
            return "gone", (
                f"no search shows it any more since {_minute(moments['gone_at'])}, and no run installed it: "
                "a technician did, or a newer update has replaced it"
            )
        if stand.now == "excluded":
            return "excluded", stand.reason
        failure = self._failure(row["endpoint"], row["update"])
        if failure is not None:
            return "failed", failure
        if moments["installed_at"] is None:
            if node in NODE_STATES:
                return NODE_STATES[node], decision.reason
            if decision.outcome == DECLINED:
                return "declined", decision.reason
            if node is not None:
                return "held", decision.reason
        return self._on_its_way(row, moments, stand)

    def _failure(self, endpoint: str, update: str) -> str | None:
        """Its own failure without a root cause, or one of the endpoint as a whole: a reboot, a validation."""
        rows = self._failures.get(endpoint, ())
        own = [row for row in rows if row["update"] == update] or [row for row in rows if row["update"] is None]
        return str(own[0]["text"]) if own else None

    def _on_its_way(self, row: Row, moments: Mapping[str, datetime | None], stand: Stand) -> tuple[str, str]:
        decision = self._read.decisions.get(row["endpoint"])
        last: Mapping[str, Any] = decision[1] if decision else {"left_out": [], "reason": "nothing was decided yet"}
        if moments["installed_at"] is not None:
            what = f"installed at {_minute(moments['installed_at'])} and not proven yet: "
            state = stand.now if stand.now in ("held", "unreachable") else "open"
            return state, what + str(last["reason"])
        if stand.now == "unreachable":
            return "unreachable", stand.reason
        for left in last["left_out"]:
            if left["update"] == row["update"]:
                state = "open" if left["node"].startswith("schedule.") else "held"
                return state, left["reason"]
        if stand.now == "failed":
            return "held", "another failure of the endpoint has no documented root cause"
        return ("held" if stand.now == "held" else "open"), str(last["reason"])


_MOMENTS = ("gone_at", "installed_at", "booted_at", "corrected_at", "undone_at")


def _boot(row: Row) -> Boot:
    return Boot(row["boot_id"], instant(row["boot_time"]), instant(row["booted_at"]))


def _needed(row: Row) -> bool | None:
    return None if row["reboot_needed"] is None else bool(row["reboot_needed"])


def _proof(row: Row, moments: Mapping[str, datetime | None]) -> str:
    """What proves it, in words."""
    boot = f", booted at {_minute(instant(row['boot_time']))}" if moments["booted_at"] else ""
    return f"installed at {_minute(moments['installed_at'])}{boot}, healthy at {_minute(moments['corrected_at'])}"


def _minute(moment: datetime | None) -> str:
    return "?" if moment is None else moment.isoformat(timespec="minutes")
