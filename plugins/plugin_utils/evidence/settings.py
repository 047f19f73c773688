# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was told: the callback's options, and what the command line and AWX say about the run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from .. import automate
from ..errors import PatchingError
from ..ledger.database import safe, secrets_of
from ..psa.layout import Layout


class SettingsError(PatchingError):
    """An option, an extra var or the policy document is not right; the run must not start new work."""


@dataclass(frozen=True, slots=True)
class PsaSettings:
    """How the PSA is reached, and what its tickets look like there."""

    url: str
    company: str
    public_key: str
    private_key: str = field(repr=False)
    client_id: str
    board: str
    ca: str | None = None
    companies: dict[str, str] = field(default_factory=dict)
    """RMM client name → PSA company identifier, where the names differ."""
    priorities: tuple[str, ...] = ()
    """The tenant's names of priority 1, 2 and 3; empty where the numbers are in their names."""
    on_call_board: str | None = None
    """The board whose workflow alerts on-call, None for the same board."""
    own_company: str | None = None
    """The identifier of the MSP's own company, for tickets that are no client's."""
    layout: Layout = field(default_factory=lambda: Layout({}, {}))
    bundle: bool = False
    """Whether failures of one cause are put under a parent ticket."""
    close_cured: bool = False
    """Whether the ticket of a failure is closed when the failure is over; otherwise a technician closes it."""
    rate: int = 60
    """Requests a minute, at most."""


@dataclass(frozen=True, slots=True)
class OnCallSettings:
    """Where on-call is alerted. `kind` is one of ``pagerduty`` and ``webhook``; `key` the routing key of the one, the
    bearer token of the other. The address may hold a secret as well, so that it is shown nowhere."""

    kind: str
    url: str = field(repr=False)
    key: str | None = field(default=None, repr=False)
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class TrackerTitles:
    """The titles of the RMM's extra data fields of clients that tell how far a cycle is, each ``Title`` or
    ``Section/Title``."""

    cycle: str = "Patching Cycle"
    state: str = "Patching Cycle State"
    closed: str = "Patching Cycle Closed"


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one run. `as_of` is the instant it is told to take for the present, None for the real one."""

    ledger: str = field(repr=False)
    policy: Path | None = None
    spool: Path | None = None
    signing_key: Path | None = None
    signing_key_data: str | None = field(default=None, repr=False)
    packages: str | None = None
    """Where evidence packages are kept: a folder, or the URL of another store."""
    psa: PsaSettings | None = None
    automate: automate.Settings | None = None
    on_call: OnCallSettings | None = None
    tracker: TrackerTitles | None = None
    clock_url: str | None = None
    as_of: datetime | None = None
    check_mode: bool = False
    by: str = "unknown"
    core: str = ""
    playbook: str | None = None
    ring: str | None = None
    limit: str | None = None
    job: str | None = None
    problem: str | None = None
    """What was wrong with the settings themselves, found while they were read."""

    def secrets(self) -> list[str | None]:
        """Every credential that the run was given: in its settings, and in the environment for its stores."""
        found: list[str | None] = [*secrets_of(self.ledger)]
        found += [os.environ.get(name) for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")]
        if self.automate is not None:
            found += [self.automate.password, self.automate.client_id]
        if self.psa is not None:
            found += [self.psa.private_key, self.psa.public_key, self.psa.client_id]
        if self.on_call is not None:
            found += [self.on_call.key, urlsplit(self.on_call.url).password]
        return found

    def spool_path(self) -> Path:
        """Where events wait that the ledger would not take: beside an SQLite ledger, else in the state folder, one
        file a ledger.
        """
        if self.spool is None and not self.ledger.startswith("sqlite:///"):
            which = hashlib.sha256(safe(self.ledger).encode()).hexdigest()[:12]
            return self._beside(f"spool-{which}.jsonl")
        return self.spool or self._beside("spool.jsonl")

    def spool_paths(self) -> list[Path]:
        """The spool, and where events wait when its disk is full or may not be written either: the state folder, then
        the folder for temporary files."""
        name = f"spool-{hashlib.sha256(self.ledger.encode()).hexdigest()[:16]}.jsonl"
        state = Path("~/.local/state/msp.patching").expanduser() / name
        return [self.spool_path(), state, Path(tempfile.gettempdir()) / f"msp.patching-{os.getuid()}" / name]

    def signing_key_path(self) -> Path:
        """The file of the key that signs the ledger, likewise."""
        return self.signing_key or self._beside("key")

    def packages_place(self) -> str:
        """Where evidence packages are kept, likewise."""
        return self.packages or str(self._beside("packages"))

    def _beside(self, end: str) -> Path:
        if self.ledger.startswith("sqlite:///"):
            return Path(f"{self.ledger.removeprefix('sqlite:///')}.{end}")
        return Path("~/.local/state/msp.patching").expanduser() / end


def ledger_url(value: str) -> str:
    """The option `ledger` as a database URL: a path means an SQLite file, ``~`` is the home folder."""
    if "://" not in value:
        return f"sqlite:///{Path(value).expanduser().absolute()}"
    scheme, rest = value.split("://", 1)
    if scheme.startswith("sqlite") and rest.startswith("/~"):
        return f"{scheme}:///{Path(rest[1:]).expanduser()}"
    return value


def loopback(url: str) -> str:
    """`url`, if it is http on this machine; a run's clock comes from nowhere else. Raises SettingsError."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise SettingsError(
            f"the clock address {url!r} is not on this machine: a simulated clock is http://127.0.0.1:…"
        )
    return url
