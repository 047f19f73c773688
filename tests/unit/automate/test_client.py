# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client over a scripted server: logins, retries, settings, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import (
    COMPUTERS,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import (
    AnswerError,
    LoginError,
    OptionError,
    TwoFactorError,
    UnreachableError,
    VisibilityError,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.login import Login
from ansible_collections.msp.patching.plugins.plugin_utils.automate.settings import Settings
from tests.unit.automate.bench import ACCOUNT, Bench, always, rows
from tests.unit.automate.fakes import Automate, Reply

# -- logins -------------------------------------------------------------------------------------------------


def test_every_call_bears_token_and_client_id_and_checks_the_certificate() -> None:
    bench = Bench(Automate({"/Computers": rows(1)}))
    bench.client.read(COMPUTERS)
    login, page = bench.server.calls
    assert login.body == {"UserName": "patching", "Password": "correct horse"}
    assert page.headers["authorization"] == "Bearer token-1"
    assert {call.headers["clientid"] for call in bench.server.calls} == {"6a1f2f0e-0000"}
    assert all(call.verify for call in bench.server.calls)


@pytest.mark.parametrize(("given", "verify"), [({"ca": __file__}, __file__), ({"validate_certs": False}, False)])
def test_the_options_on_certificates_outrank_the_environment(
    given: dict[str, Any], verify: bool | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/hosts")
    bench = Bench(Automate({"/Computers": []}), **given)
    bench.client.read(COMPUTERS)
    assert {call.verify for call in bench.server.calls} == {verify}


def test_an_account_in_netrc_does_not_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine rmm.example.net login me password mine", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    bench = Bench(Automate({"/Computers": []}))
    bench.client.read(COMPUTERS)
    assert bench.server.calls[-1].headers["authorization"] == "Bearer token-1"


def test_a_wrong_password_is_tried_once_and_never_told() -> None:
    bench = Bench(Automate(), password="wrong horse")
    with pytest.raises(LoginError, match="refuses the account 'patching'") as caught:
        bench.client.read(COMPUTERS)
    assert len(bench.server.calls) == 1
    assert "wrong horse" not in str(caught.value)
    assert "wrong horse" not in repr(bench.settings)


def test_two_factor_is_told_though_the_status_is_200() -> None:
    with pytest.raises(TwoFactorError, match="Integrator"):
        Bench(Automate(two_factor=True)).client.read(COMPUTERS)


def test_a_refused_token_is_replaced_once_and_the_request_repeated() -> None:
    bench = Bench(Automate({"/Computers": rows(1)}, faults=[None, always(Reply(None, 401))]))
    assert len(bench.client.read(COMPUTERS)) == 1
    assert [call.path.rpartition("/")[2] for call in bench.server.calls] == [
        "apitoken",
        "Computers",
        "apitoken",
        "Computers",
    ]


def test_a_fresh_token_that_is_refused_points_at_the_client_id() -> None:
    refusal = always(Reply({"Message": "denied 6a1f2f0e-0000"}, 401))
    bench = Bench(Automate(faults=[None, refusal, None, refusal]))
    with pytest.raises(LoginError, match="client_id") as caught:
        bench.client.read(COMPUTERS)
    assert "6a1f2f0e-0000" not in str(caught.value)


def test_no_permission_is_told() -> None:
    bench = Bench(Automate(faults=[None, always(Reply(None, 403))]))
    with pytest.raises(VisibilityError, match="user class"):
        bench.client.read(COMPUTERS)


def test_a_token_is_refreshed_by_itself_before_it_expires() -> None:
    """An hour by the server's clock, which is a month behind ours."""
    automate = Automate(date="Wed, 21 Oct 2026 10:00:00 GMT", expires="2026-10-21T11:00:00")
    bench = Bench(automate)
    now = 0.0
    login = Login(bench.settings, bench.transport, monotonic=lambda: now)
    assert [login.token(), login.token()] == ["token-1", "token-1"]
    now = 2879.0
    assert login.token() == "token-1"
    now = 2881.0
    assert login.token() == "token-2"
    assert bench.server.of("/apitoken/refresh")[0].body == "token-1"


def test_a_refresh_that_is_refused_becomes_a_login() -> None:
    automate = Automate(date="Wed, 21 Oct 2026 10:00:00 GMT", expires="2026-10-21T11:00:00")
    bench = Bench(automate)
    now = 0.0
    login = Login(bench.settings, bench.transport, monotonic=lambda: now)
    login.token()
    automate.good.clear()
    now = 3000.0
    assert login.token() == "token-2"
    assert len(bench.server.of("/apitoken")) == 2


def test_threads_that_are_refused_together_log_in_once() -> None:
    bench = Bench(Automate())
    login = Login(bench.settings, bench.transport)
    first = login.token()
    assert login.renew(first) == "token-2"
    assert login.renew(first) == "token-2"


# -- passing errors -----------------------------------------------------------------------------------------


LOST = requests.exceptions.ConnectionError("refused")


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([Reply(None, 500)], [0.5]),
        ([Reply(None, 503), LOST, requests.exceptions.ReadTimeout()], [0.5, 1.0, 2.0]),
        ([Reply(None, 429, {"Retry-After": "7"})], [7.0]),
        (
            [
                Reply(
                    None,
                    503,
                    {"Date": "Wed, 11 Nov 2026 08:00:00 GMT", "Retry-After": "Wed, 11 Nov 2026 08:00:09 GMT"},
                )
            ],
            [9.0],
        ),
        ([requests.exceptions.ChunkedEncodingError("cut")], [0.5]),
        ([Reply(b'[{"Id": "1"}, {"I')], [0.5]),
    ],
)
def test_a_passing_error_costs_a_wait(faults: list[Reply | Exception], waits: list[float]) -> None:
    bench = Bench(Automate({"/Computers": rows(2)}, faults=[None, *(always(fault) for fault in faults)]))
    assert len(bench.client.read(COMPUTERS)) == 2
    assert bench.waits == waits


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (LOST, "the connection failed or was cut .*refused"),
        (requests.exceptions.ReadTimeout(), r"no answer within 30 s \(option timeout\)"),
        (Reply({"Message": "busy"}, 500), r"status 500, busy, also after 2 retries"),
        (Reply(b'[{"Id": "1"}, {"I'), "the answer breaks off after 17 bytes"),
    ],
)
def test_an_error_that_does_not_pass_is_told(fault: Reply | Exception, says: str) -> None:
    bench = Bench(Automate(faults=[None, *[always(fault)] * 3]), retries=2)
    with pytest.raises(UnreachableError, match=says):
        bench.client.read(COMPUTERS)
    assert len(bench.waits) == 2


