# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and scripts: queued, picked up by the agent when it next calls, run, and told about afterwards.

What a machine of the lab can run is in `lab.automate.agent`; all else fails and says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..fleet_model import Computer
from ..web import BadRequestError, json_body, wall
from . import agent
from .groups import entity_type, folded, number
from .lists import listing, one, refusal
from .state import AutomateState, Maintenance

V1 = "/cwa/api/v1"
PICK_UP_SECONDS = 5
RUN_SECONDS = 10
ASK_AGAIN_SECONDS = 60

Row = dict[str, Any]


@dataclass
class Command:
    id: int
    computer: Computer
    command_id: int
    text: str
    user: str
    executed: datetime
    finished: datetime | None = None
    status: str = "Pending"
    output: str = ""

    def row(self) -> Row:
        return {
            "Id": self.id,
            "ComputerId": self.computer.id,
            "Command": {"Id": str(self.command_id), "Name": agent.COMMANDS.get(self.command_id, "")},
            "Parameters": [self.text],
            "Status": self.status,
            "Output": self.output,
            "DateExecuted": wall(self.executed),
            "DateFinished": wall(self.finished) if self.finished else None,
            "User": self.user,
        }


@dataclass
class ScriptRun:
    id: int
    script_id: int
    computer: Computer
    user: str
    at: datetime
    status: str = "Running"
    state: str = "Information"
    message: str = ""

    def row(self) -> Row:
        return {
            "Id": self.id,
            "ScriptId": self.script_id,
            "ComputerId": self.computer.id,
            "Name": agent.SCRIPTS[self.script_id],
            "User": self.user,
            "Status": self.status,
            "State": self.state,
            "HistoryDate": wall(self.at),
            "DiagnosticMessage": self.message,
        }


