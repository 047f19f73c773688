# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How ConnectWise Automate is asked for its patch data and told how far a client's month is."""

    DOCUMENTATION = r"""
options:
  automate_url:
    description:
      - Base address of the ConnectWise Automate server, such as V(https://example.hostedrmm.com).
      - From its patch data come severity, CVSS and release of updates, which Windows does not tell. Without it every
        update whose severity is not known awaits review.
      - The variables of the environment are those of the inventory plugin P(msp.patching.automate#inventory).
    type: str
    env:
      - name: AUTOMATE_URL
    ini:
      - section: msp_patching
        key: automate_url
  automate_user:
    description: The account at Automate; it needs C(Patch Manager) C(Read).
    type: str
    env:
      - name: AUTOMATE_USER
  automate_password:
    description: Its password.
    type: str
    env:
      - name: AUTOMATE_PASSWORD
  automate_client_id:
    description: The client id registered with ConnectWise for this integration.
    type: str
    env:
      - name: AUTOMATE_CLIENT_ID
  automate_ca:
    description: A file of certificate authorities for Automate, where the system's do not know it.
    type: path
    env:
      - name: AUTOMATE_CA
    ini:
      - section: msp_patching
        key: automate_ca
  tracker_titles:
    description:
      - The titles of three text fields among the extra data fields of clients in Automate that say how far the month
        is, each V(Title) or V(Section/Title). The first holds the cycle, the second its state, the third when its last
        tier closed (UTC).
      - They are written when a tier closes. Where Automate has no such fields, the run warns and goes on. An empty list
        switches it off.
      - The account of O(automate_user) needs C(Clients) C(Update) for it.
    type: list
    elements: str
    default: [Patching Cycle, Patching Cycle State, Patching Cycle Closed]
    env:
      - name: MSP_PATCHING_TRACKER_TITLES
    ini:
      - section: msp_patching
        key: tracker_titles
"""
