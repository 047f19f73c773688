# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: step
short_description: Take the next step of an endpoint
version_added: 0.1.0
description:
  - The one task that the role P(msp.patching.flow#role) runs on an endpoint in each of its passes. It makes the calls
    of the step that M(msp.patching.plan) has ordered, one after the other over one connection, and gives what each of
    them saw.
  - V(scan) and V(install) start a job on the endpoint and do not wait for it; V(look) sees how it stands. V(install)
    takes exactly the updates of the order and never reboots. V(reboot) looks first, and starts a restart where one is
    pending; V(confirm) and V(see) look whether the endpoint has booted. V(validate) runs the checks that apply.
    V(remind) tells the user. V(wake) sends Wake-on-LAN packets, from the host that the task is delegated to. V(wait)
    does nothing.
  - A call that goes wrong does not fail the task. The callback P(msp.patching.evidence#callback) records what was seen,
    and the next plan judges it. Only the step V(fail) fails.
options:
  order:
    description: What the plan has ordered for the host, with the step and its arguments.
    type: dict
    required: true
attributes:
  check_mode:
    description: Nothing is due in check mode, so that no step is taken.
    support: none
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

- name: Take it
  msp.patching.step:
    order: "{{ flow_plan.steps[inventory_hostname] }}"
"""

RETURN = r"""
step:
  description: The step that was taken.
  type: str
  returned: always
  sample: install
seen:
  description: >-
    What each of its calls saw, in their order: what it is evidence of, the time limit of the job it started (0 where it
    started none), whether the endpoint was unreachable, and the raw result of the module.
  type: list
  elements: dict
  returned: always
"""
