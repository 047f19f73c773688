# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach one Automate server; checked when it is built."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..hiding import hidden
from .errors import OptionError

API_PATH = "/cwa/api/v1"
MAX_PARALLEL = 4
"""Requests under way at once. The server is one web server and one database that the technicians work on as well."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Address, account and patience. The names are those of the inventory plugin's options.

    ``timeout`` is in seconds, for connecting and for each silence while reading. ``retries`` counts the
    further attempts of a request that met a passing error. Raises `OptionError`.
    """

    url: str
    user: str
    password: str = field(repr=False)
    client_id: str = field(repr=False)
    validate_certs: bool = True
    ca: str | None = None
    timeout: float = 30
    retries: int = 3

    def __post_init__(self) -> None:
        for option in ("url", "user", "password", "client_id"):
            if not getattr(self, option):
                raise OptionError(option, "is empty; set it in the source file or in the environment")
        self._check_url()
        if self.ca is not None and not Path(self.ca).exists():
            raise OptionError("ca", f"there is no file or folder {self.ca!r}; it must hold the CA certificates as PEM")
        if not 0 < self.timeout <= 600:
            raise OptionError("timeout", f"{self.timeout!r} is not a number of seconds from 1 to 600")
        if not 0 <= self.retries <= 10:
            raise OptionError("retries", f"{self.retries!r} is not a number from 0 to 10")

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = parts.hostname
        except ValueError as exc:
            raise OptionError("url", f"{self.url!r} is not a URL ({exc})") from exc
        if parts.scheme not in ("http", "https") or not host:
            raise OptionError("url", f"{self.url!r} is not a URL such as https://example.hostedrmm.com")
        if parts.username or parts.password:
            raise OptionError("url", "holds an account; give that with the options user and password")
        if parts.query or parts.fragment:
            raise OptionError("url", f"{self.url!r} has a query or fragment; give the server alone")
        if parts.scheme == "http" and not self.loopback:
            raise OptionError("url", f"{self.url!r} would send the password unencrypted; use https://")

    @property
    def api(self) -> str:
        """The API's base address: ``url`` with the API's path, unless it has that already."""
        base = self.url.rstrip("/")
        return base if base.lower().endswith(API_PATH) else base + API_PATH

    @property
    def loopback(self) -> bool:
        """Whether the server runs on this machine, as a laboratory's does."""
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def verify(self) -> bool | str:
        """What requests takes as ``verify``."""
        return (self.ca or True) if self.validate_certs else False

    def scrub(self, text: str) -> str:
        """``text`` without this account's secrets, for messages that quote the server."""
        return hidden(text, (self.password, self.client_id))
