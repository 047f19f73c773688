# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A month of patching on the lab, from Patch Tuesday to the closure of the last tier.

``script``   the words a month is written in: steps, and what people, machines and the weather do before them
``story``    the month of the demonstration, on the fleet ``lab/fleets/demo.yml``
``stage``    plays a script: the lab's clock jumps from step to step, and runs while the playbook does
``account``  what happened by the machines, the PSA and the ledger, and where these do not agree

`make demo` shows the month, and tests/integration/test_month.py holds it against its accounts.
"""
