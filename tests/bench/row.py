"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Row:
    """What was measured, ours beside the plain way, and the ratio that is to be reached."""

    case: str
    what: str
    ours: str
    plain: str
    ratio: float
    target: str
    reached: bool
