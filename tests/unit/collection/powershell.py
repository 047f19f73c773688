# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads PowerShell as far as it can be read without PowerShell: its grammar, and hash tables of literals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_pwsh.language()))
WRAPPERS = frozenset({"pipeline", "pipeline_chain", "unary_expression"})
SHELLS = frozenset({"win_shell", "win_powershell", "raw"})
SCRIPTS = ("script", "cmd", "_raw_params")
CONSTANTS = {"$true": True, "$false": False, "$null": None}


def parse(path: Path) -> Node:
    return parse_text(path.read_text(encoding="utf-8"))


def parse_text(text: str) -> Node:
    return PARSER.parse(text.encode()).root_node


def embedded(value: Any) -> Iterator[str]:
    """The PowerShell in a playbook or a file of tasks: what its tasks hand to a shell on the endpoint."""
    if isinstance(value, list):
        for one in value:
            yield from embedded(one)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if str(key).rpartition(".")[2] in SHELLS:
                yield one if isinstance(one, str) else str(next((one[name] for name in SCRIPTS if name in one), ""))
            else:
                yield from embedded(one)


def faults(root: Node) -> list[str]:
    """Where the grammar does not fit, as line and text."""
    wrong = (node for node in _all(root) if node.is_error or node.is_missing)
    return [f"line {node.start_point.row + 1}: {_text(node)!r}" for node in wrong]


def assigned(root: Node, variable: str) -> Any:
    """The value of ``$variable = @{ … }``, of literals only, as Python has it."""
    for node in _all(root):
        if node.type == "assignment_expression" and _text(node.children[0]).strip() == variable:
            return _value(node.children[-1])
    raise LookupError(f"{variable} is not assigned")


def _value(node: Node) -> Any:
    match node.type:
        case "hash_literal_expression":
            return {_text(entry.children[0]): _value(entry.children[2]) for entry in _entries(node)}
        case "array_expression":
            return [item for one in _statements(node) for item in _items(one)]
        case "array_literal_expression":
            return [_value(child) for child in node.children if child.is_named]
        case "string_literal":
            return _text(node).strip("\"'")
        case "integer_literal":
            return int(_text(node))
        case "variable":
            return CONSTANTS[_text(node)]
    named = [child for child in node.children if child.is_named]
    if len(named) != 1:
        raise ValueError(f"{_text(node)!r} is no literal")
    return _value(named[0])


def _items(statement: Node) -> list[Any]:
    """What a statement adds to the array around it: ``1, 2`` two items, ``, @(1, 2)`` one that is an array."""
    while statement.type in WRAPPERS:
        (statement,) = (child for child in statement.children if child.is_named)
    if statement.type == "array_literal_expression":
        found: list[Any] = _value(statement)
        return found
    return [_value(statement)]


def _entries(table: Node) -> Iterator[Node]:
    for body in table.children:
        yield from (entry for entry in body.children if entry.type == "hash_entry")


def _statements(array: Node) -> Iterator[Node]:
    for block in array.children:
        if block.type == "statement_list":
            yield from (child for child in block.children if child.is_named)


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
