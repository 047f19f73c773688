# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Not the library: in its place, for the many starts of Ansible in the tests.

No control node of ours has paramiko. compliance-trestle brings it into the tests' environment, to fetch by SFTP what no
test fetches, and Ansible loads it at each start where it is there: a tenth of a second, many hundred times.
"""

raise ImportError("paramiko is hidden from Ansible by tests/absent")
