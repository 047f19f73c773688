# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: outcome
short_description: Say how a run ended for an endpoint
version_added: 0.1.0
description:
  - The last task of the role P(msp.patching.flow#role), and the only one that runs for each endpoint. It gives Ansible,
    for its recap and for AWX's list of hosts, what the plans and steps have found, and fails where the endpoint has
    failed. It asks nobody and records nothing.
options:
  changed:
    description: Whether something was done to the endpoint.
    type: bool
    required: true
  left:
    description: Whether nothing was left to do for it. Fails where something still is.
    type: bool
    required: true
  failed:
    description: Why it failed, where it has.
    type: str
attributes:
  check_mode:
    description: Nothing is done in any mode.
    support: full
  diff_mode:
    description: Nothing to show.
    support: none
author:
  - the msp.patching contributors (@msp-patching)
"""

EXAMPLES = r"""
- name: Say how it ended
  msp.patching.outcome:
    changed: "{{ inventory_hostname in flow_plan.state.changed }}"
    failed: "{{ flow_plan.state.failed[inventory_hostname] | default(omit) }}"
    left: "{{ inventory_hostname in flow_plan.state.left }}"
"""

RETURN = r"""
msg:
  description: Why it failed.
  type: str
  returned: failure
"""
