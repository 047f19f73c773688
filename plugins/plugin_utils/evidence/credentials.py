# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's variables are credentials, by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

SECRET_NAME = re.compile(r"(password|passwd|_pass|secret|token|private_key|api_key)$", re.IGNORECASE)
"""Names of host variables whose values are credentials."""


def secrets_among(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> list[str]:
    """The values of those variables whose names say that they are credentials; `template` gives a value as Ansible has
    it. One that it cannot give is no credential that anything was told, and keeps back none of the others."""
    found = []
    for name, value in variables.items():
        if SECRET_NAME.search(name):
            with suppress(Exception):
                told = template(value)  # of the vault's a plain text
                if isinstance(told, str | int) and not isinstance(told, bool):  # one of digits is a number to YAML
                    found.append(str(told))
    return found
