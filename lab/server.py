# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One running lab: all faces in one process and one event loop, and its state directory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .automate import automate_app
from .awx import awx_app
from .client import is_running
from .clock import LabClock
from .control import Control
from .errors import LabError
from .fleet import load_fleet
from .inventory import write_inventories
from .machine_parts import ACCOUNT
from .network import Layout, Network
from .oncall import oncall_app
from .psa import psa_app
from .psa.seed import OWN_COMPANY_IDENTIFIER
from .tls import make_certificates
from .web import ApiCredentials
from .world import World


@dataclass(frozen=True)
class Settings:
    fleet: Path
    state_dir: Path
    layout: Layout
    speed: float | None = None
    start: datetime | None = None


class Face(uvicorn.Server):
    """A web server on a socket that is bound already; it leaves the process's signals to the lab."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(config)
        self.bound = bound

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Lab:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fleet = load_fleet(settings.fleet)
        ids = [computer.id for computer in self.fleet.computers.values()]
        self.layout = settings.layout if settings.layout.port_base else settings.layout.on_free_ports(ids)
        self.layout.check(ids)
        self.state_dir = settings.state_dir.resolve()
        self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_second_lab()
        speed = self.fleet.speed if settings.speed is None else settings.speed
        self.clock = LabClock(settings.start or self.fleet.start, speed)
        self.world = World(self.fleet, self.clock, self.state_dir / "journal.jsonl")
        self.tls = make_certificates(self.state_dir, self._addresses())
        self.token = secrets.token_urlsafe(24)
        self.password = secrets.token_urlsafe(12)
        tls = self.tls if self.layout.tls else None
        self.network = Network(self.world, self.layout, ACCOUNT, self.password, tls)
        self._stopping = asyncio.Event()
        self._sockets: list[socket.socket] = []

    @property
    def info_path(self) -> Path:
        return self.state_dir / "lab.json"

    def _refuse_second_lab(self) -> None:
        if not self.info_path.exists():
            return
        pid = json.loads(self.info_path.read_text(encoding="utf-8")).get("pid")
        if pid and pid != os.getpid() and is_running(pid):
            raise LabError(
                f"a lab is up in {self.state_dir} (process {pid}): `python -m lab down` first, "
                "or give another --state-dir"
            )
        self.info_path.unlink()

    def _addresses(self) -> list[str]:
        layout = self.layout
        ids = [computer.id for computer in self.fleet.computers.values()] if layout.tls else []
        return [layout.host, *(layout.winrm(machine_id)[0] for machine_id in ids)]

    def _bind(self, offset: int, what: str) -> socket.socket:
        layout = self.layout
        bound = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends without delay only where it sees that it is TCP
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((layout.host, layout.port_base + offset))
        except OSError as error:
            bound.close()
            raise LabError(
                f"{layout.host}:{layout.port_base + offset} ({what}) cannot be opened: {error.strerror}; "
                "is another lab up? choose another --port-base"
            ) from error
        self._sockets.append(bound)
        return bound

    def _face(self, app: ASGIApp, offset: int, what: str, tls: ssl.SSLContext | None = None) -> Face:
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        config.load()
        config.ssl = tls
        return Face(config, self._bind(offset, what))

    async def run(self, when_up: Callable[[], None]) -> None:
        """Until it is told to stop. Raises LabError when something cannot be opened."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        access = ApiCredentials()
        automate, psa = automate_app(self.world, access), psa_app(self.world, access)
        control = Control(self.world, self.network, self.token, self._stopping.set).app()
        faces = [
            self._face(control, 0, "control"),
            self._face(automate, 1, "Automate"),
            self._face(automate, 2, "Automate, https", self.tls),
            self._face(psa, 3, "PSA"),
            self._face(psa, 4, "PSA, https", self.tls),
            self._face(oncall_app(self.world, access), 5, "on-call"),
            self._face(awx_app(self.world, access), 6, "AWX"),
        ]
        serving: list[asyncio.Task[None]] = []
        try:
            await self.network.open()
            serving = [asyncio.create_task(face.serve(sockets=[face.bound])) for face in faces]
            while not all(face.started for face in faces):
                await asyncio.sleep(0.01)
            self.clock.attach(loop)
            self._write_state(access)
            when_up()
            await self._stopping.wait()
        finally:
            for face in faces:
                face.should_exit = True
            await asyncio.gather(*serving, return_exceptions=True)
            self._close()

    def _close(self) -> None:
        self.clock.detach()
        self.network.close()
        for bound in self._sockets:
            bound.close()
        self.world.journal.close()
        self.info_path.unlink(missing_ok=True)

    def _write_state(self, access: ApiCredentials) -> None:
        info = self.info(access)
        write_inventories(self.state_dir, self.world, self.layout, info)
        draft = self.state_dir / "lab.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.info_path)

    def info(self, access: ApiCredentials) -> dict[str, Any]:
        layout = self.layout

        def url(offset: int, scheme: str = "http") -> str:
            return f"{scheme}://{layout.host}:{layout.port_base + offset}"

        return {
            "pid": os.getpid(),
            "fleet": str(self.settings.fleet),
            "endpoints": len(self.world.machines),
            "control": {"url": url(0), "token": self.token},
            "clock_url": f"{url(0)}/lab/clock",
            "automate": {
                "url": url(1),
                "https_url": url(2, "https"),
                "user": access.automate_user,
                "password": access.automate_password,
                "client_id": access.client_id,
            },
            "psa": {
                "url": url(3),
                "https_url": url(4, "https"),
                "company": access.psa_company,
                "public_key": access.psa_public_key,
                "private_key": access.psa_private_key,
                "own_company": OWN_COMPANY_IDENTIFIER,
                "client_id": access.client_id,
            },
            "oncall": {
                "pagerduty_url": f"{url(5)}/v2/enqueue",
                "routing_key": access.on_call_key,
                "webhook_url": f"{url(5)}/alerts",
                "token": access.on_call_token,
            },
            "awx": {
                "url": url(6),
                "user": access.awx_user,
                "password": access.awx_password,
                "token": access.awx_token,
            },
            "winrm": {
                "user": ACCOUNT,
                "password": self.password,
                "scheme": layout.scheme,
                "port_base": layout.winrm_base,
                "addresses": layout.addresses,
            },
            "ca": str(self.state_dir / "ca.pem"),
            "inventory": str(self.state_dir / "inventory"),
            "inventory_static": str(self.state_dir / "inventory-static"),
            "policy": str(self.state_dir / "policy.yml"),
            "journal": str(self.state_dir / "journal.jsonl"),
        }
