# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Management service of one machine: shells, commands, and the long poll for their output."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.machine import Machine

from . import soap
from .execute import Missing, Outcome, execute

MAX_SHELLS = 50
HOLD_SECONDS = 3.0  # real: a client that dies without its Signal does not keep the machine up for ever
PARTING_SECONDS = 0.05  # real: the answer to Signal, and the Delete after it, still get through
Answer = tuple[int, bytes]
"""HTTP status and envelope"""
OfAnswer = Callable[[dict[str, Any]], bool]
"""Whether something befalls the answer of a command that is done, by what the journal was told of it."""
HELD_SECONDS = 0.05  # real: how often it is looked whether an answer is still held


class AnswerLostError(Exception):
    """The connection breaks before the answer is out: whoever asked never hears how the command ended."""


@dataclass
class Command:
    line: str
    stdin: bytearray | None
    task: asyncio.Task[Outcome] | None = None
    holds_machine: bool = False
    via: str = ""


@dataclass
class Shell:
    """`via` is the query of the path that it was made by: a caller may so tell itself from others, for the journal."""

    via: str = ""
    commands: dict[str, Command] = field(default_factory=dict)


class Service:
    """`tell` puts a finished command into the journal."""

    def __init__(
        self,
        machine: Machine,
        tell: Callable[..., Any],
        missing: Missing,
        *,
        loses: OfAnswer = lambda _told: False,
        holds: OfAnswer = lambda _told: False,
    ) -> None:
        self._loses = loses
        self._holds = holds
        self._machine = machine
        self._tell = tell
        self._missing = missing
        self._shells: dict[str, Shell] = {}

    def forget(self) -> None:
        """The machine went down: shells and running commands are gone."""
        for shell in self._shells.values():
            for command in shell.commands.values():
                if command.task:
                    command.task.cancel()
        self._shells.clear()

    def is_receive(self, body: bytes) -> bool:
        return b"windows/shell/Receive" in body

    async def answer(self, body: bytes, via: str = "") -> Answer:
        """Raises AnswerLostError where a fault wants it so."""
        try:
            request = soap.parse(body)
        except soap.SoapError as error:
            return 500, soap.fault("", soap.INVALID_REQUEST, "w:SchemaValidationError", str(error))
        del body
        if request.action == "Create":
            return self._create(request, via)
        shell = self._shells.get(request.shell_id)
        if request.action == "Delete":
            return self._delete(request)
        if shell is None:
            return self._unknown(request)
        if request.action == "Command":
            return self._start(request, shell)
        command = shell.commands.get(request.command_id)
        if command is None:
            return self._unknown(request)
        if request.action == "Send":
            return self._send(request, command)
        if request.action == "Receive":
            return await self._receive(request, command)
        if request.action == "Signal":
            shell.commands.pop(request.command_id)
            self._finish(command)
            return 200, soap.done(request.message_id, "Signal")
        return 500, soap.fault(
            request.message_id, soap.INVALID_REQUEST, "a:ActionNotSupported", f"no action {request.action}"
        )

    def _unknown(self, request: soap.Request) -> Answer:
        reason = "The request for the Windows Remote Shell failed because the shell or command was not found."
        return 500, soap.fault(request.message_id, soap.INVALID_SELECTORS, "w:InvalidSelectors", reason)

    def _create(self, request: soap.Request, via: str) -> Answer:
        if len(self._shells) >= MAX_SHELLS:
            self._shells.pop(next(iter(self._shells)))
        shell_id = str(uuid.uuid4()).upper()
        self._shells[shell_id] = Shell(via)
        return 200, soap.created(request.message_id, shell_id)

    def _delete(self, request: soap.Request) -> Answer:
        shell = self._shells.pop(request.shell_id, None)
        if shell is None and self._machine.boot_seconds > 0:
            return self._unknown(request)
        for command in shell.commands.values() if shell else ():
            self._finish(command)
        return 200, soap.done(request.message_id, "Delete")

    def _finish(self, command: Command) -> None:
        if command.task and not command.task.done():
            command.task.cancel()
        if not command.holds_machine:
            return
        if self._machine.boot_seconds > 0:
            asyncio.get_running_loop().call_later(PARTING_SECONDS, self._release, command)
        else:
            self._release(command)

    def _start(self, request: soap.Request, shell: Shell) -> Answer:
        command_id = str(uuid.uuid4()).upper()
        command = Command(request.command_line, bytearray() if request.reads_stdin else None, via=shell.via)
        shell.commands[command_id] = command
        if not request.reads_stdin:
            self._run(command)
        return 200, soap.command_started(request.message_id, command_id)

    def _send(self, request: soap.Request, command: Command) -> Answer:
        if command.stdin is not None:
            command.stdin += request.stdin
            if request.end_of_stdin:
                self._run(command)
        return 200, soap.done(request.message_id, "Send")

    def _run(self, command: Command) -> None:
        stdin = bytes(command.stdin) if command.stdin is not None else None
        command.stdin = None
        command.task = asyncio.create_task(self._execute(command, stdin))
        del stdin

    async def _execute(self, command: Command, stdin: bytes | None) -> Outcome:
        scheduled_before = self._machine.reboot_scheduled
        running = execute(self._machine, command.line, stdin, self._missing)
        del stdin
        outcome = await running
        if self._machine.reboot_scheduled and not scheduled_before:
            self._hold(command)
        via = {"via": command.via} if command.via else {}
        self._tell(machine=self._machine.name, exit_code=outcome.exit_code, **via, **outcome.told)
        return outcome

    def _hold(self, command: Command) -> None:
        """Whoever asks for a reboot hears the answer before the machine goes down."""
        command.holds_machine = True
        self._machine.hold()
        asyncio.get_running_loop().call_later(HOLD_SECONDS, self._release, command)

    def _release(self, command: Command) -> None:
        if command.holds_machine:
            command.holds_machine = False
            self._machine.release()

    async def _receive(self, request: soap.Request, command: Command) -> Answer:
        if command.task is not None:
            await asyncio.wait({command.task}, timeout=request.timeout_seconds)
        else:
            await asyncio.sleep(request.timeout_seconds)
        if command.task is None or not command.task.done() or command.task.cancelled():
            return self._too_long(request)
        outcome = command.task.result()
        end = time.monotonic() + request.timeout_seconds
        while self._holds(outcome.told):
            if time.monotonic() > end:
                return self._too_long(request)
            await asyncio.sleep(HELD_SECONDS)
        if self._loses(outcome.told):
            raise AnswerLostError
        return 200, soap.received(
            request.message_id,
            request.command_id,
            _crlf(outcome.stdout),
            _crlf(outcome.stderr),
            outcome.exit_code,
        )

    def _too_long(self, request: soap.Request) -> Answer:
        reason = "The WS-Management service cannot complete the operation within the time specified."
        return 500, soap.fault(request.message_id, soap.OPERATION_TIMEOUT, "w:TimedOut", reason)


def _crlf(text: str) -> bytes:
    return f"{text}\r\n".encode() if text else b""
