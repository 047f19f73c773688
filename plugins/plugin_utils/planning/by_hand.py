# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket of an endpoint that waits for a technician to restart it (sections 3 and 5, ``reboot.technician``).

It is wanted when that becomes the endpoint's decision, so once a wait, and gets a note when it is no more.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ..flow.failures import consequences
from ..ledger import Event, text_of
from ..psa import tickets

if TYPE_CHECKING:
    from .plan import Plan

NODE = "reboot.technician"
TOPIC = "reboot"


def restart_tickets(plan: Plan) -> list[Event]:
    """The tickets that the decisions of `plan` want, in the light of those that stood before."""
    events = []
    for name, decision in plan.decisions.items():
        before = (plan.progress[name].last_decision or {}).get("node")
        if decision.node == NODE and before != NODE:
            events.append(_wanted(plan, name))
        elif before == NODE and decision.node != NODE:
            events.append(_over(plan, name))
    return events


def _wanted(plan: Plan, name: str) -> Event:
    endpoint, now = plan.endpoints[name], plan.now
    what = consequences(endpoint, plan.policy, now)
    where = f"{endpoint.client}, {endpoint.location or 'location unknown'}"
    lines = [
        f"{name} ({where}) waits for its restart: {plan.decisions[name].reason}.",
        "",
        "Updates are installed on it and take effect with the restart. Nothing restarts it by itself: that would take",
        "the policy group Auto Install Auto Reboot and the approval for unattended reboots, both in the RMM.",
        "Restart it when that suits the client, at any hour; the next run sees the boot and validates it.",
    ]
    more = {"endpoint_id": endpoint.id, "endpoint_name": name, "queue": what.queue}
    return _event(plan, name, "\n".join(lines), what.priority, "tell", **more)


def _over(plan: Plan, name: str) -> Event:
    when = tickets.local(plan.now, plan.endpoints[name])
    text = f"{name} was restarted, or no restart of it is pending any more: seen at {when}. Close this ticket."
    return _event(plan, name, text, 3, "note")


def _event(plan: Plan, name: str, text: str, priority: int, action: str, **more: object) -> Event:
    endpoint = plan.endpoints[name]
    key = tickets.xref(endpoint.client or "", name, TOPIC, "by-hand")
    body = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/{key}/{action}/{text_of(plan.now)}")),
        "xref": key,
        "summary": f"Patching: {name} waits for a technician to restart it",
        "text": text,
        "priority": priority,
        "client": endpoint.client or None,
        "topic": TOPIC,
        "action": action,
    }
    return Event("ticket.wanted", name, plan.now, body | more)
