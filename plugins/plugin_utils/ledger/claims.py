# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at what, of runs side by side: a run claims endpoints, and redundancy groups it reboots one of.

A claim ends when its run gives it up, when its time passes, or when its process is gone and we can tell: a run that
was killed keeps the next one on the same machine from nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..requirements import sqlalchemy as sa
from .event import text_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Holder:
    """A run and the process that it is; `began` tells processes apart that had one number, empty where unknown."""

    run: str
    host: str
    pid: int
    began: str

    @classmethod
    def of_this_process(cls, run: str) -> Holder:
        return cls.of_process(run, os.getpid())

    @classmethod
    def of_process(cls, run: str, pid: int) -> Holder:
        """A process of this machine."""
        return cls(run, socket.gethostname(), pid, _began(pid))

    @classmethod
    def parse(cls, text: str) -> Holder:
        run, host, pid, began = text.split("/")
        return cls(run, host, int(pid), began)

    def __str__(self) -> str:
        return f"{self.run}/{self.host}/{self.pid}/{self.began}"

    def in_words(self) -> str:
        return f"run {self.run[:8]} (process {self.pid} on {self.host})"

    def is_gone(self) -> bool:
        """Whether the process certainly is no more; of another host's nobody can tell."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return self.began != _began(self.pid)


def lease(
    connection: Connection, leases: Table, name: str, holder: Holder | str, now: datetime, until: datetime
) -> bool:
    """Make the thing `name` that of `holder` until that instant; gives False where somebody else has it."""
    there = connection.execute(sa.select(leases).where(leases.c.name == name)).first()
    if there and there.until > text_of(now) and there.holder != str(holder) and not has_died(there.holder):
        return False
    connection.execute(sa.delete(leases).where(leases.c.name == name))
    connection.execute(sa.insert(leases), {"name": name, "holder": str(holder), "until": text_of(until)})
    return True


def has_died(holder: str) -> bool:
    """Whether the holder of a lease, as it is written, is a process that certainly is no more."""
    try:
        return Holder.parse(holder).is_gone()
    except ValueError:
        return False  # it says nothing of a process


def _began(pid: int) -> str:
    """When a process began, in ticks since the machine's boot; empty where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def claim(
    connection: Connection, leases: Table, names: Collection[str], holder: Holder, now: datetime, until: datetime
) -> dict[str, Holder]:
    """Make the claims of `holder` be `names`, less those that somebody else has; gives these and whose they are."""
    me = str(holder)
    connection.execute(sa.delete(leases).where(leases.c.holder == me))
    taken: dict[str, Holder] = {}
    over = []
    wanted = sorted(set(names))
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(leases).where(leases.c.name.in_(wanted[start : start + CHUNK]))
        for row in connection.execute(query).mappings():
            other = Holder.parse(row["holder"])
            if row["until"] <= text_of(now) or other.is_gone():
                over.append(row["name"])
            else:
                taken[row["name"]] = other
    for start in range(0, len(over), CHUNK):
        connection.execute(sa.delete(leases).where(leases.c.name.in_(over[start : start + CHUNK])))
    mine = [{"name": name, "holder": me, "until": text_of(until)} for name in wanted if name not in taken]
    if mine:
        connection.execute(sa.insert(leases), mine)
    return taken
