# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as the PSA writes them: ``code``, ``message``, ``errors``; and 429, which is different."""

from __future__ import annotations

from typing import Any

CODES = {
    400: "InvalidObject",
    401: "Unauthorized",
    403: "Security",
    404: "NotFound",
    405: "NotFound",
    409: "ConflictingData",
    415: "UnsupportedMediaType",
    500: "ConnectWiseApi",
}


class PsaError(Exception):
    """An answer that is an error. ``fields``: what is wrong with which field, as (code, message, field)."""

    def __init__(
        self, status: int, message: str, *fields: tuple[str, str, str], resource: str = "", code: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status, "ConnectWiseApi")
        self.errors = [
            {"code": kind, "message": text, "resource": resource, "field": name} for kind, text, name in fields
        ]

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": str(self), "errors": self.errors or None}


def invalid(resource: str, *fields: tuple[str, str, str]) -> PsaError:
    return PsaError(400, f"{resource} object is invalid", *fields, resource=resource)


def shape(status: int, message: str) -> dict[str, Any]:
    """The body of a fault."""
    if status == 429:
        return {"error": "ConnectWiseAPI", "message": message}
    return {"code": CODES.get(status, "ConnectWiseApi"), "message": message, "errors": None}
