# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials are taken out of whatever is recorded, names of users where the policy says so, and nothing else is."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils import automate
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.credentials import secrets_among
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.redact import Redactor
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import (
    OnCallSettings,
    PsaSettings,
    Settings,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import canonical
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
CANARIES = {name: f"canary-{name}/!§" for name in ("automate", "private", "public", "client", "on-call", "hook")}


def failed(message: str, kind: str = "step.failed") -> Event:
    body: dict[str, Any] = {"step": "install", "message": message} if kind == "step.failed" else {"text": message}
    return Event(kind, "WS01" if kind == "step.failed" else None, NOW, body)


@given(st.text(min_size=5), st.text(), st.text())
def test_a_credential_is_in_no_text(secret: str, before: str, after: str) -> None:
    event = Redactor([secret]).event(failed(before + secret + after))
    if secret not in before + "********" + after:
        assert secret not in event.body["message"]


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda some: st.lists(some) | st.dictionaries(st.text(), some))
)
def test_what_holds_none_stays_as_it_is(value: Any) -> None:
    event = Event("run.closed", None, NOW, {"hosts": {"x": value}})
    assert Redactor(["correct horse battery"]).event(event) is event


def test_of_a_credential_that_begins_another_nothing_is_left() -> None:
    redactor = Redactor(["Winter"])
    redactor.learn(["Winter2026!"])
    assert redactor.event(failed("logon with Winter2026! failed")).body["message"] == "logon with ******** failed"
    settings = automate.Settings("https://rmm", "reader", "Winter", "Winter2026!")
    assert settings.scrub("you sent Winter2026!") == "you sent ***"


def test_credentials_of_every_setting_are_in_no_file(tmp_path: Path) -> None:
    key = SigningKey.make()
    settings = Settings(
        ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
        automate=automate.Settings("https://rmm", "reader", CANARIES["automate"], CANARIES["client"]),
        psa=PsaSettings("https://psa", "msp", CANARIES["public"], CANARIES["private"], CANARIES["client"], "Board"),
        on_call=OnCallSettings("webhook", "https://u:canary-hook@hook/", CANARIES["on-call"]),
        signing_key_data=key.secrets[1],
        spool=tmp_path / "spool.jsonl",
    )
    secrets = [*CANARIES.values(), "canary-hook", *key.secrets, "canary-of-the-host"]
    recorder = Recorder(settings)
    recorder.redactor.learn(["canary-of-the-host"])
    everything = " and ".join(secrets)
    recorder.record([failed(everything)])
    recorder.append(
        recorder.ledger, [Event("plan.decided", "WS01", NOW, {"decision": {"a": [everything]}, "cycle": None})]
    )
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END")
    connection.close()
    recorder.record([failed(everything)])
    assert (tmp_path / "spool.jsonl").exists()
    for path in tmp_path.iterdir():
        assert [secret for secret in secrets if secret.encode() in path.read_bytes()] == [], path
    ((_seq, _run, event),) = recorder.ledger.events(kinds=["step.failed"])
    assert event.body["message"].count("********") == len(secrets)
    assert "canary" not in repr(replace(settings, automate=None, psa=None))


def test_passwords_of_the_ledger_are_known_as_they_are_and_as_they_are_written() -> None:
    url = "postgresql://u:c4n%40ry%2F1@h/d?sslpassword=c4nary-2"
    assert {"c4n@ry/1", "c4n%40ry%2F1", "c4nary-2"} <= set(Settings(ledger=url).secrets())
    assert Settings(ledger="sqlite:////var/lib/a@b:c.sqlite").secrets()[:1] != ["c.sqlite"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"cannot open C:\Users\j.doe\AppData\x.log", r"cannot open C:\Users\USER\AppData\x.log"),
        (r"access denied for ACME\j.doe.", r"access denied for ACME\USER"),
        (r"access denied for 'ACME\jdoe'", r"access denied for 'ACME\USER'"),
        ("mail of j.doe@acme.example, said", "mail of USER, said"),
        (r"C:\Users\Public\x, HKLM\SOFTWARE\y, NT AUTHORITY\SYSTEM, ACME\SYSTEM", None),
        (r"C:\Windows\System32\wuaueng.dll and \\FILES\share\x and 0x80070643", None),
        ("KB5091211 failed: the disk is full", None),
    ],
)
def test_names_of_users_have_stand_ins_where_the_policy_says_so(text: str, wanted: str | None) -> None:
    redactor = Redactor(pseudonyms=b"a secret")
    found = redactor.event(failed(text)).body["message"]
    if wanted is None:
        assert found == text
    else:
        start, dummy, end = wanted.partition("USER")
        assert found.startswith(start)
        assert found.endswith(end)
        assert "doe" not in found
        assert "user-" in found
    assert redactor.event(failed(found)).body["message"] == found, "once is enough"
    assert Redactor().event(failed(text)).body["message"] == text


def test_a_user_is_the_same_wherever_he_is_named() -> None:
    redactor = Redactor(pseudonyms=b"a secret")
    one = redactor.event(failed(r"C:\Users\JDoe\x")).body["message"].split("\\")[2]
    assert redactor.event(failed(r"ACME\jdoe")).body["message"] == f"ACME\\{one}"
    assert Redactor(pseudonyms=b"another").text(r"ACME\jdoe", names=True) != f"ACME\\{one}"


def test_a_hold_that_follows_from_a_failure_names_no_user_either() -> None:
    """Its reason is what the endpoint said; that of a hold that a person placed is the person's."""
    body = {"id": "h", "scope": {"client": r"ACME\jdoe"}, "reason": r"WS01: install failed: C:\Users\j.doe\x is locked"}
    redactor = Redactor(pseudonyms=b"a secret")
    found = redactor.event(Event("hold.placed", "WS01", NOW, {**body, "failure": "f"})).body
    assert "doe" not in found["reason"]
    assert found["scope"] == body["scope"], "what it holds stays what it is"
    assert (
        redactor.event(Event("hold.placed", None, NOW, {**body, "by": "j.doe@msp.example"})).body["by"][:5] == "j.doe"
    )


def test_people_who_decide_keep_their_names() -> None:
    event = Event(
        "failure.root_cause", "WS01", NOW, {"failure": "f", "by": "j.doe@msp.example", "code": "x", "text": "y"}
    )
    assert "j.doe@msp.example" in canonical(Redactor(pseudonyms=b"k").event(event).body)


def test_host_variables_that_are_credentials() -> None:
    variables = {
        "ansible_password": "hunter22",
        "ansible_winrm_pass": "x",
        "ansible_become_password": "{{ vault }}",
        "vpn_token": "{{ nowhere }}",
        "wifi_password": 12345678,
        "has_password": True,
        "a": "b",
    }

    def template(value: object) -> object:
        if value == "{{ nowhere }}":
            raise ValueError("'nowhere' is undefined")
        return "s3cret" if value == "{{ vault }}" else value

    assert secrets_among(variables, template) == ["hunter22", "x", "s3cret", "12345678"]
