# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process beside Ansible's main one, which records what tasks of people's own saw.

Ansible forks a worker for each task and host from its main process, each the dearer the more that process has loaded,
and it takes up the next result when its callbacks are through with the last one. So what was seen is handed to a
process that was forked before ledger and judgement were loaded, and that records while Ansible goes on.

It is in a process group of its own and deaf to interrupts. It ends when it is told to or when its parent is gone,
either way with everything recorded that it was handed. What it has not said to have recorded is kept here: should it
die by itself, nothing is lost.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NoReturn, Protocol

from ..errors import PatchingError
from .closing import Closing
from .look import Look
from .scribe import Scribe
from .trouble import Trouble

FORK = multiprocessing.get_context("fork")
LOOK_SECONDS = 1.0
"""How often it looks whether its parent is still there: workers of Ansible's hold the pipe open as well."""


class ClerkDiedError(PatchingError):
    """The process that records is no more, or cannot do what it is there for."""


Tell = Callable[[str], None]


class HandoverError(PatchingError):
    """Something in a result is no plain data; the process that records does not know of it."""


class Fellow(Protocol):
    """A process of the run, to the others."""

    @property
    def trouble(self) -> Trouble:
        """What has gone wrong with recording in it."""

    def share(self, trouble: Trouble) -> None:
        """Another process had that trouble."""


class Principal(Fellow, Protocol):
    """The main process, `run.Run`."""

    def tell(self, words: str) -> None:
        """Show people what takes long."""


class Desk(Fellow, Protocol):
    """What the process works with, `observer.Observer`; made in it."""

    def record(self, looks: Sequence[Look], secrets: Iterable[str] = ()) -> bool:
        """Whether something of it is to be delivered at once."""

    def deliver(self) -> None:
        """Send what waits."""

    def close(self, hosts: Mapping[str, Mapping[str, int]], zones: Mapping[str, Any]) -> Closing:
        """End the run."""

    @property
    def news(self) -> list[str]:
        """What people have to know."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Record this. Like all that is asked, it comes with the `trouble` that the run has had in the main process."""

    look: Look
    secrets: tuple[str, ...]
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class _Asked:
    """Do one of ``settle``, ``deliver``, ``close`` and ``end``, after all that came before."""

    what: str
    trouble: Trouble
    hosts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """So many of what was seen are recorded or spooled; `trouble` is that of the recording process."""

    count: int
    urgent: bool
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class _Answer:
    """To what was asked."""

    value: Any
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class _Failed:
    """It cannot go on, and ends."""

    why: str


@dataclass(frozen=True, slots=True)
class _Told:
    """Words for people, while something takes long."""

    words: str


