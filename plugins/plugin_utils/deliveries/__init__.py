# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves for other systems: tickets, attachments, alerts to on-call, the RMM's cycle tracker.

Whoever wants something delivered appends an event ``<channel>.wanted`` to the ledger, in the same transaction as what
it follows from. ``outbox`` brings what is pending over, and appends what confirms it; what could not be brought stays
pending, and the next run brings it. Each system is a channel: ``tickets``, ``attachments``, ``alerts``, ``tracker``.
``followups`` and ``compliance`` say which tickets follow from a person's decision, and from cycles and tiers.
"""
