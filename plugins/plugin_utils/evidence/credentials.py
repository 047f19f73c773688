# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's variables are credentials, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SECRET_NAME = re.compile(r"(password|passwd|_pass|secret|token|private_key|api_key)$", re.IGNORECASE)
"""Names of host variables whose values are credentials."""


def secrets_among(variables: Mapping[str, Any]) -> list[str]:
    """The values of those variables whose names say that they are credentials; none that is still a template."""
    return [
        str(value)
        for name, value in variables.items()
        if SECRET_NAME.search(name) and isinstance(value, str) and "{{" not in value
    ]