class Clerk:
    """Hands over what was seen and asked, from one thread. Once it has raised ClerkDiedError, `unsaid` is left."""

    def __init__(self, principal: Principal, begin: Callable[[Tell], Desk]) -> None:
        self._principal = principal
        self.unsaid: deque[tuple[Look, tuple[str, ...]]] = deque()
        """What it has not yet said to have recorded."""
        self._urgent = False
        self._pipe, theirs = FORK.Pipe()
        self._process = FORK.Process(target=_serve, args=(theirs, self._pipe, begin, os.getpid()))
        self._process.start()
        if self._process.pid is not None:
            _apart(self._process.pid)
        theirs.close()

    def put(self, look: Look, secrets: Iterable[str] = ()) -> None:
        """It is recorded soon, with none of the `secrets` in it. Raises HandoverError where that cannot be."""
        self.unsaid.append((look, tuple(secrets)))
        try:
            self._send(_Seen(*self.unsaid[-1], self._principal.trouble))
        except (pickle.PicklingError, TypeError, AttributeError) as exc:
            self.unsaid.pop()
            raise HandoverError(str(exc)) from exc
        self.hear()

    def hear(self) -> None:
        """Take in what it has said, and do not wait for more."""
        while self._heard(self._pipe.poll):
            self._take(self._heard(self._pipe.recv))

    def settle(self) -> None:
        """All that was put is recorded, or spooled, when this ends."""
        self._ask("settle")

    def take_urgent(self) -> bool:
        """Whether something that it has recorded since the last time is to be delivered at once."""
        urgent, self._urgent = self._urgent, False
        return urgent

    def deliver(self) -> None:
        """It delivers what is urgent; not waited for."""
        self._send(_Asked("deliver", self._principal.trouble, {}))

    def close(self, hosts: Mapping[str, Mapping[str, int]]) -> Closing:
        """Have it close the run; `hosts` are the counts of each."""
        closing: Closing = self._ask("close", hosts)
        return closing

    def end(self) -> list[str]:
        """Nothing more will be put; gives what people have to know."""
        news: list[str] = self._ask("end")
        self._pipe.close()
        self._process.join()
        return news

    def _ask(self, what: str, hosts: Mapping[str, Mapping[str, int]] | None = None) -> Any:
        self._send(_Asked(what, self._principal.trouble, hosts or {}))
        while True:
            came = self._heard(self._pipe.recv)
            self._take(came)
            if isinstance(came, _Answer):
                return came.value

    def _send(self, message: _Seen | _Asked) -> None:
        try:
            self._pipe.send(message)
        except OSError as exc:
            self.hear()  # what it said before it ended: how far it was, and perhaps why
            raise self._over("has ended by itself") from exc

    def _heard(self, listen: Callable[[], Any]) -> Any:
        try:
            return listen()
        except (EOFError, OSError, pickle.UnpicklingError) as exc:
            raise self._over("has ended by itself") from exc

    def _take(self, came: _Recorded | _Answer | _Failed | _Told) -> None:
        if isinstance(came, _Told):
            self._principal.tell(came.words)
            return
        if isinstance(came, _Failed):
            raise self._over(f"could not go on: {came.why}")
        self._principal.share(came.trouble)
        if isinstance(came, _Recorded):
            self._urgent = self._urgent or came.urgent
            for dummy in range(came.count):
                self.unsaid.popleft()

    def _over(self, why: str) -> ClerkDiedError:
        self._pipe.close()
        self._process.kill()  # if it lives, nobody understands it any more
        self._process.join()
        return ClerkDiedError(
            f"the process that records what tasks of your own saw {why}; Ansible's main process does it from now on, "
            f"and what it had last, {len(self.unsaid)} result(s), may be recorded twice"
        )


def _apart(pid: int) -> None:
    """Who kills the run's processes as a group leaves this one its second to write. Done by both, for either may be the
    first to come to it."""
    with suppress(OSError):  # it has ended; whoever reads from it will know
        os.setpgid(pid, pid)


def _serve(pipe: Connection, theirs: Connection, begin: Callable[[Tell], Desk], parent: int) -> None:
    theirs.close()
    _apart(os.getpid())
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    sending = threading.Lock()

    def say(message: _Recorded | _Answer | _Failed | _Told) -> None:
        with sending, suppress(OSError):  # nobody is there any more, and it is recorded all the same
            pipe.send(message)

    def give_up(exc: Exception) -> NoReturn:
        say(_Failed(f"{type(exc).__name__}: {exc}"))
        os._exit(1)  # from whatever thread: the main process goes on without this one

    try:
        _work(pipe, parent, begin(lambda words: say(_Told(words))), say, give_up)
    except Exception as exc:
        give_up(exc)


def _work(
    pipe: Connection,
    parent: int,
    desk: Desk,
    say: Callable[[_Recorded | _Answer], None],
    give_up: Callable[[Exception], NoReturn],
) -> None:
    def write(seen: list[_Seen]) -> None:
        for one in seen:
            desk.share(one.trouble)
        try:
            urgent = desk.record([one.look for one in seen], [secret for one in seen for secret in one.secrets])
        except Exception as exc:
            give_up(exc)
        say(_Recorded(len(seen), urgent, desk.trouble))

    scribe: Scribe[_Seen] = Scribe(write)
    try:
        for message in _messages(pipe, parent):
            if isinstance(message, _Seen):
                scribe.put(message)
                continue
            scribe.drain()
            desk.share(message.trouble)
            if message.what == "deliver":
                desk.deliver()
                continue
            closing = desk.close(message.hosts, {}) if message.what == "close" else None
            say(_Answer(closing or (desk.news if message.what == "end" else None), desk.trouble))
            if message.what == "end":
                return
    finally:
        scribe.drain()


def _messages(pipe: Connection, parent: int) -> Iterator[_Seen | _Asked]:
    """What comes from the process `parent`, until it is gone."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            if pipe.poll(LOOK_SECONDS):
                yield pipe.recv()
            elif os.getppid() != parent:
                return
