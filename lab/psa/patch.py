# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSA's idea of JSON Patch: no leading slash, case matters, references are replaced whole.

A leading slash is what JSON Patch itself asks for and what some clients of live servers send, though the
vendor's guide says there is none: we take it with a warning, or, being strict, not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import PsaError
from .table import Table


def changes(table: Table, row: Mapping[str, Any], patch: object, *, deep: bool, strict: bool) -> dict[str, Any]:
    """The fields that ``patch`` sets, whole.

    A path below a reference (``company/identifier``) is answered with 200 and changes nothing, unless ``deep``.
    """
    name = table.schema.name
    if not isinstance(patch, list) or not all(isinstance(step, Mapping) for step in patch):
        raise PsaError(400, f"{name}: the body must be an array of operations")
    found: dict[str, Any] = {}
    for step in patch:
        op, path = step.get("op"), str(step.get("path", ""))
        path = path if strict else path.removeprefix("/")
        field, _slash, below = path.partition("/")
        writable = set(table.schema.fields) - table.schema.computed
        if op not in ("add", "replace", "remove"):
            raise PsaError(400, f"{name}: {op!r} is not an operation: add, replace or remove")
        if field not in writable:
            said = f"{path!r} is not a path of a {name}: no leading slash, and case matters"
            raise PsaError(400, f"{name} object is invalid", ("InvalidPath", said, path), resource=name)
        if not below:
            found[field] = table.schema.fields[field] if op == "remove" else step.get("value")
        elif deep:
            found[field] = {below: step.get("value")}
    return {field: value for field, value in found.items() if value != row.get(field)}


def has_leading_slash(patch: object) -> bool:
    steps = patch if isinstance(patch, list) else []
    return any(str(step.get("path", "")).startswith("/") for step in steps if isinstance(step, Mapping))
