# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's third-party libraries, imported in one place.

``from ..requirements import sqlalchemy as sa`` gives an object that loads the library when it is first used, and says
so where it is not installed. Each library stands in ``requirements.txt`` with its reason, or, where only some need it,
in a file of its own (``OPTIONAL``). What a run does not come to it does not load: an inventory needs no database, and
that is a second of start; a ring draws no charts, and every process that it forks would pay for their memory.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from .errors import RequirementMissingError
from .garbage import uncollected

if TYPE_CHECKING:
    import boto3  # type: ignore[import-untyped]  # it ships no types
    import botocore  # type: ignore[import-untyped]
    import botocore.config  # type: ignore[import-untyped]
    import botocore.exceptions  # type: ignore[import-untyped]
    import cryptography
    import cryptography.exceptions
    import cryptography.hazmat.primitives.asymmetric.ed25519
    import cryptography.hazmat.primitives.serialization
    import font_source_sans_pro  # type: ignore[import-untyped]  # it ships no types
    import icalendar
    import jinja2
    import jmespath
    import jsonschema
    import psycopg
    import pygal  # type: ignore[import-untyped]  # it ships no types
    import pygal.style  # type: ignore[import-untyped]
    import recurring_ical_events  # type: ignore[import-untyped]  # it ships no types
    import requests
    import rich
    import rich.box
    import rich.console
    import rich.live
    import rich.progress_bar
    import rich.table
    import rich.text
    import sqlalchemy
    import typst
    import yaml

LIBRARIES = {
    "boto3": ("boto3", ("boto3.session",)),
    "botocore": ("boto3", ("botocore.config", "botocore.exceptions")),
    "cryptography": (
        "cryptography",
        (
            "cryptography.exceptions",
            "cryptography.hazmat.primitives.asymmetric.ed25519",
            "cryptography.hazmat.primitives.serialization",
        ),
    ),
    "font_source_sans_pro": ("font-source-sans-pro", ()),
    "icalendar": ("icalendar", ()),
    "jinja2": ("Jinja2", ()),
    "jmespath": ("jmespath", ()),
    "jsonschema": ("jsonschema", ()),
    "pygal": ("pygal", ("pygal.style",)),
    "psycopg": ("psycopg", ()),
    "recurring_ical_events": ("recurring-ical-events", ()),
    "requests": ("requests", ()),
    "rich": ("rich", ("rich.box", "rich.console", "rich.live", "rich.progress_bar", "rich.table", "rich.text")),
    "sqlalchemy": ("SQLAlchemy", ()),
    "typst": ("typst", ()),
    "yaml": ("PyYAML", ()),
}
"""By name: what pip calls it, and the parts of it that are used and not loaded with it."""

OPTIONAL = {
    "boto3": "requirements-s3.txt",
    "botocore": "requirements-s3.txt",
    "psycopg": "requirements-postgresql.txt",
}
"""The libraries that only some need, and the file that asks for them."""


class _Library:
    """A library, loaded when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__") and attribute != "__file__":  # introspection is not use
            raise AttributeError(attribute)
        value = getattr(_load(self._name), attribute)
        setattr(self, attribute, value)  # not asked for here again
        return value


def _load(name: str) -> object:
    library, parts = LIBRARIES[name]
    try:
        with uncollected(kept=True):
            found = importlib.import_module(name)
            for part in parts:
                importlib.import_module(part)
        # pygal leaves an import hook of Python 2's kind behind, for its maps: later Pythons warn of it at each import
        sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    except ImportError as exc:
        file = OPTIONAL.get(name, "requirements.txt")
        raise RequirementMissingError(
            f"the Python library {library} is needed on the control node and is not installed for "
            f"{sys.executable} ({exc}): install the collection's {file} there"
        ) from exc
    return found


def __getattr__(name: str) -> object:
    """The library `name` (PEP 562)."""
    if name not in LIBRARIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = _Library(name)
    return found


__all__ = [
    "boto3",
    "botocore",
    "cryptography",
    "font_source_sans_pro",
    "icalendar",
    "jinja2",
    "jmespath",
    "jsonschema",
    "psycopg",
    "pygal",
    "recurring_ical_events",
    "requests",
    "rich",
    "sqlalchemy",
    "typst",
    "yaml",
]
