# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own face: time, machines, faults and the journal, for tests and for whoever runs a demo.

Every call but reading the clock needs ``Authorization: Bearer TOKEN``. Answers are JSON; what cannot be done
is ``{"error": …}`` with 400, 401 or 404.

======  ==========================  ============================================================
method  path                        body or query
======  ==========================  ============================================================
GET     /lab/clock
POST    /lab/clock                  one of ``set`` (instant), ``advance`` (seconds), ``speed``
GET     /lab/machines
GET     /lab/machines/{name}
PATCH   /lab/machines/{name}        the keys of `Machine.update`
GET     /lab/faults
POST    /lab/faults                 a fault as in `lab.faults`
DELETE  /lab/faults, /lab/faults/{id}
GET     /lab/alerts                 what on-call was told, as in `lab.oncall`
GET     /lab/journal                ``since`` (number), ``limit``, any key of an entry
GET     /lab/unsimulated
POST    /lab/reset
POST    /lab/shutdown
======  ==========================  ============================================================
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import ClockError, iso, parse_instant, settle
from .faults import FaultError
from .machine import MachineError
from .network import Network
from .world import World

Action = Callable[[Request], Awaitable[Any]]


class Control:
    def __init__(self, world: World, network: Network, token: str, shutdown: Callable[[], None]) -> None:
        self._world = world
        self._network = network
        self._token = token
        self._shutdown = shutdown

    def app(self) -> Starlette:
        guarded = self._guarded
        return Starlette(
            routes=[
                Route("/lab/clock", self._answering(self._get_clock), methods=["GET"]),
                Route("/lab/clock", guarded(self._set_clock), methods=["POST"]),
                Route("/lab/machines", guarded(self._machines), methods=["GET"]),
                Route("/lab/machines/{name}", guarded(self._machine), methods=["GET"]),
                Route("/lab/machines/{name}", guarded(self._update_machine), methods=["PATCH"]),
                Route("/lab/faults", guarded(self._faults), methods=["GET"]),
                Route("/lab/faults", guarded(self._inject), methods=["POST"]),
                Route("/lab/faults", guarded(self._clear_faults), methods=["DELETE"]),
                Route("/lab/faults/{id:int}", guarded(self._remove_fault), methods=["DELETE"]),
                Route("/lab/journal", guarded(self._journal), methods=["GET"]),
                Route("/lab/alerts", guarded(self._alerts), methods=["GET"]),
                Route("/lab/unsimulated", guarded(self._unsimulated), methods=["GET"]),
                Route("/lab/reset", guarded(self._reset), methods=["POST"]),
                Route("/lab/shutdown", guarded(self._stop), methods=["POST"]),
            ]
        )

    def _answering(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return JSONResponse(await action(request))
            except KeyError as error:
                return JSONResponse({"error": str(error.args[0])}, 404)
            except (ClockError, FaultError, MachineError, ValueError, TypeError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return answer

    def _guarded(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        answering = self._answering(action)

        async def answer(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                return JSONResponse({"error": "the lab's token is missing or wrong: see lab.json"}, 401)
            if request.method != "GET":
                self._world.journal.write("control", method=request.method, path=request.url.path)
            return await answering(request)

        return answer

    async def _settle(self) -> None:
        await settle()
        await self._network.settled()

    async def _get_clock(self, _request: Request) -> Any:
        return {"now": iso(self._world.clock.now()), "speed": self._world.clock.speed}

    async def _set_clock(self, request: Request) -> Any:
        clock = self._world.clock
        wanted = await request.json()
        if not isinstance(wanted, dict) or len(wanted) != 1 or not set(wanted) <= {"set", "advance", "speed"}:
            raise ValueError(f"clock: give one of set, advance, speed; got {wanted!r}")
        if "speed" in wanted:
            clock.set_speed(float(wanted["speed"]))
        elif "set" in wanted:
            await clock.travel_to(parse_instant(str(wanted["set"])))
        elif float(wanted["advance"]) < 0:
            raise ClockError(f"cannot advance by {wanted['advance']!r} seconds: the lab clock only goes forward")
        else:
            await clock.travel_to(clock.now() + timedelta(seconds=float(wanted["advance"])))
        await self._settle()
        return await self._get_clock(request)

    async def _machines(self, _request: Request) -> Any:
        return {
            name: {"reachable": machine.reachable, "power": machine.power, "reboot_pending": machine.reboot_pending}
            for name, machine in self._world.machines.items()
        }

    async def _machine(self, request: Request) -> Any:
        return self._world.machine(request.path_params["name"]).state()

    async def _update_machine(self, request: Request) -> Any:
        machine = self._world.machine(request.path_params["name"])
        machine.update(await request.json())
        await self._settle()
        return machine.state()

    async def _faults(self, _request: Request) -> Any:
        return [fault.as_record() for fault in self._world.faults.all()]

    async def _inject(self, request: Request) -> Any:
        injected = self._world.inject(await request.json())
        await self._settle()
        return injected

    async def _clear_faults(self, _request: Request) -> Any:
        self._world.faults.clear()
        await self._settle()
        return []

    async def _remove_fault(self, request: Request) -> Any:
        fault_id = request.path_params["id"]
        if not self._world.faults.remove(fault_id):
            raise KeyError(f"no fault {fault_id}")
        await self._settle()
        return await self._faults(request)

    async def _journal(self, request: Request) -> Any:
        query = dict(request.query_params)
        since, limit = int(query.pop("since", 0)), int(query.pop("limit", 1000))
        return self._world.journal.read(since=since, limit=limit, **query)

    async def _alerts(self, _request: Request) -> Any:
        return self._world.alerts

    async def _unsimulated(self, _request: Request) -> Any:
        return self._world.unsimulated()

    async def _reset(self, request: Request) -> Any:
        self._world.reset()
        await self._settle()
        return await self._get_clock(request)

    async def _stop(self, _request: Request) -> Any:
        self._shutdown()
        return {"stopping": True}
