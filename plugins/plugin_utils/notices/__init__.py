# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people have to be told because time passes: reviews, renewals, gaps in the pilot, soaks that pass.

Pure: derived once a run, for the whole fleet, from what the ledger knows (`ledger.overview`), the policy and the
instant. ``outlook`` holds these together, ``reviews``, ``renewals``, ``coverage`` and ``soaks`` each find their own,
``letters`` is the form of a ticket, ``told`` puts it all together. ``exceptions`` is the exception register as rows.
"""
