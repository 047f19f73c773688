# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of a simulated Windows machine that know nothing of each other: services, files, jobs, times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
ACCOUNT = "labadmin"
"""Whose account it is that Ansible connects with, on each machine."""
HOME = rf"C:\Users\{ACCOUNT}"
ENVIRONMENT = {
    "temp": HOME + r"\AppData\Local\Temp",
    "tmp": HOME + r"\AppData\Local\Temp",
    "userprofile": HOME,
    "systemroot": r"C:\Windows",
    "windir": r"C:\Windows",
    "systemdrive": "C:",
    "programfiles": r"C:\Program Files",
    "programdata": r"C:\ProgramData",
}
AGENT_SERVICE = "LTService"


def filetime(instant: datetime) -> int:
    """100 ns ticks since 1601, as Windows counts boot times."""
    delta = instant - FILETIME_EPOCH
    return (delta.days * 86_400 + delta.seconds) * 10_000_000 + delta.microseconds * 10


def draw(*key: object) -> float:
    """A number in [0, 1) that is always the same for the same key."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass
class Service:
    """`state` as Windows tells it: stopped, start_pending, running."""

    name: str
    display_name: str
    start_mode: str = "auto"
    state: str = "running"
    description: str = ""


COMMON_SERVICES = (
    ("BITS", "Background Intelligent Transfer Service", "delayed"),
    ("CryptSvc", "Cryptographic Services", "auto"),
    ("Dhcp", "DHCP Client", "auto"),
    ("Dnscache", "DNS Client", "auto"),
    ("EventLog", "Windows Event Log", "auto"),
    ("LanmanServer", "Server", "auto"),
    ("LanmanWorkstation", "Workstation", "auto"),
    ("Schedule", "Task Scheduler", "auto"),
    ("Spooler", "Print Spooler", "auto"),
    ("TrustedInstaller", "Windows Modules Installer", "manual"),
    ("W32Time", "Windows Time", "auto"),
    ("WinRM", "Windows Remote Management (WS-Management)", "auto"),
    ("Winmgmt", "Windows Management Instrumentation", "auto"),
    ("wuauserv", "Windows Update", "manual"),
    (AGENT_SERVICE, "LabTech Monitoring Service", "auto"),
    ("LTSvcMon", "LabTech Service Monitor", "auto"),
)
ROLE_SERVICES = {
    "Domain Controller": (
        ("NTDS", "Active Directory Domain Services"),
        ("DNS", "DNS Server"),
        ("DHCPServer", "DHCP Server"),
        ("Kdc", "Kerberos Key Distribution Center"),
        ("Netlogon", "Netlogon"),
    ),
    "SQL Server": (("MSSQLSERVER", "SQL Server (MSSQLSERVER)"), ("SQLSERVERAGENT", "SQL Server Agent")),
    "Web Server": (("W3SVC", "World Wide Web Publishing Service"), ("WAS", "Windows Process Activation Service")),
    "Exchange": (
        ("MSExchangeTransport", "Microsoft Exchange Transport"),
        ("MSExchangeIS", "Microsoft Exchange Information Store"),
    ),
    "SMTP": (("SMTPSVC", "Simple Mail Transfer Protocol (SMTP)"),),
    "Backup": (("VeeamBackupSvc", "Veeam Backup Service"),),
    "Virtualization Host": (("vmms", "Hyper-V Virtual Machine Management"),),
}


def default_services(role: str | None, extra: Iterator[tuple[str, str]]) -> dict[str, Service]:
    """By name in lower case, as Windows looks them up."""
    services = [
        Service(name, display, mode, "running" if mode != "manual" else "stopped")
        for name, display, mode in COMMON_SERVICES
    ]
    services += [Service(name, display) for name, display in ROLE_SERVICES.get(role or "", ())]
    by_name = {service.name.lower(): service for service in services}
    for name, state in extra:
        by_name.setdefault(name.lower(), Service(name, name)).state = state
    return by_name


def normal_path(path: str) -> str:
    r"""`C:/Temp\\x\` -> `C:\Temp\x`, environment variables and `~` expanded."""
    path = re.sub(
        r"%(\w+)%|\$env:(\w+)",
        lambda found: ENVIRONMENT.get((found[1] or found[2]).lower(), found[0]),
        path.strip().strip("'\""),
        flags=re.IGNORECASE,
    )
    path = re.sub(r"[\\/]+", r"\\", path)
    if path == "~" or path.startswith("~\\"):
        path = HOME + path[1:]
    return path if len(path) <= 3 else path.rstrip("\\")


def parent(path: str) -> str:
    return path.rpartition("\\")[0]


def leaf(path: str) -> str:
    return path.rpartition("\\")[2]


@dataclass
class Entry:
    """A file, or a folder where `content` is None."""

    path: str
    content: bytes | None
    written: datetime


@dataclass
class FileSystem:
    """A drive C: as far as modules look at it. Names keep their case and are found in any."""

    entries: dict[str, Entry] = field(default_factory=dict)

    ROOTS = ("c:", "c:\\", "c:\\windows", "c:\\users", "c:\\program files", "c:\\programdata", HOME.lower())

    def get(self, path: str) -> Entry | None:
        path = normal_path(path)
        found = self.entries.get(path.lower())
        if found is None and path.lower() in (*self.ROOTS, ENVIRONMENT["temp"].lower()):
            return Entry(path, None, FILETIME_EPOCH)
        return found

    def is_folder(self, path: str) -> bool:
        entry = self.get(path)
        return entry is not None and entry.content is None

    def read(self, path: str) -> bytes | None:
        entry = self.get(path)
        return entry.content if entry else None

    def write(self, path: str, content: bytes, now: datetime) -> Entry:
        path = normal_path(path)
        entry = Entry(path, content, now)
        self.entries[path.lower()] = entry
        return entry

    def make_folder(self, path: str, now: datetime) -> None:
        path = normal_path(path)
        if not path or self.get(path) is not None:
            return
        self.make_folder(parent(path), now)
        self.entries[path.lower()] = Entry(path, None, now)

    def remove(self, path: str) -> bool:
        """The entry and all below it; False if there was none."""
        low = normal_path(path).lower()
        gone = [key for key in self.entries if key == low or key.startswith(low + "\\")]
        for key in gone:
            del self.entries[key]
        return bool(gone)

    def below(self, path: str) -> list[Entry]:
        low = normal_path(path).lower() + "\\"
        return [entry for key, entry in self.entries.items() if key.startswith(low)]


@dataclass
class Job:
    """An asynchronous task. A reboot kills it: what had not finished never will."""

    jid: str
    results_file: str
    started_at: datetime
    result: dict[str, Any] | None = None
    dead: bool = False

    def status(self) -> dict[str, Any]:
        if self.result is None:
            return {
                "started": True,
                "finished": False,
                "results_file": self.results_file,
                "ansible_job_id": self.jid,
                "_ansible_suppress_tmpdir_delete": True,
            }
        return {**self.result, "finished": True, "ansible_job_id": self.jid}
