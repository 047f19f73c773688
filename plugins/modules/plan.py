# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: plan
short_description: Decide for all hosts of a play at once what is due for each
version_added: 0.1.0
description:
  - The heart of the roles P(msp.patching.scope#role) and P(msp.patching.flow#role). It reads the endpoint record of
    every host (its variables C(patching_*)), the register and the policy, decides for each host by the flow of the
    operating model, records the decisions that changed, and says which step each host takes next.
  - Runs once for all hosts of the play, with C(serial) for those of the batch, on the control node, whatever their
    number. Knows of endpoints what earlier steps recorded, and connects to none.
  - A host of which the inventory says something that cannot be fails by its name, and the others go on; where no host
    can be read, that is an error.
  - Needs the callback P(msp.patching.evidence#callback), whose settings it shares (ledger, policy, clock).
options:
  phase:
    description:
      - V(open) plans for all hosts, prints the plan, and returns who is due. The first time, it opens the
        cycle and the hosts' tiers on the ledger; a window that passed without a run is told and recorded.
      - V(next) plans for the hosts still there and returns their next steps. Where nothing is to be started
        it first waits until a look at what is under way is worth it. What was looked at a moment ago is not looked at
        again.
    type: str
    choices: [open, next]
    required: true
  ring:
    description: Plan for the endpoints of this ring only. Without it, for all hosts.
    type: str
  actions:
    description:
      - The actions of the flow that this run carries out.
      - Endpoints that are due for another are listed and left alone.
    type: list
    elements: str
    choices: [scan, install, reboot, validate, remind]
    default: [scan, install, reboot, validate, remind]
  state:
    description:
      - What the plan before returned as its RV(state); at the first pass that of V(open), or nothing. Endpoints that
        have left are planned for no more.
    type: dict
    default: {}
  changed:
    description: The hosts that the steps before it did something to (RV(msp.patching.step#module:changed_hosts)).
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Plans and prints, records nothing, and gives nobody a step.
    support: full
  diff_mode:
    description: Nothing is changed on a host.
    support: none
author:
  - the msp.patching contributors (@msp-patching)
"""

EXAMPLES = r"""
- name: Decide who is in, who is due, and why the others are not
  msp.patching.plan:
    phase: open
    ring: pilot
  register: scope_plan
  run_once: true
"""

RETURN = r"""
due:
  description: The hosts that have something to do now, by name; empty in check mode.
  type: list
  elements: str
  returned: O(phase=open)
  sample: [ACME-WS01, ACME-WS02]
counts:
  description: How many hosts each action was decided for.
  type: dict
  returned: O(phase=open)
  sample: {install: 8, wait: 2}
tiers:
  description: Client, ring and kind of the tiers the planned hosts are in; the run's end looks whether they close.
  type: list
  elements: list
  returned: O(phase=open)
  sample: [[Acme Dental, pilot, workstation]]
steps:
  description:
    - By host, the step it takes next (M(msp.patching.step)), why, and what the step needs.
    - Nothing for a host on which something is under way that was looked at a moment ago.
  type: dict
  returned: O(phase=next)
  sample: {ACME-WS01: {step: look, why: a look at what is under way, job: j123.456}}
over:
  description: Whether nothing is left to do for anybody once the steps are taken.
  type: bool
  returned: O(phase=next)
state:
  description: What the next plan has to know of this run. Of O(phase=open) it holds RV(state.rmm_failed) only.
  type: dict
  returned: success
  contains:
    started:
      description: When the first pass was planned.
      type: str
    planned:
      description: When this one was.
      type: str
    left:
      description: The hosts that have nothing left to do in this run.
      type: list
      elements: str
    changed:
      description: The hosts that something was done to.
      type: list
      elements: str
    failed:
      description: By host, why it failed.
      type: dict
    rmm_failed:
      description:
        - When the RMM was asked in vain for what it knows of updates that Windows tells too little of; null if it never
          was. A run asks it again after 30 minutes.
      type: str
"""
