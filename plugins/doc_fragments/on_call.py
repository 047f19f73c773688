# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How on-call is alerted."""

    DOCUMENTATION = r"""
options:
  on_call_kind:
    description:
      - What is alerted when a server fails after its client's business hours, once per incident.
      - V(pagerduty) is PagerDuty's Events API v2; the incident is resolved when the root cause is documented.
      - V(webhook) is a POST of a JSON document to an address of yours, which confirms it with any 2xx status.
        It has C(version) (1), C(id) (also in the header C(Idempotency-Key); the same id means the same alert),
        C(event) (V(trigger) or V(resolve)), C(incident), C(time), C(summary), C(severity) (V(critical), V(error) or
        V(warning)), C(source) (the endpoint), C(client), C(details) and C(late_minutes).
    type: str
    choices: [pagerduty, webhook]
    default: pagerduty
    env:
      - name: MSP_PATCHING_ON_CALL_KIND
    ini:
      - section: msp_patching
        key: on_call_kind
  on_call_url:
    description:
      - Where alerts are sent. With V(pagerduty) it is only needed where that is not PagerDuty itself.
      - With neither this nor O(on_call_key) nobody is alerted but through O(psa_on_call_board).
    type: str
    env:
      - name: MSP_PATCHING_ON_CALL_URL
  on_call_key:
    description: The routing key of the PagerDuty service, or the webhook's bearer token, which it may do without.
    type: str
    env:
      - name: MSP_PATCHING_ON_CALL_KEY
  on_call_ca:
    description: A file of certificate authorities for O(on_call_url), where the system's do not know it.
    type: path
    env:
      - name: MSP_PATCHING_ON_CALL_CA
    ini:
      - section: msp_patching
        key: on_call_ca
"""
