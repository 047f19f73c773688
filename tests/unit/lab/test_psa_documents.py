# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents to the byte, and callbacks with their signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lab.psa.callbacks import sign
from tests.unit.lab.asgi import Client

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--boundary\r\n\r\n\n"


@pytest.fixture
def ticket(psa: Client) -> int:
    return int(psa.post("/service/tickets", json={"summary": "S", "company": {"id": 251}}).json()["id"])


def upload(psa: Client, ticket: int, content: bytes = PICTURE, **more: str) -> Any:
    form = {"recordType": "Ticket", "recordId": str(ticket), **more}
    return psa.post("/system/documents", data=form, files={"file": ("r.png", content, "image/png")})


def test_a_document_is_kept_to_the_byte(psa: Client, ticket: int) -> None:
    told = upload(psa, ticket, Title="Compliance").json()
    assert (told["title"], told["fileName"], told["size"]) == ("Compliance", "r.png", len(PICTURE))
    assert told["_info"]["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    answer = psa.get(f"/system/documents/{told['id']}/download")
    assert answer.content == PICTURE
    assert answer.headers["Content-Disposition"] == 'attachment; filename="r.png"'
    assert psa.get(f"/system/documents/{told['id']}/thumbnail").content == PICTURE
    assert [row["id"] for row in psa.get(f"/service/tickets/{ticket}/documents").json()] == [told["id"]]
    query = f"recordType=Ticket&recordId={ticket}"
    assert psa.get(f"/system/documents/count?{query}").json() == {"count": 1}
    assert psa.delete(f"/system/documents/{told['id']}").status_code == 204
    assert psa.get(f"/system/documents?{query}").json() == []


def test_a_file_sent_in_base64_stays_base64(psa: Client, ticket: int) -> None:
    """As ansible-core's prepare_multipart sends files; servers take no notice of the encoding header."""
    encoded = base64.b64encode(PICTURE)
    body = (
        b'--b\r\nContent-Disposition: form-data; name="recordType"\r\n\r\nTicket\r\n'
        b'--b\r\nContent-Disposition: form-data; name="recordId"\r\n\r\n%d\r\n'
        b'--b\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name="file"; filename="r.png"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n"
    ) % (ticket, encoded)
    headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
    told = psa.post("/system/documents", data=body, headers=headers).json()
    assert psa.get(f"/system/documents/{told['id']}/download").content == encoded
    assert told["title"] == "r.png"


def test_documents_that_cannot_be(psa: Client, ticket: int) -> None:
    assert psa.post("/system/documents", json={"recordType": "Ticket"}).status_code == 415
    assert upload(psa, 99).status_code == 404
    assert upload(psa, ticket, recordType="Sandwich").status_code == 400
    assert psa.get("/system/documents").status_code == 400
    cut = psa.post(
        "/system/documents", data=b"--b\r\nContent-Disp", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert cut.status_code == 400


@pytest.fixture
def listener() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """An address that takes callbacks: 409 at first, then 200; and what came there."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.headers["x-content-signature"], body))
            self.send_response(409 if len(got) == 1 else 200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_callback_is_signed_and_repeated_on_conflict(
    psa: Client, ticket: int, listener: tuple[str, list[tuple[str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.psa.callbacks.RETRY_AFTER_SECONDS", (0.0, 0.0))
    url, got = listener
    entry = {"url": url, "type": "ticket", "level": "board", "objectId": 1, "description": "d"}
    assert psa.post("/system/callbacks", json=entry).status_code == 201
    patch = [{"op": "replace", "path": "summary", "value": "T"}]
    psa.patch(f"/service/tickets/{ticket}", json=patch)
    psa.adapter.run_pending()
    psa.post("/service/tickets", json={"summary": "other board", "company": {"id": 251}, "board": {"id": 2}})
    psa.adapter.run_pending()
    assert len(got) == 2, "once refused, once taken; nothing from the other board"
    signature, body = got[1]
    told = json.loads(body)
    assert (told["Action"], told["Type"], told["ID"]) == ("updated", "ticket", ticket)
    assert json.loads(told["Entity"])["summary"] == "T"
    key = psa.get(told["Metadata"]["key_url"]).json()["signing_key"]
    digest = hmac.new(hashlib.sha256(key.encode()).digest(), body, hashlib.sha256).digest()
    assert signature == base64.b64encode(digest).decode() == sign(key, body)


@pytest.mark.parametrize(
    "change", [{"url": "https://example.test/x"}, {"type": "sandwich"}, {"level": "galaxy"}, {"description": "x" * 101}]
)
def test_callbacks_that_the_lab_will_not_make(psa: Client, change: dict[str, str]) -> None:
    entry = {"url": "http://127.0.0.1:9/x", "type": "ticket", "level": "owner", **change}
    assert psa.post("/system/callbacks", json=entry).status_code == 400
