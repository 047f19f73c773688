# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's third-party libraries, imported in one place.

``from ..requirements import sqlalchemy as sa`` gives the library itself or, where it is not installed, an
object that says so on first use. Each library stands in ``requirements.txt`` with its reason.
"""

from __future__ import annotations

import sys

from .errors import RequirementMissingError


class _Missing:
    """Stands in for a library that could not be imported; any use of it raises."""

    def __init__(self, library: str, cause: ImportError) -> None:
        self._library = library
        self._cause = cause

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # introspection is not use
            raise AttributeError(name)
        raise RequirementMissingError(
            f"the Python library {self._library} is needed on the control node and is not installed for "
            f"{sys.executable} ({self._cause}): install the collection's requirements.txt there"
        )


try:
    import sqlalchemy
except ImportError as exc:
    sqlalchemy = _Missing("SQLAlchemy", exc)  # type: ignore[assignment]

try:
    import requests
except ImportError as exc:
    requests = _Missing("requests", exc)  # type: ignore[assignment]

try:
    import jmespath
except ImportError as exc:
    jmespath = _Missing("jmespath", exc)  # type: ignore[assignment]

try:
    import jsonschema
except ImportError as exc:
    jsonschema = _Missing("jsonschema", exc)  # type: ignore[assignment]

try:
    import icalendar
except ImportError as exc:
    icalendar = _Missing("icalendar", exc)  # type: ignore[assignment]

try:
    import recurring_ical_events  # type: ignore[import-untyped]
except ImportError as exc:
    recurring_ical_events = _Missing("recurring-ical-events", exc)

try:
    import rich
    import rich.box
    import rich.console
    import rich.table
except ImportError as exc:
    rich = _Missing("rich", exc)  # type: ignore[assignment]

try:
    import yaml
except ImportError as exc:
    yaml = _Missing("PyYAML", exc)  # type: ignore[assignment]

__all__ = [
    "icalendar",
    "jmespath",
    "jsonschema",
    "recurring_ical_events",
    "requests",
    "rich",
    "sqlalchemy",
    "yaml",
]