class Commands:
    def __init__(self, state: AutomateState) -> None:
        self._state = state
        self._ids = itertools.count(1)
        self._commands: dict[int, Command] = {}
        self._runs: list[ScriptRun] = []

    def routes(self) -> list[Route]:
        computer = f"{V1}/computers/{{id:int}}"
        return [
            Route(f"{computer}/commandexecute", self._execute, methods=["POST"]),
            Route(f"{computer}/commandexecute", self._commands_of, methods=["GET"]),
            Route(f"{computer}/commandexecute/{{command:int}}", self._command, methods=["GET"]),
            Route(f"{computer}/commandprompt", self._prompt, methods=["POST"]),
            Route(f"{computer}/commandhistory", self._commands_of, methods=["GET"]),
            Route(f"{computer}/scripthistory", self._runs_of, methods=["GET"]),
            Route(f"{computer}/runningscripts", self._running_of, methods=["GET"]),
            Route(f"{V1}/scripthistory", self._all_runs, methods=["GET"]),
            Route(f"{V1}/scripting/runningscripts", self._running, methods=["GET"]),
            Route(f"{V1}/commands", self._catalogue, methods=["GET"]),
            Route(f"{V1}/scripts", self._scripts, methods=["GET"]),
            Route(f"{V1}/batch/scriptschedule", self._schedule, methods=["POST"]),
            Route(f"{V1}/batch/scriptexecute", self._schedule, methods=["POST"]),
        ]

    # -- commands ---------------------------------------------------------------------------------------

    async def _execute(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        body = folded(await json_body(request))
        command_id = number(folded(body.get("command")).get("id"), "Command.Id")
        if command_id not in agent.COMMANDS:
            return refusal(400, f"There is no command {command_id}.")
        parameters = body.get("parameters") or [""]
        if not isinstance(parameters, list):
            raise BadRequestError("Parameters must be an array.")
        command = self._queue(computer, command_id, str(parameters[0]), request.state.user.name)
        return JSONResponse(command.row(), 201)

    async def _prompt(self, request: Request) -> Response:
        """A line for the shell; the answer is the bare number to look up under CommandExecute."""
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        text = str(folded(await json_body(request)).get("commandtext") or "")
        return JSONResponse(self._queue(computer, agent.RUN, text, request.state.user.name).id)

    async def _commands_of(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        rows = [command.row() for command in self._commands.values() if command.computer.id == wanted]
        return listing(request, rows)

    async def _command(self, request: Request) -> Response:
        command = self._commands.get(request.path_params["command"])
        mine = command is not None and command.computer.id == request.path_params["id"]
        return one(request, command.row() if command and mine else None, "The command")

    async def _catalogue(self, request: Request) -> Response:
        return listing(request, [{"Id": str(key), "Name": name} for key, name in agent.COMMANDS.items()])

    def _queue(self, computer: Computer, command_id: int, text: str, user: str) -> Command:
        now = self._state.world.clock.now()
        command = Command(next(self._ids), computer, command_id, text, user, now)
        self._commands[command.id] = command

        def start() -> None:
            command.status = "Executing"

        def finish() -> None:
            machine = self._state.machine(computer)
            ok, command.output = agent.run_command(machine, command_id, text)
            command.status = "Success" if ok else "Failed"
            command.finished = self._state.world.clock.now()

        self._when_reporting(computer, start, finish)
        return command

    def _when_reporting(self, computer: Computer, start: Callable[[], None], finish: Callable[[], None]) -> None:
        """An agent that is away finds its queue when it is back."""
        clock = self._state.world.clock

        def pick_up() -> None:
            if not self._state.machine(computer).agent_reporting:
                clock.call_later(ASK_AGAIN_SECONDS, pick_up)
                return
            start()
            clock.call_later(RUN_SECONDS, finish)

        clock.call_later(PICK_UP_SECONDS, pick_up)

    # -- scripts ----------------------------------------------------------------------------------------

    async def _scripts(self, request: Request) -> Response:
        rows = [{"Id": str(key), "Name": name, "FolderName": "Lab"} for key, name in agent.SCRIPTS.items()]
        return listing(request, rows)

    async def _schedule(self, request: Request) -> Response:
        """Once, at once or at StartDate: the lab knows no other frequency."""
        body = folded(await json_body(request))
        script_id = number(body.get("scriptid"), "ScriptId")
        if script_id not in agent.SCRIPTS:
            return refusal(404, "The script was not found.")
        if entity_type(body.get("entitytype")) != "computer":
            raise BadRequestError("The lab schedules scripts for computers only.")
        frequency = folded(folded(body.get("schedule") or {}).get("scriptschedulefrequency") or {})
        if number(frequency.get("scriptschedulefrequencyid", 1), "ScriptScheduleFrequencyId") != 1:
            raise BadRequestError("The lab knows frequency 1, once, only.")
        parameters = {str(row["key"]): str(row.get("value", "")) for row in map(folded, body.get("parameters") or [])}
        skips = bool(folded(body.get("offlineactionflags") or {}).get("skipsofflineagents"))
        delay = self._delay(str(body.get("startdate") or ""))
        results = [
            self._script_result(number(entity, "EntityIds"), script_id, parameters, request, delay, skips=skips)
            for entity in body.get("entityids") or []
        ]
        failed = any(row["ResultDetails"]["ResultStatus"] != "Success" for row in results)
        return JSONResponse({"ScriptResults": results, "ContainsUnsuccessfulResults": failed})

    def _delay(self, start: str) -> float:
        try:
            due = datetime.fromisoformat(start) if start else None
        except ValueError as exc:
            raise BadRequestError(f"StartDate is {start!r}: it must be an ISO date.") from exc
        if due is None or due.tzinfo is None:
            return 0
        return max(0.0, (due - self._state.world.clock.now()).total_seconds())

    def _script_result(
        self, entity: int, script_id: int, parameters: dict[str, str], request: Request, delay: float, *, skips: bool
    ) -> Row:
        computer = self._state.computers.get(entity)
        reason = ""
        if computer is None:
            reason = "NotFound"
        elif skips and not self._state.machine(computer).agent_reporting:
            reason = "Offline"
        else:
            user = request.state.user.name
            self._state.world.clock.call_later(delay, lambda: self._run(computer, script_id, parameters, user))
        details = {"ResultStatus": "Failure" if reason else "Success", "ReasonCode": reason, "Message": ""}
        return {"EntityId": entity, "ResultDetails": details}

    def _run(self, computer: Computer, script_id: int, parameters: dict[str, str], user: str) -> None:
        run = ScriptRun(next(self._ids), script_id, computer, user, self._state.world.clock.now())
        self._runs.append(run)

        def finish() -> None:
            now = self._state.world.clock.now()
            if script_id == agent.MAINTENANCE:
                minutes = int(parameters.get("Minutes") or 60)
                self._state.maintenance[computer.id] = Maintenance(computer.id, now, minutes, user)
                run.state, run.message = "Success", f"Maintenance mode for {minutes} minutes."
            else:
                ok, run.message = agent.run_script(self._state.machine(computer), script_id, parameters)
                run.state = "Success" if ok else "Failure"
            run.status, run.at = "Completed", now

        self._when_reporting(computer, lambda: None, finish)

    async def _all_runs(self, request: Request) -> Response:
        return listing(request, [run.row() for run in self._runs])

    async def _runs_of(self, request: Request) -> Response:
        return listing(request, [run.row() for run in self._runs if run.computer.id == request.path_params["id"]])

    async def _running(self, request: Request) -> Response:
        return listing(request, [run.row() for run in self._runs if run.status == "Running"])

    async def _running_of(self, request: Request) -> Response:
        running = [run for run in self._runs if run.status == "Running"]
        return listing(request, [run.row() for run in running if run.computer.id == request.path_params["id"]])
