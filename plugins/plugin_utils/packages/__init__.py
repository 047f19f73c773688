# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence packages (section 9): what is in one, how it is made, kept, found again and let go.

``store`` says what a place for packages has to do, and is the local folder; the other modules say what is in a
package, write it the same way every time, and check it.
"""
