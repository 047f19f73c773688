# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter language of the two ConnectWise APIs: ``Client.Name = 'Acme' and (Id in (1,2) or Type like "%v%")``.

One grammar, two `Dialect`s. Automate writes paths with dots or slashes, dates bare, ``like`` with ``%``; PSA
writes references with slashes, dates in brackets, ``like`` with ``*`` or ``%``. Words compare without case, as
the databases behind both do. A field that rows do not have is an error in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from typing import Any, NoReturn

Row = Mapping[str, Any]
Predicate = Callable[[Row], bool]


class ConditionError(ValueError):
    """A condition that cannot be understood; the message says where."""


@dataclass(frozen=True)
class Dialect:
    """``separators`` part the steps of a path, ``wildcards`` are those of ``like``."""

    separators: str
    wildcards: str
    date_brackets: bool


AUTOMATE = Dialect(separators="./", wildcards="%", date_brackets=False)
PSA = Dialect(separators="/", wildcards="*%", date_brackets=True)

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?)
    | \[(?P<bracket>[^\]]*)\]
    | (?P<number>[+-]?\d+(?:\.\d+)?)(?![\w.])
    | "(?P<double>(?:[^"\\]|\\.|"")*)"
    | '(?P<single>(?:[^']|'')*)'
    | (?P<operator><=|>=|!=|<>|==|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[A-Za-z_][\w./]*)
    )""",
    re.VERBOSE,
)
_OPERATORS = {"eq": "=", "==": "=", "<>": "!=", "neq": "!="}
_COMPARES = ("=", "!=", "<", "<=", ">", ">=")
_ISO = re.compile(r"^\d{4}-\d\d-\d\d([T ].*)?$")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ConditionError(f"unexpected {text[position:].strip()[:20]!r} at {position} in {text!r}")
        value = match[match.lastgroup]
        if match.lastgroup == "double":
            value = value.replace('""', '"').replace('\\"', '"')
        if match.lastgroup == "single":
            value = value.replace("''", "'")
        kind = "text" if match.lastgroup in ("double", "single") else match.lastgroup
        found.append(_Token(kind, value, match.start(match.lastgroup)))
        position = match.end()
    return [*found, _Token("end", "", len(text))]


def compile_condition(text: str, dialect: Dialect, fields: Sequence[str] | None = None) -> Predicate:
    """A predicate over rows. ``fields``: the top-level names there are; without, each row tells for itself."""
    return _Parser(text, dialect, fields).parse()


class _Parser:
    def __init__(self, text: str, dialect: Dialect, fields: Sequence[str] | None) -> None:
        self._text = text
        self._dialect = dialect
        self._fields = None if fields is None else {name.lower() for name in fields}
        self._tokens = _tokens(text)
        self._next = 0

    def parse(self) -> Predicate:
        predicate = self._either()
        if self._peek().kind != "end":
            self._fail("the end, and or or")
        return predicate

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _word(self, *words: str) -> str | None:
        token = self._peek()
        if token.kind == "word" and token.text.lower() in words:
            return self._take().text.lower()
        return None

    def _mark(self, mark: str) -> bool:
        token = self._peek()
        if token.kind == "mark" and token.text == mark:
            self._take()
            return True
        return False

    def _fail(self, wanted: str) -> NoReturn:
        token = self._peek()
        raise ConditionError(f"expected {wanted} at {token.at}, found {token.text!r}, in {self._text!r}")

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._word("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Predicate:
        if self._word("not"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._mark("("):
            predicate = self._either()
            if not self._mark(")"):
                self._fail("a closing parenthesis")
            return predicate
        return self._comparison()

    def _comparison(self) -> Predicate:
        if self._peek().kind != "word":
            self._fail("a field name")
        read = self._path(self._take().text)
        negated = self._word("not") is not None
        operator = self._word("like", "contains", "in") or (None if negated else self._compare_operator())
        if operator is None:
            self._fail("like, contains or in" if negated else "an operator")
        if operator == "in":
            wanted = self._list()
            test: Callable[[Any], bool] = lambda value: any(_equal(value, one) for one in wanted)  # noqa: E731
        else:
            test = self._test(operator, self._value())
        return (lambda row: not test(read(row))) if negated else (lambda row: test(read(row)))

    def _compare_operator(self) -> str | None:
        token = self._peek()
        name = _OPERATORS.get(token.text.lower(), token.text)
        if name in _COMPARES and token.kind in ("operator", "word"):
            self._take()
            return name
        return None

    def _list(self) -> list[Any]:
        if not self._mark("("):
            self._fail("an opening parenthesis")
        values = [self._value()]
        while self._mark(","):
            values.append(self._value())
        if not self._mark(")"):
            self._fail("a comma or a closing parenthesis")
        return values

    def _value(self) -> Any:
        token = self._take()
        if token.kind == "text":
            return token.text
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind == "bracket" and self._dialect.date_brackets:
            return _instant(token.text) or self._bad(token, "an ISO date in brackets")
        if token.kind == "date" and not self._dialect.date_brackets:
            return _instant(token.text) or self._bad(token, "an ISO date")
        if token.kind == "word" and token.text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token.text.lower()]
        return self._bad(token, "a value (texts in quotes)")

    def _bad(self, token: _Token, wanted: str) -> NoReturn:
        raise ConditionError(f"expected {wanted} at {token.at}, found {token.text!r}, in {self._text!r}")

    def _test(self, operator: str, wanted: Any) -> Callable[[Any], bool]:
        if operator == "like":
            matches = _like(str(wanted), self._dialect.wildcards)
            return lambda value: any(matches.match(_text(item)) for item in _items(value))
        if operator == "contains":
            return lambda value: _contains(value, wanted)
        if operator == "=":
            return lambda value: _equal(value, wanted)
        if operator == "!=":
            return lambda value: not _equal(value, wanted)
        return lambda value: _ordered(value, wanted, operator)

    def _path(self, text: str) -> Callable[[Row], Any]:
        """Reads a nested field without regard to case, through lists too (any element may match)."""
        steps = re.split(f"[{re.escape(self._dialect.separators)}]", text)
        if self._fields is not None and steps[0].lower() not in self._fields:
            raise ConditionError(f"there is no field {text!r}")
        spelled: dict[int, str] = {}

        def read(row: Any, depth: int = 0) -> Any:
            if depth == len(steps) or row is None:
                return row
            if isinstance(row, list):
                return [read(item, depth) for item in row]
            if not isinstance(row, Mapping):
                raise ConditionError(f"{text!r}: {steps[depth - 1]} has no fields of its own")
            name = spelled.get(depth)
            if name is None or name not in row:
                name = next((key for key in row if key.lower() == steps[depth].lower()), None)
                if name is None:
                    raise ConditionError(f"there is no field {text!r}")
                spelled[depth] = name
            return read(row[name], depth + 1)

        return read


def _like(pattern: str, wildcards: str) -> re.Pattern[str]:
    escaped = "".join("*" if char in wildcards else f"[{char}]" if char in "*?[" else char for char in pattern)
    return re.compile(translate(escaped), re.IGNORECASE)


def _items(value: Any) -> list[Any]:
    """The elements of a list; a lone value stands for itself, null for nothing."""
    return [item for item in (value if isinstance(value, list) else [value]) if item is not None]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(item, wanted) for item in value)
    return value is not None and _text(wanted).lower() in _text(value).lower()


def _instant(value: Any) -> datetime | None:
    """A date without a zone is UTC."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _ISO.match(value):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        return parsed.replace(tzinfo=parsed.tzinfo or UTC)
    return None


def _pair(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    """Both as instants, numbers or lower-case texts, whichever they have in common."""
    if isinstance(wanted, datetime) or _instant(value) is not None:
        moments = _instant(value), _instant(wanted)
        return None if None in moments else moments
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _text(value).lower(), _text(wanted).lower()
    if isinstance(wanted, int | float) or isinstance(value, int | float):
        try:
            return float(value), float(wanted)
        except (TypeError, ValueError):
            return None
    return _text(value).lower(), _text(wanted).lower()


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(item, wanted) for item in value)
    if value is None or wanted is None:
        return value is wanted
    pair = _pair(value, wanted)
    if pair is None:
        return False
    if isinstance(pair[0], datetime) and isinstance(wanted, str) and len(wanted) == 10:
        return bool(pair[1] <= pair[0] < pair[1] + timedelta(days=1))
    return bool(pair[0] == pair[1])


def _ordered(value: Any, wanted: Any, operator: str) -> bool:
    if isinstance(value, list):
        return any(_ordered(item, wanted, operator) for item in value)
    pair = None if value is None or wanted is None else _pair(value, wanted)
    if pair is None:
        return False
    left, right = pair
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])
