# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever has to be installed has a reason, and is used by the part that asks for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata

import pytest
import yaml

from ansible_collections.msp.patching.plugins.plugin_utils import requirements
from tests.unit.collection.commands import ROOT

OPTIONAL = ["requirements-postgresql.txt", "requirements-s3.txt"]
FILES = {
    "requirements.txt": "plugins",
    **dict.fromkeys(OPTIONAL, "plugins"),
    "lab/requirements.txt": "lab",
    "tests/requirements.txt": "tests",
}
OF_THE_IMPORTER = "tests/requirements-importer.txt"
"""In an environment of its own."""
WITHOUT_IMPORT = {
    "ansible-builder": "a test starts its command",
    "pywinrm": "ansible's connection plugin imports it",
    "tzdata": "the standard library reads its files",
    "pytest-xdist": "an option of pytest",
    "myst-parser": "an extension that Sphinx is told of in docs/docsite",
}
TYPES = "types-"
ON_PURPOSE = {"awx.awx": "only the role awx_setup wants it, and docs/awx.md says how to get it"}
"""Collections that are used and are no dependency."""
LINE = re.compile(r"(?P<name>[\w.-]+)(?:\[\w+\])?(?P<version>[=><~!][^ ]*)?(?P<marker> *;[^#]*)?(?P<reason> +#.+)?")


def lines(file: str) -> list[re.Match[str]]:
    found = []
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match, f"{file}: {line}"
            found.append(match)
    return found


def every_line() -> list[tuple[str, str]]:
    return [(file, match["name"]) for file in FILES for match in lines(file)]


@cache
def imported(folder: str) -> frozenset[str]:
    """The names of the top-level modules that the folder's files import, or fetch by name at first use."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and path.stem == "requirements":
                found.add(node.value.split(".")[0])
    return frozenset(found)


@cache
def installed() -> Mapping[str, list[str]]:
    """By top-level module, the distributions that it is of."""
    return metadata.packages_distributions()


def commands(distribution: str) -> set[str]:
    points = metadata.distribution(distribution).entry_points
    return {point.name for point in points if point.group == "console_scripts"} | {distribution}


@pytest.mark.parametrize("file", [*FILES, OF_THE_IMPORTER])
def test_every_line_has_a_reason(file: str) -> None:
    assert [match["name"] for match in lines(file) if not match["reason"]] == []


@pytest.mark.parametrize("file", [*FILES, OF_THE_IMPORTER])
def test_every_line_says_which_version(file: str) -> None:
    assert [match["name"] for match in lines(file) if not match["version"]] == []


@pytest.mark.parametrize(("file", "name"), every_line())
def test_every_line_is_used(file: str, name: str) -> None:
    if name in WITHOUT_IMPORT:
        return
    folders = {FILES[file], *(["plugins", "lab"] if file == "tests/requirements.txt" else [])}
    modules = {module for module, names in installed().items() if name in names}
    if name.startswith(TYPES):
        modules = {path.parts[0].removesuffix("-stubs") for path in metadata.files(name) or [] if "-stubs" in str(path)}
    if any(modules & imported(folder) for folder in folders):
        return
    words = set(re.findall(r"[\w-]+", (ROOT / "Makefile").read_text()))
    assert commands(name) & words, f"nothing in {', '.join(folders)} imports it, and the Makefile does not run it"


@pytest.mark.parametrize(("file", "folder"), FILES.items())
def test_what_is_imported_from_outside_is_asked_for(file: str, folder: str) -> None:
    """By the same file, by one it comes on top of, or it comes with something that is."""
    beneath = {"requirements.txt": OPTIONAL, "lab/requirements.txt": ["requirements.txt"]}
    asked = {match["name"].lower() for one in [file, *beneath.get(file, FILES)] for match in lines(one)}
    asked |= {"ansible", "ansible-core"}
    comes_along = {name for one in asked for name in needs(one)}
    known = installed()
    missing = {
        module
        for module in imported(folder) & set(known)
        if not {one.lower() for one in known[module]} & (asked | comes_along)
    }
    assert missing == set()


def needs(distribution: str) -> set[str]:
    try:
        wanted = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:  # asked for on other versions of Python
        return set()
    return {re.split(r"[^\w.-]", one, maxsplit=1)[0].lower() for one in wanted}


def test_the_collections_that_roles_use_are_the_dependencies() -> None:
    used: set[str] = set()
    for path in (*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")):
        used |= set(re.findall(r"^\s+(\w+\.\w+)\.\w+:", path.read_text(), re.MULTILINE))
    depends = set(yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"])
    # an endpoint's step calls modules by name
    calls = (ROOT / "plugins" / "plugin_utils" / "planning" / "calls.py").read_text()
    used |= set(re.findall(r'Call\(\s*"(\w+\.\w+)\.\w+"', calls))
    assert used - {"msp.patching", "ansible.builtin"} - depends == ON_PURPOSE.keys()
    assert depends - used == set()


def test_what_only_some_need_is_named_with_its_file() -> None:
    asked = {match["name"]: file for file in OPTIONAL for match in lines(file)}
    assert asked.items() <= requirements.OPTIONAL.items()
    assert set(asked.values()) == set(requirements.OPTIONAL.values())
    assert set(requirements.OPTIONAL) <= set(requirements.LIBRARIES)
