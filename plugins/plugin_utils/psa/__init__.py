# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConnectWise PSA: a thin typed client, and the tickets of the patching flow.

``client`` speaks HTTP and knows nothing of patching; ``directory`` finds the tenant's own names (company,
board, priority, configuration); ``tickets`` writes what a technician reads; ``delivery`` brings one wanted
ticket over, once. Built from the published description of the API, not checked against a live tenant.
"""
