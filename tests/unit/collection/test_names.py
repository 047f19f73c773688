# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-test refuses most often, said in a second: sanity says it too, minutes later."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.gates.tree import tracked
from tests.unit.collection.commands import ROOT

REFUSED = frozenset({"_", "foo", "bar", "baz", "toto", "tutu", "tata"})
"""What is thrown away is called `dummy`, or by what it is with a `_` before it."""

QUOTES = frozenset("\u2018\u2019\u201c\u201d")
"""Typographic ones; written as \\u201c and so on where a test needs them."""


def bound(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that the code gives to something, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def test_no_name_is_one_that_ansible_test_refuses() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for folder in ("plugins", "lab", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name, line in bound(ast.parse(path.read_text(encoding="utf-8")))
        if name in REFUSED
    ]
    assert found == []


def test_no_text_has_quotes_that_ansible_test_refuses() -> None:
    found = []
    for name in tracked():
        try:
            lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # a picture
            continue
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if set(line) & QUOTES]
    assert found == []


def test_each_way_to_give_a_name_is_seen() -> None:
    text = "for _ in x: pass\nlambda bar: 1\n[foo for foo in x]\ndef baz(*, toto=1): pass\nx, _ = y\n"
    assert [name for name, _line in sorted(bound(ast.parse(text)), key=lambda one: one[1])] == [
        "_", "bar", "foo", "baz", "toto", "x", "_",
    ]  # fmt: skip
