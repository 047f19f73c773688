# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a ticket, and how the client treats what must not be repeated."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import PsaSettings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import (
    PsaClient,
    PsaError,
    PsaRefusedError,
    PsaUnavailableError,
    quoted,
)
from ansible_collections.msp.patching.plugins.plugin_utils.psa.tickets import Failing, check_lines, summary, xref


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=3))
def test_a_key_is_short_plain_and_always_the_same(parts: list[str]) -> None:
    key = xref(*parts)
    assert len(key) <= 100
    assert key.isascii()
    assert '"' not in key
    assert key == xref(*parts)


def test_long_keys_stay_apart() -> None:
    assert xref("A" * 120, "x") != xref("A" * 120, "y")


@given(st.lists(st.sampled_from(["0x80070643", "0x8024402C", None]), min_size=1, max_size=9))
def test_a_summary_fits_the_psa(codes: list[str | None]) -> None:
    failing = [Failing(f"Update {n}" * 9, code, None, "", "", "unknown") for n, code in enumerate(codes)]
    line = summary(Endpoint.parse({"name": "ACME-WS01"}), "install", failing)
    assert line.startswith("Patching: ACME-WS01: the install failed")
    assert len(line) <= 100


def test_what_failed_and_what_to_check_are_sentences() -> None:
    seen = check_lines([{"name": "antivirus", "ok": False, "seen": "WinDefend is stopped"}])
    assert seen == "antivirus: WinDefend is stopped."
    for meaning in (seen, seen.removesuffix(".")):
        failing = Failing("", None, None, meaning, "Is it up?", "unknown")
        assert failing.in_words() == "antivirus: WinDefend is stopped. Is it up?"


def test_text_in_a_condition_is_quoted() -> None:
    assert quoted('O"Brien \\ Sons') == '"O\\"Brien \\\\ Sons"'


class Server(http.server.BaseHTTPRequestHandler):
    """Answers every request with the next of `answers` (status, headers, body), the last one again and again."""

    answers: list[tuple[int, dict[str, str], str]]
    seen: list[tuple[str, dict[str, str]]]

    def _answer(self) -> None:
        self.seen.append((f"{self.command} {self.path}", dict(self.headers)))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = _answer  # noqa: N815 -- the names that http.server calls

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    handler = type("Handler", (Server,), {"answers": [(200, {}, "[]")], "seen": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def client(server: http.server.HTTPServer, waits: list[float]) -> PsaClient:
    url = f"http://127.0.0.1:{server.server_port}"
    return PsaClient(PsaSettings(url, "lab", "public", "private", "guid", "Board"), sleep=waits.append)


def handler(server: http.server.HTTPServer) -> type[Server]:
    kind = server.RequestHandlerClass
    assert isinstance(kind, type)
    assert issubclass(kind, Server)
    return kind


def test_every_call_bears_the_credentials_and_the_client_id(server: http.server.HTTPServer) -> None:
    client(server, []).get("system/info")
    ((line, headers),) = handler(server).seen
    assert line == "GET /v4_6_release/apis/3.0/system/info"
    assert headers["clientId"] == "guid"
    assert headers["Authorization"] == "Basic bGFiK3B1YmxpYzpwcml2YXRl"


def test_a_read_waits_as_long_as_it_is_told(server: http.server.HTTPServer) -> None:
    handler(server).answers = [(429, {"Retry-After": "3"}, "{}"), (500, {}, "oops"), (200, {}, "[]")]
    waits: list[float] = []
    assert client(server, waits).get("service/tickets") == []
    assert waits == [3.0, 1.0]


def test_a_read_does_not_wait_for_ever(server: http.server.HTTPServer) -> None:
    handler(server).answers = [(429, {"Retry-After": "3600"}, '{"error": "ConnectWiseAPI", "message": "Too many"}')]
    waits: list[float] = []
    with pytest.raises(PsaUnavailableError, match="429 Too many"):
        client(server, waits).get("service/tickets")
    assert waits == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_write_is_sent_once(server: http.server.HTTPServer, status: int) -> None:
    handler(server).answers = [(status, {}, "{}")]
    with pytest.raises(PsaUnavailableError):
        client(server, []).post("service/tickets", {"summary": "x"})
    assert len(handler(server).seen) == 1


def test_a_write_follows_no_redirect_and_takes_the_record_from_the_answer(server: http.server.HTTPServer) -> None:
    elsewhere = {"Location": f"http://127.0.0.1:{server.server_port}/elsewhere"}
    handler(server).answers = [(201, elsewhere, '{"id": 7}')]
    assert client(server, []).post("service/tickets", {}) == {"id": 7}
    handler(server).answers = [(302, elsewhere, "")]
    with pytest.raises(PsaRefusedError, match="302"):
        client(server, []).post("service/tickets", {})
    assert all("elsewhere" not in line for line, dummy in handler(server).seen)


def test_an_answer_that_quotes_the_credentials_is_told_without_them(server: http.server.HTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    psa = PsaClient(PsaSettings(url, "lab", "C4n4ry-public", "C4n4ry-private", "C4n4ry-guid", "Board"), sleep=print)
    sent = base64.b64encode(b"lab+C4n4ry-public:C4n4ry-private").decode()
    for status in (401, 503):
        handler(server).answers = [(status, {}, f"no entry for C4n4ry-public C4n4ry-private C4n4ry-guid {sent}")]
        with pytest.raises(PsaError) as failed:
            psa.post("service/tickets", {})
        assert "no entry for *** *** *** ***" in str(failed.value)


def test_a_refusal_says_which_field(server: http.server.HTTPServer) -> None:
    body = (
        '{"code": "InvalidObject", "message": "ticket is invalid", "errors": [{"field": "summary", "message": "long"}]}'
    )
    handler(server).answers = [(400, {}, body)]
    with pytest.raises(PsaRefusedError, match="400 ticket is invalid; summary long"):
        client(server, []).post("service/tickets", {})
