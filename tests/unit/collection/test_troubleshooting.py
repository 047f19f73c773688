# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The troubleshooting guide quotes the collection's own words: each of them is said somewhere in the code, and no kind
of error that stops a run or keeps something waiting is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.unit.collection.commands import ROOT

GUIDE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", GUIDE, re.MULTILINE)
GAP = "…"
SAY_IT_THEMSELVES = frozenset(
    {"AccountError", "CalendarError", "DecisionError", "EventError", "LayoutError", "NoTicketError", "PolicyError"}
    | {"AnswerError", "OscalError", "RecordError", "ReportError", "DocumentError", "ScheduleError"}
)
"""Of what somebody typed or asked for, with what would be right; or told by another that is in the guide."""


def said(node: ast.AST) -> str | None:
    """The text of a literal, with a gap for each value in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
    return None


@cache
def trees() -> tuple[ast.AST, ...]:
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "plugins").rglob("*.py")))


@cache
def everything_said() -> tuple[str, ...]:
    texts = [text for tree in trees() for node in ast.walk(tree) if (text := said(node))]
    return (*texts, *(" ".join(path.read_text().split()) for path in (ROOT / "roles").rglob("*.yml")))


@cache
def pattern(quote: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part.strip()) for part in quote.split(GAP) if part.strip()), re.DOTALL)


def is_said(quote: str) -> bool:
    return any(pattern(quote).search(text) for text in everything_said())


def test_there_are_symptoms() -> None:
    assert len(QUOTED) > 60


@pytest.mark.parametrize("quote", QUOTED)
def test_each_quoted_message_is_in_the_code(quote: str) -> None:
    assert is_said(quote)


def test_a_message_that_nobody_says_is_noticed() -> None:
    assert not is_said("the ledger at … is on holiday")


def kinds_of_error() -> set[str]:
    """The names of all exceptions that descend from ours."""
    parents = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"PatchingError"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


def messages() -> Iterator[tuple[str, str]]:
    """The kind and the text of each error that is raised."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                for argument in node.exc.args:
                    if text := said(argument):
                        yield ast.unparse(node.exc.func).rpartition(".")[2], text


def test_every_kind_of_error_is_in_the_guide() -> None:
    ours = kinds_of_error()
    raised = {kind for kind, _text in messages() if kind in ours}
    told = {kind for kind, text in messages() if any(pattern(quote).search(text) for quote in QUOTED)}
    assert raised - told - SAY_IT_THEMSELVES == set()
    assert raised >= SAY_IT_THEMSELVES, "the list names kinds that nobody raises"


def test_the_table_of_exit_states_has_those_that_the_collection_gives() -> None:
    callback = (ROOT / "plugins" / "callback" / "evidence.py").read_text(encoding="utf-8")
    given = {int(status) for status in re.findall(r"^(?:RED|NO_HOSTS) = (\d+)$", callback, re.MULTILINE)}
    assert given == {2, 4}
    listed = {
        int(status) for cell in re.findall(r"^\| ([\d, ]+) \|", GUIDE, re.MULTILINE) for status in cell.split(",")
    }
    assert listed >= given | {0, 99}
