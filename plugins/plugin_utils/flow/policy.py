# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy document: checked against its schema, filled with defaults, overridden down to one endpoint.

The schema ``data/policy.schema.json`` is where keys, defaults and their meaning are said, for people, editors
and this code alike. A mapping overrides key by key, a list replaces the whole list; the order is document,
``clients.<client>``, ``locations.<location>``, ``locations.<client>.<location>``, ``endpoints.<endpoint>``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ..requirements import jsonschema
from .fields import suggestion
from .records import KINDS, Endpoint
from .settings import Lane, PolicyError, Settings, WindowSpec, compile_settings

SCHEMA_FILE = Path(__file__).with_name("data") / "policy.schema.json"
_SECTIONS = ("clients", "locations", "endpoints")
_OF_ALL = ("clock", "reason_codes", "evidence")


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def defaults() -> dict[str, Any]:
    """The whole document as it stands when nothing is overridden."""
    return {key: part["default"] for key, part in schema()["properties"].items()}


class Policy:
    """A document that has been loaded; :meth:`settings` gives the figures for an endpoint."""

    def __init__(self, document: Mapping[str, Any], base_dir: Path | None) -> None:
        self.document = document
        self._sections: Mapping[str, Any] = {name: document[name] for name in _SECTIONS}
        self.clock: str = document["clock"]
        self.reason_codes: Mapping[str, Mapping[str, str]] = document["reason_codes"]
        self._base_dir = base_dir
        self._places = _places(document["locations"])
        self._settings: dict[tuple[str | None, ...], Settings] = {}
        self._lanes: tuple[tuple[str | None, Lane], ...] = ()
        self._laned: dict[tuple[Settings, str | None], Settings] = {}
        self._figures = _by_kind({key: value for key, value in document.items() if key not in (*_SECTIONS, *_OF_ALL)})
        self._check_all()

    @classmethod
    def recorded(cls, document: Mapping[str, Any]) -> Policy:
        """Of a document that a ledger has on record, perhaps of an older schema: what it does not say is as by default.

        For what is told of the past: of its freezes it knows nothing, whose calendars are files that may be gone, and
        which only say when nothing begins. Raises PolicyError.
        """
        found = cls(merged(defaults(), _without_freezes(document)), None)
        found.document = document
        return found

    def settings(self, endpoint: Endpoint | None = None) -> Settings:
        """The figures for one endpoint, or for none in particular; compiled once for all that share them."""
        if endpoint is None:
            return self._with_lanes(self._resolved(None, None, None), None)
        client, place = endpoint.client, endpoint.location
        here = (client, place) in self._places
        found = self._resolved(
            client if here or client in self._sections["clients"] else None,
            place if here or (None, place) in self._places else None,
            endpoint.name if endpoint.name in self._sections["endpoints"] else None,
        )
        return self._with_lanes(found, client)

    def with_lanes(self, lanes: Iterable[tuple[str | None, Lane]]) -> Policy:
        """This policy with further out-of-band cycles, each for a client (None: all), beside those of the document."""
        found = copy(self)
        found._lanes, found._laned = (*self._lanes, *lanes), {}
        return found

    def _with_lanes(self, settings: Settings, client: str | None) -> Settings:
        if not self._lanes:
            return settings
        key = (settings, client)
        if key not in self._laned:
            more = tuple(lane for whose, lane in self._lanes if whose in (None, client))
            self._laned[key] = replace(settings, out_of_band=(*settings.out_of_band, *more)) if more else settings
        return self._laned[key]

    @property
    def locations(self) -> Collection[tuple[str | None, str]]:
        """The locations that have figures of their own, by client and name; without a client for those of all."""
        return self._places.keys()

    def out_of_band_cycles(self) -> set[str]:
        """The out-of-band cycles that the document names, anywhere."""
        places = [row for rows in (self.document["clients"], self.document["endpoints"]) for row in rows.values()]
        rows = [self.document, *places, *self._places.values()]
        return {str(lane["cycle"]) for row in rows for lane in row.get("out_of_band", ())}

    def _resolved(self, client: str | None, location: str | None, name: str | None) -> Settings:
        key = (client, location, name)
        found = self._settings.get(key)
        if found is None:
            figures = self._figures
            for dummy, override in self._overrides(client, location, name):
                figures = merged(figures, _by_kind(override))
            found = self._settings[key] = compile_settings(figures, self._base_dir)
        return found

    def _overrides(
        self, client: str | None, location: str | None, name: str | None
    ) -> list[tuple[str, Mapping[str, Any]]]:
        clients, endpoints = self._sections["clients"], self._sections["endpoints"]
        found: list[tuple[str, Mapping[str, Any]]] = []
        if client is not None and client in clients:
            found.append((f"clients.{client}.", clients[client]))
        if location is not None and (None, location) in self._places:
            found.append((f"locations.{location}.", self._places[None, location]))
        if client is not None and location is not None and (client, location) in self._places:
            found.append((f"locations.{client}.{location}.", self._places[client, location]))
        if name in endpoints:
            found.append((f"endpoints.{name}.", endpoints[name]))
        return found

    def _check_all(self) -> None:
        """Compile the document and each section now: an error in one shows when it is loaded, with its path."""
        self.settings()
        places: list[tuple[str | None, str | None, str | None]]
        places = [(client, None, None) for client in self._sections["clients"]]
        places += [(client, place, None) for client, place in self._places]
        places += [(None, None, name) for name in self._sections["endpoints"]]
        for place in places:
            path, override = self._overrides(*place)[-1]
            compile_settings(merged(self._figures, _by_kind(override)), self._base_dir, path)


