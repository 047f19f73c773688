# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: step
short_description: Take the next step of each endpoint
version_added: 0.1.0
description:
  - Runs once in each pass of the role P(msp.patching.flow#role), on the control node, for all endpoints that
    M(msp.patching.plan) has ordered a step for. It makes the calls of an endpoint's step one after the other, over one
    connection that is made of the endpoint's variables as for any task. Several processes share the endpoints, at most
    as many as Ansible has C(forks). One more joins while processors are idle or all of them wait for endpoints.
  - V(scan) and V(install) start a job on the endpoint and do not wait for it; V(look) sees how it stands. V(install)
    takes exactly the updates of the order and never reboots. V(reboot) looks first, and starts a restart where one is
    pending; V(confirm) and V(see) look whether the endpoint has booted. V(validate) runs the checks that apply.
    V(remind) tells the user. V(wake) sends Wake-on-LAN packets, from another host of the location.
  - What is seen is recorded while it is seen, by the rules of the callback P(msp.patching.evidence#callback), whose
    settings it shares. A call that goes wrong does not fail the task, and stops no other endpoint; the next plan judges
    it.
options:
  orders:
    description: By host, what the plan has ordered (RV(msp.patching.plan#module:steps)).
    type: dict
    required: true
attributes:
  check_mode:
    description: No plan orders a step in it, so that none is taken.
    support: full
  diff_mode:
    description: Nothing to show.
    support: none
author:
  - the msp.patching contributors (@msp-patching)
"""

EXAMPLES = r"""
- name: Plan the next step of each endpoint
  msp.patching.plan:
    phase: next
  register: flow_plan
  run_once: true

- name: Take them
  msp.patching.step:
    orders: "{{ flow_plan.steps }}"
  register: flow_step
  run_once: true
"""

RETURN = r"""
took:
  description: By host, the step that was taken.
  type: dict
  returned: always
  sample: {ACME-WS01: install, ACME-WS02: look}
unreachable_hosts:
  description: Those that did not answer.
  type: list
  elements: str
  returned: always
changed_hosts:
  description: Those that something was done to.
  type: list
  elements: str
  returned: always
urgent:
  description: Whether a ticket or an alert is to be sent before the run goes on.
  type: bool
  returned: always
trouble:
  description: What went wrong with recording; the callback makes it the run's.
  type: dict
  returned: always
"""
