# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS is verified by default, and by authorities of one's own where an option names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from ansible_collections.msp.patching.plugins.plugin_utils import automate
from ansible_collections.msp.patching.plugins.plugin_utils.authorities import AuthorityError, own_authorities
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.alerts import Receiver
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import OnCallSettings, PsaSettings
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient

ALERT = {"id": "a", "incident": "i", "action": "trigger", "summary": "s", "severity": "critical", "source": "x"}


class Looking(BaseAdapter):
    """Takes every request, and keeps what it was verified by."""

    def __init__(self) -> None:
        super().__init__()
        self.verified: list[Any] = []

    def send(self, request: requests.PreparedRequest, *_args: Any, **how: Any) -> requests.Response:
        self.verified.append(how["verify"])
        answer = requests.Response()
        answer.status_code, answer.request, answer._content = 202, request, b"[]"
        return answer

    def close(self) -> None:
        """Nothing is open."""


def psa(ca: str | None) -> list[Any]:
    client = PsaClient(PsaSettings("https://psa.example", "c", "p", "k", "i", board="b", ca=ca))
    looking = Looking()
    client._session.mount("https://", looking)
    client.get("system/info")
    return looking.verified


def on_call(ca: str | None) -> list[Any]:
    receiver = Receiver(OnCallSettings("pagerduty", "https://on-call.example/v2/enqueue", "k", ca))
    looking = Looking()
    receiver._session.mount("https://", looking)
    receiver.send(ALERT, "2026-11-11T07:20:00.000000+00:00", 0)
    return looking.verified


@pytest.mark.parametrize("ask", [psa, on_call])
def test_certificates_are_verified(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    assert ask(None) == [True]
    own = tmp_path / "ca.pem"
    own.write_text("PEM")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/others.pem")
    assert ask(str(own)) == [str(own)]


def test_the_rmm_is_verified_unless_somebody_says_otherwise() -> None:
    settings = automate.Settings("https://rmm.example", "u", "p", "c")
    assert settings.verify is True


def test_an_empty_file_of_authorities_is_none_and_a_missing_one_is_told(tmp_path: Path) -> None:
    """AWX hands an empty one over where a credential has nothing for it."""
    empty, own = tmp_path / "empty.pem", tmp_path / "own.pem"
    empty.touch()
    own.write_text("PEM")
    assert own_authorities("psa_ca", None) is None
    assert own_authorities("psa_ca", str(empty)) is None
    assert own_authorities("psa_ca", str(own)) == str(own)
    with pytest.raises(AuthorityError, match="psa_ca: there is no file"):
        own_authorities("psa_ca", str(tmp_path / "nowhere.pem"))
