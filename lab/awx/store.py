# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab's AWX keeps its objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import NotThereError, RefusedError
from .kinds import KINDS, Kind

Row = dict[str, Any]
OF_AWX = (
    ("Machine", "ssh", ("username", "password")),
    ("Source Control", "scm", ("username", "password", "ssh_key_data")),
    ("Vault", "vault", ("vault_password", "vault_id")),
    ("Ansible Galaxy/Automation Hub API Token", "galaxy", ("url", "auth_url", "token")),
    ("Container Registry", "registry", ("host", "username", "password")),
)
"""Credential types that AWX brings along: name, kind, inputs."""
SECRETS = frozenset({"password", "ssh_key_data", "vault_password", "token"})


class Store:
    """Objects by kind and id; ids count on over all kinds, as those of templates do in AWX."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {kind.path: kind for kind in KINDS}
        self._rows: dict[str, dict[int, Row]] = {path: {} for path in self.kinds}
        self._lists: dict[tuple[str, int, str], list[int]] = {}
        self._surveys: dict[int, dict[str, Any]] = {}
        self._last = 0
        self._seed()

    def _seed(self) -> None:
        default = self.add("organizations", {"name": "Default"})
        self.add("instance_groups", {"name": "default"})
        self.add("execution_environments", {"name": "AWX EE (latest)", "image": "awx-ee:latest"})
        for name, kind, inputs in OF_AWX:
            fields = [{"id": one, "label": one, "type": "string", "secret": one in SECRETS} for one in inputs]
            self.add("credential_types", {"name": name, "kind": kind, "managed": True, "inputs": {"fields": fields}})
        galaxy = next(row for row in self.rows("credential_types") if row["kind"] == "galaxy")
        told = {
            "name": "Ansible Galaxy",
            "credential_type": galaxy["id"],
            "inputs": {"url": "https://galaxy.ansible.com/"},
        }
        self.members("organizations", default["id"], "galaxy_credentials").append(self.add("credentials", told)["id"])

    def add(self, path: str, given: Mapping[str, Any]) -> Row:
        kind = self.kinds[path]
        self._last += 1
        row = {"id": self._last, "type": kind.type, "name": given.get("name", ""), **kind.fields}
        row |= {name: value for name, value in given.items() if name in row}
        self._rows[path][row["id"]] = row
        return row

    def replace(self, path: str, row: Row) -> None:
        self._rows[path][row["id"]] = row

    def remove(self, path: str, number: int) -> None:
        self.get(path, number)
        del self._rows[path][number]
        for (_path, _owner, name), members in self._lists.items():
            if self.kinds[_path].lists[name] == path and number in members:
                members.remove(number)

    def get(self, path: str, number: Any) -> Row:
        try:
            return self._rows[path][int(number)]
        except (KeyError, ValueError, TypeError):
            raise NotThereError from None

    def rows(self, path: str) -> list[Row]:
        if path == "unified_job_templates":
            return [row for kind in KINDS if kind.launched for row in self._rows[kind.path].values()]
        return list(self._rows[path].values())

    def template(self, number: Any) -> Row:
        """Anything that can be launched, by id."""
        for row in self.rows("unified_job_templates"):
            if row["id"] == number:
                return row
        raise RefusedError("unified_job_template", f'Invalid pk "{number}" - object does not exist.')

    def path_of(self, row: Row) -> str:
        return next(kind.path for kind in KINDS if kind.type == row["type"])

    def members(self, path: str, number: int, name: str) -> list[int]:
        """The ids in a list that hangs on an object: the list itself."""
        self.get(path, number)
        if name not in self.kinds[path].lists:
            raise NotThereError
        return self._lists.setdefault((path, number, name), [])

    def survey(self, template: Row) -> dict[str, Any]:
        return self._surveys.get(template["id"], {})

    def set_survey(self, template: Row, spec: dict[str, Any] | None) -> None:
        if spec is None:
            self._surveys.pop(template["id"], None)
        else:
            self._surveys[template["id"]] = spec

    def matching(self, path: str, query: Mapping[str, str]) -> Iterator[Row]:
        """As AWX's filters: all words have to fit, and one of those that begin with or__."""
        wanted = {name: value for name, value in query.items() if name not in ("page", "page_size", "order_by")}
        either = {name.removeprefix("or__"): value for name, value in wanted.items() if name.startswith("or__")}
        both = {name: value for name, value in wanted.items() if not name.startswith("or__")}
        for row in self.rows(path):
            for name in wanted:
                if name.removeprefix("or__") not in row and name != "organization":
                    raise RefusedError("detail", f"{row['type']} has no field named '{name}'")
            if any(not _same(row.get(name), value) for name, value in both.items()):
                continue
            if either and not any(_same(row.get(name), value) for name, value in either.items()):
                continue
            yield row


def _same(value: Any, text: str) -> bool:
    return str(value).lower() == text.lower() if isinstance(value, bool) else str(value) == text
