# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extra data fields of a computer's location and client say; worked out once for each such pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .client import CLIENTS, LOCATIONS
from .errors import OptionError
from .extra_fields import ExtraField, ExtraFields
from .pages import Resource, Row, row_id
from .rules import DEFAULT_EXTRA_FIELDS, Rules
from .said import Said
from .snapshot import Snapshot, referred
from .words import WordError

BARRING = "location_disabled"
"""The key of the record that keeps a location from being patched."""


@dataclass(frozen=True, slots=True)
class Place:
    """A location and its client: their rows ({} where there is none), their fields, and what these say."""

    client: Row
    location: Row
    client_fields: ExtraFields
    location_fields: ExtraFields
    said: Said


class Places:
    """Finds the `Place` of each computer."""

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self._rules = rules
        self._clients = _with_fields(snapshot.clients)
        self._locations = _with_fields(snapshot.locations)
        self._places: dict[tuple[int | None, int | None], Place] = {}

    def of(self, computer: Row) -> Place:
        key = (referred(computer, "Client"), referred(computer, "Location"))
        if key not in self._places:
            self._places[key] = self._place(*key)
        return self._places[key]

    def unknown_titles(self) -> list[str]:
        """A warning for each option that names a field which no location and no client has; `OptionError` where the
        source itself names one that keeps locations from being patched: they would be patched."""
        everything = [fields for _row, fields in (*self._locations.values(), *self._clients.values())]
        told = []
        for key, title in self._rules.extra_fields.items():
            option = f"extra_fields.{key}"
            if any(fields.get(title, option) for fields in everything):
                continue
            lacking = f"no location and no client has an extra data field {title!r}"
            remedy = "set the option to the title it has in Automate, or to null"
            if key == BARRING and title != DEFAULT_EXTRA_FIELDS[BARRING]:
                raise OptionError(option, f"{lacking}, so that whom it keeps from being patched would be; {remedy}")
            told.append(f"option {option}: {lacking}; {remedy}")
        return told

    def _place(self, client_id: int | None, location_id: int | None) -> Place:
        nothing: tuple[Row, ExtraFields] = ({}, ExtraFields(()))
        client, client_fields = self._clients.get(client_id or 0, nothing)
        location, location_fields = self._locations.get(location_id or 0, nothing)
        hidden = {
            **_hidden("client", client_id, client, CLIENTS),
            **_hidden("location", location_id, location, LOCATIONS),
        }
        said = self._say(location_fields, client_fields)
        if hidden:  # what the fields would have said is not known, so what is left of them counts for nothing
            said = Said({}, {**hidden, **dict.fromkeys(self._rules.extra_fields, next(iter(hidden.values())))})
        return Place(client, location, client_fields, location_fields, said)

    def _say(self, location: ExtraFields, client: ExtraFields) -> Said:
        values: dict[str, Any] = {}
        doubts: dict[str, str] = {}
        for key, title in self._rules.extra_fields.items():
            option = f"extra_fields.{key}"
            found = _first([("location", location.get(title, option)), ("client", client.get(title, option))])
            if found is None:
                continue
            level, extra = found
            try:
                values[key] = self._rules.told(key, extra.value)
            except WordError as exc:
                doubts[key] = f"extra data field {title!r} of the {level}: {exc}"
        return Said(values, doubts)


def _with_fields(rows: Iterable[Row]) -> dict[int, tuple[Row, ExtraFields]]:
    return {row_id(row, "Id"): (row, ExtraFields(row.get("ExtraFields") or ())) for row in rows}


def _first(fields: list[tuple[str, ExtraField | None]]) -> tuple[str, ExtraField] | None:
    """What somebody entered before what is only a default; the location's before the client's."""
    there = [(level, extra) for level, extra in fields if extra is not None and extra.value not in (None, "")]
    return next((one for one in there if one[1].given), there[0] if there else None)


def _hidden(kind: str, number: int | None, row: Row, resource: Resource) -> dict[str, str]:
    if number is None or row:
        return {}
    return {kind: f"Automate does not show {kind} {number}: user class permission {resource.permission!r}"}
