# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted Automate server, as a transport adapter of requests; and the rows it gives."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

Row = dict[str, Any]


@dataclass
class Reply:
    """What the server answers; a body of bytes goes out as it is, anything else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What the server was asked, with query keys in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    verify: bool | str


Handler = Callable[[Call], Reply | Exception]


class ScriptedServer(BaseAdapter):
    """Answers with what the handler gives; what it gives as an exception is raised, as a lost connection is."""

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self.handler = handler
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def send(  # type: ignore[override]
        self, request: PreparedRequest, timeout: Any = None, verify: Any = True, **_other: Any
    ) -> Response:
        assert timeout, "every call has a time-out"
        parts = urlsplit(request.url or "")
        call = Call(
            request.method or "",
            parts.path,
            {key.lower(): values[0] for key, values in parse_qs(parts.query).items()},
            {key.lower(): str(value) for key, value in request.headers.items()},
            json.loads(request.body) if request.body else None,
            verify,
        )
        with self._lock:
            self.calls.append(call)
            reply = self.handler(call)
        if isinstance(reply, Exception):
            raise reply
        response = Response()
        response.status_code = reply.status
        response.headers = CaseInsensitiveDict(reply.headers)
        response.raw = io.BytesIO(reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode())
        response.request = request
        response.url = request.url or ""
        return response

    def close(self) -> None:
        """Nothing to close."""

    def of(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path.lower().endswith(path.lower())]


@dataclass
class Automate:
    """A handler: logins and paged lists over ``lists`` (rows by path). ``faults`` are asked first, one by one."""

    lists: dict[str, list[Row]] = field(default_factory=dict)
    faults: list[Handler | None] = field(default_factory=list)
    two_factor: bool = False
    password: str = "correct horse"
    expires: str | None = None
    date: str | None = None
    tokens: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))
    good: set[str] = field(default_factory=set)
    total: bool = True

    def __call__(self, call: Call) -> Reply | Exception:
        path = call.path.removeprefix("/cwa/api/v1")
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                return fault(call)
        if path == "/apitoken":
            if call.body["Password"] != self.password:
                return Reply({"Message": "wrong"}, 401)
            if self.two_factor:
                return Reply({"IsTwoFactorRequired": True, "AccessToken": ""})
            return self.issue()
        if path == "/apitoken/refresh":
            return self.issue() if call.body in self.good else Reply(None, 401)
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.good:
            return Reply({"Message": "Authorization has been denied."}, 401)
        return self.page(path, call.query)

    def issue(self) -> Reply:
        token = f"token-{next(self.tokens)}"
        self.good = {token}
        headers = {"Date": self.date} if self.date else {}
        return Reply({"AccessToken": token, "TokenType": "Bearer", "ExpirationDate": self.expires}, headers=headers)

    def page(self, path: str, query: Mapping[str, str]) -> Reply:
        rows = self.lists.get(path)
        if rows is None:
            return Reply({"Message": "No such list."}, 404)
        if "ids" in query:
            rows = [row for row in rows if str(row["Id"]) in query["ids"].split(",")]
        size, number = int(query.get("pagesize", 30)), int(query.get("page", 1))
        headers = {"Total-Count": str(len(rows))} if self.total else {}
        return Reply(rows[(number - 1) * size : number * size], headers=headers)


# -- rows ---------------------------------------------------------------------------------------------------


def computer(number: int, name: str = "", **other: Any) -> Row:
    """A row of /Computers, its ids as mixed as the API's; a Windows 11 of client 1 at location 10 unless told."""
    return {
        "Id": str(number),
        "ComputerName": name or f"PC{number:02}",
        "Client": {"Id": "1", "Name": "Acme Dental"},
        "Location": {"Id": 10, "Name": "Main Office"},
        "Type": "Workstation",
        "OperatingSystemName": "Microsoft Windows 11 Pro x64",
        "Status": "Online",
        "RemoteAgentLastContact": "2026-11-11T08:05:00",
        "LoggedInUsers": [],
        "UTCOffset": -300,
        "Comment": "",
        **other,
    }


def server(number: int, name: str = "", **other: Any) -> Row:
    windows = {"Type": "Server", "OperatingSystemName": "Microsoft Windows Server 2022 Standard x64"}
    return computer(number, name or f"SRV{number:02}", **{**windows, **other})


def text_field(title: str, value: str | None, *, section: str = "Patching", default: bool | None = None) -> Row:
    row = {"Title": title, "Section": section, "TextFieldSettings": {"Value": value, "DefaultValue": ""}}
    return row if default is None else {**row, "IsDefaultValue": default}


def checkbox(title: str, *, checked: bool, default: bool | None = None) -> Row:
    row = {"Title": title, "Section": "Patching", "CheckboxSettings": {"IsChecked": checked, "DefaultValue": False}}
    return row if default is None else {**row, "IsDefaultValue": default}


def dropdown(title: str, chosen: str, options: Mapping[str, str]) -> Row:
    settings = {"SelectedValue": chosen, "DefaultValue": "", "AvailableOptions": dict(options)}
    return {"Title": title, "Section": "Patching", "DropdownSettings": settings}


def client(number: int, name: str, *fields: Row) -> Row:
    return {"Id": str(number), "Name": name, "ExtraFields": list(fields)}


def location(number: int, name: str, client_id: int, *fields: Row) -> Row:
    return {
        "Id": number,
        "LocationId": number,
        "Name": name,
        "Client": {"Id": str(client_id), "Name": ""},
        "ExtraFields": list(fields),
    }