def test_a_server_that_asks_for_much_patience_is_told_at_once() -> None:
    bench = Bench(Automate(faults=[None, always(Reply(None, 429, {"Retry-After": "3600"}))]))
    with pytest.raises(UnreachableError, match="come back in 3600 seconds"):
        bench.client.read(COMPUTERS)
    assert bench.waits == []


def test_an_untrusted_certificate_is_told_at_once() -> None:
    bench = Bench(Automate(faults=[always(requests.exceptions.SSLError("self-signed"))]))
    with pytest.raises(UnreachableError, match="option ca"):
        bench.client.read(COMPUTERS)
    assert bench.waits == []


def test_a_redirect_is_told_and_not_followed() -> None:
    bench = Bench(Automate(faults=[always(Reply(None, 302, {"Location": "https://elsewhere.example"}))]))
    with pytest.raises(AnswerError, match=r"redirects to 'https://elsewhere.example'"):
        bench.client.read(COMPUTERS)
    assert len(bench.server.calls) == 1


def test_a_page_that_fails_fails_the_list() -> None:
    automate = Automate({"/Computers": rows(3500)})
    whole = automate.page
    automate.page = lambda path, query: (  # type: ignore[method-assign]
        Reply({"Message": "gone"}, 404) if query["page"] == "3" else whole(path, query)
    )
    with pytest.raises(AnswerError, match="status 404, gone"):
        Bench(automate).client.read(COMPUTERS)


# -- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": ""}, "option url: is empty"),
        ({"password": ""}, "option password: is empty"),
        ({"url": "rmm.example.net"}, "option url: 'rmm.example.net' is not a URL such as https://"),
        ({"url": "http://rmm.example.net"}, "option url: .* unencrypted; use https"),
        ({"url": "https://me:word@rmm.example.net"}, "option url: holds an account"),
        ({"url": "https://[rmm"}, "option url: "),
        ({"ca": "/nowhere/ca.pem"}, "option ca: there is no file or folder '/nowhere/ca.pem'"),
        ({"timeout": 0}, "option timeout"),
        ({"retries": -1}, "option retries"),
    ],
)
def test_bad_settings_name_the_option(change: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says) as caught:
        Settings(**{**ACCOUNT, **change})
    assert ":word@" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://rmm.example.net", "https://rmm.example.net/", "https://rmm.example.net/cwa/API/v1/"]
)
def test_the_api_path_is_added_where_it_is_missing(url: str) -> None:
    assert Settings(**{**ACCOUNT, "url": url}).api.lower() == "https://rmm.example.net/cwa/api/v1"
