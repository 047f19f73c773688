# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that run on endpoints: their PowerShell parses, and takes what their documents promise.

Whether it is right only Windows can tell: the lab answers for these modules in Python.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.collection.commands import ROOT
from tests.unit.collection.powershell import assigned, embedded, faults, parse, parse_text
from tests.unit.collection.roles import WithUnsafe

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.ps1"))
GUIDED = re.compile(r"^```(?:powershell|pwsh|ps1)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = ("type", "elements", "required", "choices", "default")
"""What both a spec and a document say of an option, in the same words."""

module_by_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)


def documented(options: dict[str, Any]) -> dict[str, Any]:
    return {name: said(option, option.get("suboptions")) for name, option in options.items()}


def taken(options: dict[str, Any]) -> dict[str, Any]:
    return {name: said(option, option.get("options")) for name, option in options.items()}


def said(option: dict[str, Any], inner: dict[str, Any] | None) -> dict[str, Any]:
    found = {word: option[word] for word in WORDS if word in option}
    return found | ({"options": taken(inner) if "options" in option else documented(inner)} if inner else {})


@module_by_module
def test_it_parses(path: Path) -> None:
    assert faults(parse(path)) == []


@module_by_module
def test_it_takes_the_options_that_are_documented(path: Path) -> None:
    document = yaml.safe_load(path.with_suffix(".yml").read_text())["DOCUMENTATION"]
    assert document["module"] == path.stem
    assert taken(assigned(parse(path), "$spec")["options"]) == documented(document["options"])


@module_by_module
def test_it_changes_nothing_and_so_runs_in_check_mode(path: Path) -> None:
    assert assigned(parse(path), "$spec")["supports_check_mode"] is True
    document = yaml.safe_load(path.with_suffix(".yml").read_text())["DOCUMENTATION"]
    assert document["attributes"]["check_mode"]["support"] == "full"


@module_by_module
def test_who_asks_a_site_offers_tls_1_2(path: Path) -> None:
    """Windows PowerShell alone offers no more than 1.0 on Server 2012 R2 and 2016."""
    script = path.read_text()
    assert ("SecurityProtocolType]::Tls12" in script) == ("WebRequest]" in script)


def elsewhere() -> list[tuple[str, str]]:
    """The PowerShell that is in no file of its own: in tasks, and in guides for people to type."""
    found = []
    for path in (path for folder in ("roles", "playbooks", "molecule") for path in (ROOT / folder).rglob("*.yml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=WithUnsafe)  # noqa: S506 - safe, and one more tag
        found += [(str(path), text) for text in embedded(document)]
    for guide in (ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")):
        found += [(str(guide), text) for text in GUIDED.findall(guide.read_text(encoding="utf-8"))]
    return found


def test_powershell_elsewhere_parses_too() -> None:
    assert [(where, faults(parse_text(text))) for where, text in elsewhere() if faults(parse_text(text))] == []


def test_powershell_in_tasks_is_found() -> None:
    shell = {"ansible.windows.win_shell": "Get-Service |"}
    script = {"ansible.windows.win_powershell": {"script": "if ($true) { 1 }"}}
    found = list(embedded([{"tasks": [{"block": [shell]}, script, {"debug": {"msg": "Get-Service |"}}]}]))
    assert found == ["Get-Service |", "if ($true) { 1 }"]
    assert [bool(faults(parse_text(text))) for text in found] == [True, False]


def test_broken_powershell_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "broken.ps1"
    script.write_text('if ($true) { "a" \n$spec = @{ options = }\n')
    assert faults(parse(script))


def test_hash_tables_are_read_as_powershell_means_them(tmp_path: Path) -> None:
    script = tmp_path / "one.ps1"
    script.write_text(
        '$spec = @{\n a = @{ choices = "x", "y"; default = @(200); many = @(1, 2); yes = $true }\n'
        ' needed = @(\n  , @("type", "tcp", @("port"))\n  , @("type", "dns", @("record"))\n )\n}\n'
    )
    assert assigned(parse(script), "$spec") == {
        "a": {"choices": ["x", "y"], "default": [200], "many": [1, 2], "yes": True},
        "needed": [["type", "tcp", ["port"]], ["type", "dns", ["record"]]],
    }
