# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a role of the collection as far as its variables go: what its tasks use, set and hand to other roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, meta

ROOT = Path(__file__).parent.parent.parent.parent
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
EXPRESSIONS = frozenset({"when", "failed_when", "changed_when", "until", "that", "loop"})
"""Keywords of a task whose text is an expression without braces (a loop's has them: both readings are tried)."""
BLOCKS = ("block", "rescue", "always")
INCLUDES = ("import_role", "include_role")
OF_ANSIBLE = frozenset(
    {
        "inventory_hostname",
        "omit",
        "hostvars",
        "groups",
        "ansible_play_hosts",
        "ansible_check_mode",
        "lookup",
        "query",
        "undef",
    }
)


class AnyFilter(dict[str, Any]):
    """Ansible's filters and tests: which there are is not asked here."""

    def get(self, _name: str, _default: Any = None) -> Any:
        return str


class WithUnsafe(yaml.SafeLoader):
    """``!unsafe`` text is no template, and reads no variable."""


WithUnsafe.add_constructor("!unsafe", lambda _loader, _node: "")
TEMPLATES = Environment(autoescape=True)
TEMPLATES.filters = TEMPLATES.tests = AnyFilter()


@dataclass(frozen=True)
class RoleCall:
    """A task that hands over to another role: `variables` are those it sets for it."""

    where: str
    role: str
    entry: str
    variables: frozenset[str]


@dataclass(frozen=True)
class Role:
    name: str

    @property
    def folder(self) -> Path:
        return ROOT / "roles" / self.name

    @cached_property
    def specs(self) -> dict[str, Any]:
        """The options of each entry point."""
        document = yaml.safe_load((self.folder / "meta" / "argument_specs.yml").read_text())
        return {entry: spec.get("options", {}) for entry, spec in document["argument_specs"].items()}

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option of every entry point."""
        return {name: option for options in self.specs.values() for name, option in options.items()}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        path = self.folder / "defaults" / "main.yml"
        return yaml.safe_load(path.read_text()) if path.exists() else {}

    @cached_property
    def tasks(self) -> list[tuple[str, dict[str, Any]]]:
        """Every task of every file, those in blocks too, each with the name of its file."""
        found = []
        for path in sorted((self.folder / "tasks").rglob("*.yml")):
            found += [(str(path.relative_to(ROOT)), task) for task in _flat(yaml.safe_load(path.read_text()))]
        return found

    @cached_property
    def constants(self) -> dict[str, Any]:
        """What the role sets itself, once and for all."""
        found: dict[str, Any] = {}
        for path in sorted((self.folder / "vars").rglob("*.yml")):
            found |= yaml.load(path.read_text(), Loader=WithUnsafe)  # noqa: S506 - a safe loader, and one more tag
        return found

    @cached_property
    def used(self) -> set[str]:
        """Every variable that a task reads, or a constant of the role."""
        read = [task for _where, task in self.tasks]
        return (names_in(read, None) | names_in(self.constants, None)) - OF_ANSIBLE

    @cached_property
    def given(self) -> set[str]:
        """Every variable that a task of the role sets itself."""
        found: set[str] = set(self.constants)
        for _where, task in self.tasks:
            found |= set(task.get("vars", {})) | set(task.get("ansible.builtin.set_fact", {}))
            found |= {task["register"]} if "register" in task else set()
            found |= {task["loop_control"]["loop_var"]} if "loop_var" in task.get("loop_control", {}) else set()
            found |= {"item"} if "loop" in task else set()
        return found

    @cached_property
    def calls(self) -> list[RoleCall]:
        found = []
        for where, task in self.tasks:
            for include in (task[key] for word in INCLUDES for key in (word, f"ansible.builtin.{word}") if key in task):
                name = include["name"].removeprefix("msp.patching.")
                found.append(RoleCall(where, name, include.get("tasks_from", "main"), frozenset(task.get("vars", {}))))
        return found


def _flat(tasks: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    for task in tasks or []:
        yield task
        for word in BLOCKS:
            yield from _flat(task.get(word))


def names_in(value: Any, keyword: str | None) -> set[str]:
    """The variables in the templates and expressions of `value`, which stands under `keyword`."""
    if isinstance(value, Mapping):
        return {
            name
            for key, one in value.items()
            if key not in ("block", "rescue", "always")
            for name in names_in(one, key)
        }
    if isinstance(value, list):
        return {name for one in value for name in names_in(one, keyword)}
    if not isinstance(value, str):
        return set()
    if keyword in EXPRESSIONS and "{{" not in value:
        value = "{{ " + value + " }}"
    return meta.find_undeclared_variables(TEMPLATES.parse(value))
