# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents: what was uploaded is kept to the byte as it came, and ``_info.sha256`` says what that was.

Like the real server we take no notice of Content-Transfer-Encoding (RFC 7578 deprecates it): a client that
sends a file in base64 gets base64 back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ..web import no_content
from .errors import PsaError
from .lists import count, listing, one, query_of
from .table import Row, Table

PATH = "/system/documents"
RECORDS = {
    "ticket": "ticket",
    "service": "ticket",
    "projectticket": "ticket",
    "company": "company",
    "configuration": "configuration",
    "timeentry": "timeEntry",
    "agreement": None,
    "knowledgebase": None,
}
"""Record types to the tables that must hold the record; those without one cannot be checked here."""
LARGEST = 100 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    name: str
    filename: str | None
    content_type: str
    body: bytes


def split_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts of a ``multipart/form-data`` body, their bytes untouched."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise PsaError(415, "The request must be multipart/form-data.")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise PsaError(400, "the multipart body does not end with its boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank:
        raise PsaError(400, "a part of the multipart body has no blank line behind its headers")
    header = Message()
    for line in head.decode("utf-8", "replace").strip().splitlines():
        key, _colon, value = line.partition(":")
        header[key.strip()] = value.strip()
    name = header.get_param("name", header="content-disposition")
    return Part(str(name or ""), header.get_filename(), header.get_content_type(), content)


class Documents:
    def __init__(self, tables: Mapping[str, Table], member: str) -> None:
        self._tables = tables
        self._table = tables["document"]
        self._member = member
        self._contents: dict[int, tuple[str, bytes]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self._list, methods=["GET"]),
            Route(PATH, self._upload, methods=["POST"]),
            Route(f"{PATH}/count", self._count, methods=["GET"]),
            Route(f"{PATH}/uploadsample", self._sample, methods=["GET"]),
            Route(f"{PATH}/{{row:int}}", self._one, methods=["GET"]),
            Route(f"{PATH}/{{row:int}}", self._delete, methods=["DELETE"]),
            Route(f"{PATH}/{{row:int}}/download", self._download, methods=["GET"]),
            Route(f"{PATH}/{{row:int}}/thumbnail", self._thumbnail, methods=["GET"]),
        ]

    async def _upload(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST:
            raise PsaError(413, f"The file is larger than {LARGEST} bytes.", code="RequestTooLarge")
        parts = split_multipart(request.headers.get("content-type", ""), body)
        form = {part.name.lower(): part.body.decode("utf-8", "replace") for part in parts if part.filename is None}
        file = next((part for part in parts if part.filename is not None), None)
        record_type, record_id = self._record(form.get("recordtype"), form.get("recordid"))
        if file is None and not form.get("url"):
            raise PsaError(400, "documentInfo object is invalid", ("MissingRequiredField", "No file.", "file"))
        name = file.filename if file and file.filename else ""
        content = file.body if file else b""
        row = self._table.create(
            {
                "title": form.get("title") or name,
                "fileName": name,
                "serverFileName": f"{uuid4()}{name[name.rfind('.') :] if '.' in name else ''}",
                "owner": self._member,
                "size": len(content),
                "guid": str(uuid4()),
                "recordType": record_type,
                "recordId": record_id,
                "url": form.get("url"),
                "urlFlag": file is None,
                "linkFlag": file is None,
                "imageFlag": bool(file and file.content_type.startswith("image/")),
                "publicFlag": form.get("privateflag", "").lower() != "true",
                "readOnlyFlag": "true" in (form.get("readonlyflag", "").lower(), form.get("readonlyflay", "").lower()),
            }
        )
        self._contents[row["id"]] = (file.content_type if file else "", content)
        return one(request, self._told(row), self._table.names, 201)

    async def _list(self, request: Request) -> Response:
        return listing(request, self._rows(request), self._table.names)

    async def _count(self, request: Request) -> Response:
        return count(request, self._rows(request), self._table.names)

    async def _one(self, request: Request) -> Response:
        return one(request, self._told(self._table.get(request.path_params["row"])), self._table.names)

    async def _delete(self, request: Request) -> Response:
        self._table.delete(request.path_params["row"])
        self._contents.pop(request.path_params["row"], None)
        return no_content()

    async def _download(self, request: Request) -> Response:
        row = self._table.get(request.path_params["row"])
        name = str(row["fileName"]).replace('"', "")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(self._contents[row["id"]][1], media_type="application/octet-stream", headers=headers)

    async def _thumbnail(self, request: Request) -> Response:
        """Of pictures; small ones are their own."""
        row = self._table.get(request.path_params["row"])
        if not row["imageFlag"]:
            raise PsaError(404, f"document {row['id']} has no thumbnail")
        kind, content = self._contents[row["id"]]
        return Response(content, media_type=kind)

    async def _sample(self, _request: Request) -> Response:
        return HTMLResponse(
            '<form method="post" enctype="multipart/form-data" action="../documents">'
            '<input name="recordType"><input name="recordId"><input name="title">'
            '<input type="file" name="file"><input type="submit"></form>'
        )

    def _told(self, row: Row) -> Row:
        content = self._contents[row["id"]][1]
        return {**row, "_info": {**row["_info"], "sha256": hashlib.sha256(content).hexdigest()}}

    def _rows(self, request: Request) -> list[Row]:
        query = query_of(request)
        wanted = self._record(query.get("recordtype"), query.get("recordid"))
        return [self._told(row) for row in self._table if (row["recordType"], row["recordId"]) == wanted]

    def _record(self, record_type: str | None, record_id: str | None) -> tuple[str, int]:
        """Both must be given, and the record must exist."""
        kind = (record_type or "").lower()
        if kind not in RECORDS or not (record_id or "").isdigit():
            raise PsaError(400, "recordType and recordId are required", ("Required", "recordType", "recordType"))
        table = RECORDS[kind]
        number = int(record_id or 0)
        if table and not self._tables[table].has(number):
            raise PsaError(404, f"{record_type} {number} not found")
        return "Ticket" if table == "ticket" else str(record_type), number
