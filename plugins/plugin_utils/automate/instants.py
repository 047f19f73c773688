# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automate's date-times. They bear no zone and are UTC (seen on live servers, not promised by the published spec)."""

from __future__ import annotations

from datetime import UTC, datetime

from ..flow.fields import EARLIEST_YEAR, LATEST_YEAR


def instant(value: object) -> datetime | None:
    """``'2026-11-11T08:05:00'`` as an aware UTC datetime; an offset, where there is one, is respected.

    None for null, for text that is no date, and for a year that nothing of today is of: .NET says "never" by the year
    1, COM by 1899, Unix by 1970 or, west of Greenwich, 1969; and there is 9999.
    """
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not EARLIEST_YEAR < parsed.year < LATEST_YEAR:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
