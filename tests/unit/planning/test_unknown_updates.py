# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose RMM does not answer: it asks once, tells it once, and does not stand still in every pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils import automate
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Update
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.planning.session import Session
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING

NOW = datetime(2026, 11, 11, 8, 5, tzinfo=UTC)
UPDATE = Update(id="u-1", kb=("5091211",), title="2026-11 Cumulative Update (KB5091211)")
ENDPOINT: dict[str, Any] = {
    "patching_id": 3,
    "patching_name": "WS",
    "patching_client": "Acme",
    "patching_kind": "workstation",
    "patching_ring": "pilot",
    "patching_track": "overnight",
    "patching_policy_group": "auto",
    "patching_time_zone": "America/New_York",
}


class HostVars(dict[str, Mapping[str, Any]]):
    """Host variables as Ansible has them for an action."""

    raw_get = dict.__getitem__


class Broken:
    """An RMM that answers everything with an error, and counts."""

    def __init__(self) -> None:
        self.requests = 0
        broken = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                broken.requests += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def account(self) -> automate.Settings:
        return automate.Settings(f"http://127.0.0.1:{self.server.server_address[1]}", "patching", "secret", "guid")


@pytest.fixture
def rmm() -> Iterator[Broken]:
    broken = Broken()
    yield broken
    broken.server.shutdown()
    broken.server.server_close()
    broken.thread.join()


@pytest.fixture
def settings(rmm: Broken, tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.yml"
    policy.write_text("clock: simulated\n")
    return Settings(
        ledger=f"sqlite:///{tmp_path}/ledger.sqlite",
        policy=policy,
        as_of=NOW,
        by="j.doe",
        spool=tmp_path / "spool",
        automate=rmm.account,
    )


def planned(settings: Settings, at: datetime, failed: datetime | None = None) -> Session:
    recorder = Recorder(replace(settings, as_of=at))
    session = Session(recorder, HostVars(WS=ENDPOINT), ["WS"], ["WS"], [*ACTING], ["WS"], rmm_failed=failed)
    session.open(None)
    return session


@pytest.fixture
def searched(settings: Settings) -> Settings:
    recorder = Recorder(settings)
    ledger = recorder.ledger
    found = {"updates": [UPDATE.as_record()]}
    recorder.append(ledger, [Event("scan.finished", "WS", NOW - timedelta(hours=1), found)])
    return settings


def test_an_rmm_that_fails_is_asked_twice_and_then_not_in_the_next_passes(searched: Settings, rmm: Broken) -> None:
    first = planned(searched, NOW)
    assert [text for text in first.troubles if "the RMM could not be asked for 1 updates" in text]
    assert rmm.requests == 2, "the request and one more attempt"
    assert first.rmm_failed is not None
    assert first.rmm_failed > NOW

    second = planned(searched, NOW + timedelta(minutes=29), first.rmm_failed)
    assert (rmm.requests, second.troubles, second.rmm_failed) == (2, [], first.rmm_failed)


def test_half_an_hour_later_it_is_asked_again_and_not_told_again(searched: Settings, rmm: Broken) -> None:
    later = NOW + timedelta(minutes=30)
    session = planned(searched, later, NOW)
    assert (rmm.requests, session.troubles) == (2, [])
    assert session.rmm_failed is not None
    assert session.rmm_failed > later
