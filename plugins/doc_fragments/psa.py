# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How tickets get to ConnectWise PSA, and what they look like there."""

    DOCUMENTATION = r"""
options:
  psa_url:
    description:
      - Base address of the ConnectWise PSA, such as V(https://api-na.myconnectwise.net).
      - Without one, tickets stay wanted in the ledger.
    type: str
    env:
      - name: MSP_PATCHING_PSA_URL
    ini:
      - section: msp_patching
        key: psa_url
  psa_company:
    description: The login company of the API member.
    type: str
    env:
      - name: MSP_PATCHING_PSA_COMPANY
    ini:
      - section: msp_patching
        key: psa_company
  psa_public_key:
    description: The API member's public key.
    type: str
    env:
      - name: MSP_PATCHING_PSA_PUBLIC_KEY
  psa_private_key:
    description: The API member's private key.
    type: str
    env:
      - name: MSP_PATCHING_PSA_PRIVATE_KEY
  psa_client_id:
    description: The client id registered with ConnectWise for this integration.
    type: str
    env:
      - name: MSP_PATCHING_PSA_CLIENT_ID
  psa_board:
    description: The service board that gets the tickets.
    type: str
    default: Patch Management
    env:
      - name: MSP_PATCHING_PSA_BOARD
    ini:
      - section: msp_patching
        key: psa_board
  psa_on_call_board:
    description:
      - The service board that gets the tickets of servers that fail outside business hours; its workflow alerts
        on-call.
      - Without one they go to O(psa_board).
    type: str
    env:
      - name: MSP_PATCHING_PSA_ON_CALL_BOARD
    ini:
      - section: msp_patching
        key: psa_on_call_board
  psa_priorities:
    description:
      - The PSA's names of priority 1, 2 and 3, in this order.
      - Without them the priority is taken that has the number in its name.
    type: list
    elements: str
    env:
      - name: MSP_PATCHING_PSA_PRIORITIES
    ini:
      - section: msp_patching
        key: psa_priorities
  psa_companies:
    description:
      - A YAML file that maps the RMM's client names to PSA company identifiers, for those that differ.
      - A client that is not in it is looked up by its name, then by its name as an identifier.
    type: path
    env:
      - name: MSP_PATCHING_PSA_COMPANIES
    ini:
      - section: msp_patching
        key: psa_companies
  psa_ca:
    description: A file of certificate authorities for the PSA, where the system's do not know it.
    type: path
    env:
      - name: MSP_PATCHING_PSA_CA
    ini:
      - section: msp_patching
        key: psa_ca
  psa_own_company:
    description:
      - The identifier of the MSP's own company in the PSA, for tickets that are no client's.
      - Without it, these stay wanted in the ledger.
    type: str
    env:
      - name: MSP_PATCHING_PSA_OWN_COMPANY
    ini:
      - section: msp_patching
        key: psa_own_company
  psa_layout:
    description:
      - A YAML file that says where tickets go in the PSA, and what they look like there. All names are looked up by the
        name that they have in the PSA; one that it does not have is refused with those it has.
      - C(topics) has a place for what a ticket is about (V(failure), V(reboot), V(compliance), V(review), V(exception),
        V(coverage), V(bundle)), C(queues) one for each queue that the policy's C(failure.queue) names, such as
        V(support); a queue outranks a topic. A place is a mapping of any of C(board), C(type), C(team) and C(status),
        the last being that of a new ticket.
      - C(closed) names the status that closes a ticket. Without it, that is the first of the board's that does.
      - What it leaves out is the PSA's own default, the board O(psa_board).
    type: path
    env:
      - name: MSP_PATCHING_PSA_LAYOUT
    ini:
      - section: msp_patching
        key: psa_layout
  psa_bundle:
    description: Whether tickets of one cause (client, cycle, step, error code) are put under a parent ticket.
    type: bool
    default: false
    env:
      - name: MSP_PATCHING_PSA_BUNDLE
    ini:
      - section: msp_patching
        key: psa_bundle
  psa_close_cured:
    description:
      - Whether a failure's ticket is closed when its root cause is documented and a later look shows that it is over.
      - Otherwise that is a note on the ticket, and a technician closes it.
    type: bool
    default: false
    env:
      - name: MSP_PATCHING_PSA_CLOSE_CURED
    ini:
      - section: msp_patching
        key: psa_close_cured
  psa_rate:
    description: How many requests a minute the PSA is sent at most.
    type: int
    default: 60
    env:
      - name: MSP_PATCHING_PSA_RATE
    ini:
      - section: msp_patching
        key: psa_rate
"""