def _by_kind(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the scope of the soak said for each kind, where it is one text for both: who overrides one of them says
    nothing of the other."""
    scope = figures.get("soak", {}).get("scope")
    return merged(figures, {"soak": {"scope": dict.fromkeys(KINDS, scope)}}) if isinstance(scope, str) else figures


def _places(locations: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str | None, str], Mapping[str, Any]]:
    """The overrides of locations by client and name; without a client where only the location is named."""
    figures = set(schema()["$defs"]["figureName"]["enum"])
    found: dict[tuple[str | None, str], Mapping[str, Any]] = {}
    for name, row in locations.items():
        if figures.issuperset(row):
            found[None, name] = row
        else:
            found.update({(name, place): override for place, override in row.items()})
    return found


def load_policy(document: Mapping[str, Any] | None, base_dir: Path | None = None) -> Policy:
    """The policy of a document, ``{}`` and None being the defaults; iCalendar files are read from ``base_dir``.

    Raises :class:`PolicyError`, which names the path of an unknown key or a bad value.
    """
    given = plain_document({} if document is None else document)
    _check(given)
    return Policy(merged(defaults(), given), base_dir)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` overridden by ``over``: mappings key by key, all else as a whole."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merged(below, value)
        result[key] = value
    return result


def _without_freezes(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_freezes(item) for key, item in value.items() if key != "freezes"}


def plain_document(value: Any, path: str = "") -> Any:
    """The document as JSON types: YAML turns dates into dates, and Ansible tags its texts."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise PolicyError(f"{path or 'the policy'}: the key {key!r} is no text; write it in quotes")
        return {str(key): plain_document(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_document(item, f"{path}[{number}]") for number, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, date):
        return value.isoformat()
    raise PolicyError(f"{path or 'the policy'} is {value!r}: JSON types are wanted")


@cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(schema())


def _check(document: Any) -> None:
    errors = sorted(
        _validator().iter_errors(document),
        key=lambda error: (len(error.absolute_path), str(error.absolute_path)),
    )
    if errors:
        raise PolicyError(_explain(errors[0]))


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _explain(error: Any) -> str:
    path = _path(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        return f"{path}.{error.instance}: unknown key; {_wanted(error)}"
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", ()))
        key = next(key for key in error.instance if key not in known)
        hint = suggestion(key, known) or f"; known are {', '.join(known)}"
        return f"{f'{path}.{key}' if path else key}: unknown key{hint}"
    value = json.dumps(error.instance, ensure_ascii=False)
    value = value if len(value) <= 80 else value[:77] + "..."
    return f"{path or 'the policy'} is {value}: {_wanted(error)}"


def _wanted(error: Any) -> str:
    rule, wanted = error.validator, error.validator_value
    if rule in ("enum", "const"):
        words = [str(word) for word in ([wanted] if rule == "const" else wanted)]
        hint = suggestion(error.instance, words) if isinstance(error.instance, str) else ""
        return f"one of {', '.join(words)} is wanted{hint}"
    about = error.schema.get("description", "")
    if rule == "type":
        quotes = " Write it in quotes." if wanted == "string" and isinstance(error.instance, int) else ""
        return f"{wanted} is wanted. {about}{quotes}".rstrip(" ")
    if rule == "pattern":
        return about or f"it does not match {wanted}"
    if rule == "required":
        return f"{', '.join(key for key in wanted if key not in error.instance)} is missing"
    if rule == "oneOf":
        return "either ics, or start and end together, is wanted"
    return str(error.message)


__all__ = ["Policy", "PolicyError", "Settings", "WindowSpec", "defaults", "load_policy", "merged", "schema"]
