# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How properties are tried: as often as ``EXAMPLES`` says, and with no time limit for an example, which a machine that
stalls for a moment would miss. Speed is measured in benchmarks."""

from __future__ import annotations

from hypothesis import settings

from tests.examples import examples

settings.register_profile("unit", deadline=None, max_examples=examples(100))
settings.load_profile("unit")
