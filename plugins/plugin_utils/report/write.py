# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's files in a folder: each written whole or not at all, and left alone where it is the same already."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..account import Account, Scope
from ..errors import PatchingError
from ..flow.records import KINDS, RINGS
from . import assessment, figures, words
from .render import MEDIA, Made, rendered


class ReportError(PatchingError):
    """The report cannot be made as it was asked for; the text names the option or the folder."""


@dataclass(slots=True)
class Written:
    """What was made: a row a file (`path`, `format`, `size`, `sha256`), whether any is new, and what could not be
    made, a sentence each."""

    files: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False
    problems: list[str] = field(default_factory=list)


FORMATS = (*MEDIA, assessment.FORMAT)
Also = Callable[[Sequence[Mapping[str, Any]]], Iterable[Made]]
"""Makes the files of a format that points to the others: it gets the rows of those that are there."""
NONE: Mapping[str, Also] = MappingProxyType({})


def check(scope: Scope, formats: Sequence[str], known: Sequence[str] = FORMATS) -> None:
    """Raises ReportError for a ring, a kind or a format that there is not, before anything is read."""
    for name, value, right in (("ring", scope.ring, RINGS), ("kind", scope.kind, KINDS)):
        if value is not None and value not in right:
            raise ReportError(f"{name} is {value!r}: one of {', '.join(right)} is wanted")
    for one in formats:
        if one not in known:
            raise ReportError(f"formats has {one!r}: of {', '.join(known)} one or more are wanted")
    if not formats:
        raise ReportError(f"formats is empty: of {', '.join(known)} one or more are wanted")


def write(
    account: Account,
    dest: Path,
    formats: Sequence[str],
    *,
    tell: Callable[[str], None],
    dry: bool = False,
    also: Mapping[str, Also] = NONE,
) -> Written:
    """Make the files of `formats` in `dest`; `tell` is told of each as it is there. With `dry`, nothing is written.
    `also` makes formats that are no rendering of the report, after the others.

    A format that cannot be made keeps no other from being made. Raises ReportError where `dest` is no folder that
    can be written.
    """
    found = Written()
    if not dry:
        _folder(dest)
    for one in sorted(formats, key=also.__contains__):
        try:
            for made in also[one](tuple(found.files)) if one in also else rendered(account, [one]):
                _take(found, made, dest, dry=dry)
                tell(f"{'would be ' if dry else ''}{dest / made.name}, {size(len(made.content))}")
        except OSError as exc:
            raise ReportError(f"dest is {str(dest)!r}: it cannot be written ({exc.strerror or exc})") from exc
        except PatchingError as exc:
            found.problems.append(f"{one}: {exc}")
    return found


def summary(account: Account, written: Written, dest: Path, *, dry: bool = False) -> str:
    """The one line for a log."""
    compliant = figures.standing(account.endpoints).compliance
    open_ = sum(one.cause is None for one in account.failures)
    overdue = figures.correcting(account.flaws).overdue
    parts = [
        f"{words.of(compliant)} endpoints compliant ({words.percent(compliant)})",
        f"{words.count(overdue, 'flaw')} overdue",
        f"{words.count(open_, 'failure')} without a cause",
        f"{words.count(len(written.files), 'file')} {'would be ' if dry else ''}in {dest}",
    ]
    parts += ["COULD NOT BE MADE: " + "; ".join(written.problems)] if written.problems else []
    return f"Report {account.scope}: " + ", ".join(parts)


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count // 1000, 1)} kB"


def _folder(dest: Path) -> None:
    try:
        dest.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ReportError(f"dest is {str(dest)!r}: no folder can be made there ({exc.strerror})") from exc


def _take(found: Written, made: Made, dest: Path, *, dry: bool) -> None:
    path = dest / made.name
    same = path.is_file() and path.read_bytes() == made.content
    if not same:
        found.changed = True
        if not dry:
            _write(path, made.content)
    sha256 = hashlib.sha256(made.content).hexdigest()
    found.files.append({"path": str(path), "format": made.format, "size": len(made.content), "sha256": sha256})


def _write(path: Path, content: bytes) -> None:
    """Beside it first, then in its place: whoever reads it meanwhile has the old or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
