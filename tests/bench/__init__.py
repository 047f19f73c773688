# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs, as ratios measured in one run: `make bench`, `make bench-quick`.

``cases/``     one module a case; each measures ours beside the plain way and gives rows
``row``        a line of the table: two costs, their ratio, and what the ratio is to be at most
``measure``    a command with its CPU and memory, a call, medians
``labs``       a lab for as long as a measurement takes
``ledgers``    a fleet and a ledger of its past months, made in bulk
``plugins/``   a task that has the result that it is told
``results``    the JSON that is kept, and compared
``table``, ``plot``, ``page``   the same for people
"""
