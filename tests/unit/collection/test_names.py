# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that ansible-test's pylint refuses, said in a second: sanity says it too, a minute and a half later."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.unit.collection.commands import ROOT

REFUSED = frozenset({"_", "foo", "bar", "baz", "toto", "tutu", "tata"})
"""What is thrown away is called `dummy`, or by what it is with a `_` before it."""


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


def test_each_way_to_give_a_name_is_seen() -> None:
    text = "for _ in x: pass\nlambda bar: 1\n[foo for foo in x]\ndef baz(*, toto=1): pass\nx, _ = y\n"
    assert [name for name, _line in sorted(bound(ast.parse(text)), key=lambda one: one[1])] == [
        "_", "bar", "foo", "baz", "toto", "x", "_",
    ]  # fmt: skip
