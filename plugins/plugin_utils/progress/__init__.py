# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody who watches a run is shown of it: where each endpoint stands, as a live view or as lines of a log.

``board``  where each endpoint stands, from the plans of the run; pure
``heard``  who answered in a pass that is under way, from the process that takes its steps
``lines``  what changed and how it stands, as lines for logs; pure
``live``   the view of a terminal, drawn with rich
``pulse``  a thread that draws or speaks while Ansible itself says nothing
"""
