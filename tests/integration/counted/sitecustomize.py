# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this in every process that has this folder on its path: it counts what Ansible does there.

A line for each template that is worked out, and for each module that is built to be sent somewhere (``module`` and the
file's ending), in the file that ``COUNTED`` names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

KEPT = Path(os.environ.get("COUNTED", os.devnull))


def counting(function: Callable[..., Any], word: Callable[..., str]) -> Callable[..., Any]:
    @wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        with KEPT.open("a") as file:
            file.write(word(*args, **kwargs) + "\n")
        return function(*args, **kwargs)

    return counted


def count_templates(engine: Any) -> None:
    one = engine.TemplateEngine
    one.template = counting(one.template, lambda *_args, **_kwargs: "template")


def count_modules(common: Any) -> None:
    def word(*_args: Any, module_path: Any, **_kwargs: Any) -> str:
        return f"module {Path(os.fsdecode(module_path)).suffix}"

    common.modify_module = counting(common.modify_module, word)


COUNTED = {
    "ansible._internal._templating._engine": count_templates,
    "ansible.executor.module_common": count_modules,
}


class Counting(MetaPathFinder, Loader):
    """Finds the modules to count in as Python does, and has them loaded as ever; then it lays the count over them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in COUNTED:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            self._real = spec.loader
            spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        real = self._real
        real.exec_module(module)
        COUNTED[module.__name__](module)


sys.meta_path.insert(0, Counting())
