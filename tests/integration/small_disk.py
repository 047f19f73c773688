# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small disk of one test's own: it fills up and becomes read-only for root as well, whom no permission stops.

It is mounted in a mount namespace that a sleeping process holds; runs enter it, the test looks in through ``/proc``.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WAYS = (["unshare", "-m"], ["unshare", "-rm"])
"""As root, and as anybody where the kernel lets everybody have namespaces."""


@dataclass(frozen=True)
class SmallDisk:
    """Mounted at `place` for those who are `inside`."""

    place: Path
    holder: int
    enter: Sequence[str]

    @property
    def seen(self) -> Path:
        """The same folder, for those outside."""
        return Path(f"/proc/{self.holder}/root{self.place}")

    def inside(self, folder: Path) -> list[str]:
        """What a command is started by, so that it is inside, in the working directory `folder`."""
        return [*self.enter, "sh", "-c", 'cd "$0" && exec "$@"', str(folder)]

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """From when nothing is being written."""
        end = time.monotonic() + 30
        while not self._mounted("ro"):
            assert time.monotonic() < end, "something is always being written"
            time.sleep(0.05)
        yield
        assert self._mounted("rw")

    def _mounted(self, how: str) -> bool:
        command = [*self.enter, "mount", "-o", f"remount,{how}", str(self.place)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @contextmanager
    def full(self) -> Iterator[None]:
        """To the last byte."""
        filler = self.seen / "filler"
        with filler.open("wb", buffering=0) as file:
            size = 1 << 16
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2
        yield
        filler.unlink()


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[SmallDisk | None]:
    """None where this machine lets nobody mount."""
    place.mkdir(parents=True)
    script = f"mount -t tmpfs -o size={size} tmpfs '{place}' && echo there && exec sleep 900"
    for way in WAYS:
        holder = subprocess.Popen(
            [*way, "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert holder.stdout is not None
        try:
            if holder.stdout.readline() == "there\n":
                users = ["-U", "--preserve-credentials"] if way == WAYS[1] else []
                yield SmallDisk(place, holder.pid, ["nsenter", "-t", str(holder.pid), *users, "-m"])
                return
        finally:
            holder.kill()
            holder.wait()
            holder.stdout.close()
    yield None
