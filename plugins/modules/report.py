# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Make the compliance report of a cycle, a client or a tier
version_added: 0.1.0
description:
  - Makes of the ledger a report of a cycle. It tells where each endpoint stands, by client, ring and importance; the
    time to patch against the deadlines of the policy; what is open and who must act; failures and their causes;
    exceptions and when they lapse; the tiers with their proofs; and the reboots that were confirmed.
  - Every figure is told with its numerator and its denominator.
  - The page (V(html)) is one file that needs no network and sorts and filters its tables. The document (V(pdf)) and
    the picture of the headline (V(png)) show the same figures. V(csv) are the whole lists of endpoints, flaws and
    boots.
  - V(oscal) are OSCAL assessment results on SP 800-171 3.14.1, [a] to [f], with a plan, a catalog and the policy in
    force. They point by hash to the files that are made with them, so that they depend on what else is made.
  - Reads the ledger and the policy, and changes nothing but its files, unless it is to O(attach) them. Connects to no
    endpoint and asks no other system; with C(-i localhost,) not even the RMM for an inventory.
  - A file that is there already with the same content is left alone. Of a cycle that is over and whose tiers are closed
    the report no longer changes; of one that goes on, it depends on the instant too, which the extra var C(as_of) sets.
options:
  cycle:
    description: The cycle, such as V(2026-11) or V(2026-11-oob1); without it, the one that opened last.
    type: str
  client:
    description:
      - Only this client. The names of the files have its name in them, and, where that is not just words with a capital
        letter each, a mark behind it as well. So clients whose names look alike there have files of their own.
    type: str
  ring:
    description: Only this ring.
    type: str
  kind:
    description: Only endpoints of this kind, V(server) or V(workstation).
    type: str
  dest:
    description: The folder for the files; made where it is missing.
    type: path
    default: reports
  formats:
    description: What to make.
    type: list
    elements: str
    choices: [html, pdf, png, csv, oscal]
    default: [html, pdf, png, csv, oscal]
  attach:
    description:
      - Put document and picture on the client's compliance ticket of the cycle as well. Runs do that by themselves when
        a tier closes; this is for when one said that it could not.
      - Wants O(client), and neither O(ring) nor O(kind). The same files are put there once.
    type: bool
    default: false
extends_documentation_fragment:
  - msp.patching.control_node
attributes:
  check_mode:
    description: Makes the report and writes nothing.
    support: full
  diff_mode:
    description: Files are told by name, size and hash.
    support: none
requirements:
  - the callback P(msp.patching.evidence#callback), whose settings say where the ledger and the policy are
  - pygal, typst and font-source-sans-pro on the control node
"""

EXAMPLES = r"""
- name: The month of all clients
  msp.patching.report:
    cycle: 2026-11
    dest: /srv/reports/2026-11

- name: One tier, as a page only
  msp.patching.report:
    cycle: 2026-11
    client: Acme Dental
    ring: pilot
    kind: workstation
    formats: [html]

# The playbook of the same name, from cron; its exit status is 0 where all that was asked for was made:
# ansible-playbook -i localhost, msp.patching.report -e cycle=2026-11 -e formats=pdf,png -e dest=/srv/reports
"""

RETURN = r"""
files:
  description: The files that were made, or found as they have to be.
  type: list
  elements: dict
  returned: success
  sample:
    - path: reports/compliance-2026-11.html
      format: html
      size: 78210
      sha256: 6f1ed002ab5595859014ebf0951522d9d2f0e8ac0c6c1c9c0b5c7a3d6c0c1a11
summary:
  description: The one line that was printed last.
  type: str
  returned: success
  sample: "Report 2026-11: 38 of 40 endpoints compliant (95 %), 0 flaws overdue, 6 files in reports"
final:
  description: Whether the cycle is over and its tiers are closed, so that the report no longer changes.
  type: bool
  returned: success
"""
