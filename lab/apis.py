# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a web application of the lab in step with the world: a reset makes it anew."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from .world import World


class Renewed:
    """The application that `make` gives, and another one after each reset of the world."""

    def __init__(self, world: World, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app = make()
        world.on_reset.append(self._renew)

    def _renew(self) -> None:
        self._app = self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
