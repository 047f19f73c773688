# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RMM and the PSA of the lab, as web applications."""

from __future__ import annotations

import importlib
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from .web import ApiCredentials
from .world import World


def automate_app(world: World, access: ApiCredentials) -> ASGIApp:
    return _app("automate", world, access)


def psa_app(world: World, access: ApiCredentials) -> ASGIApp:
    return _app("psa", world, access)


def _app(name: str, world: World, access: ApiCredentials) -> Any:
    module = importlib.import_module(f"lab.{name}")
    make = getattr(module, f"{name}_app", None)
    return make(world, access) if make else Starlette()
