# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report of a cycle, a client or a tier.

``view_of(account)`` (`compose`) makes a `view.View` of an account: every sentence and figure, once. ``rendered(account,
formats)`` (`render`) makes of it the page (HTML), the document (PDF), the picture for a ticket (PNG) and the tables
beside (CSV), as bytes; the same account gives the same bytes. `figures` counts, `sections` lay out, `charts` draw.
"""
