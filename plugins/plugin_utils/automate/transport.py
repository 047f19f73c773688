# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to Automate and its answer: sessions, time-outs, retries. Knows nothing of logins or lists."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..requirements import requests
from .errors import AnswerError, UnreachableError
from .settings import Settings

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session
    from requests.adapters import BaseAdapter

PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses worth another try. 500 is among them: Automate gives it when its database is busy."""
LONGEST_WAIT = 60.0
"""Seconds. A server that asks for more patience than this is reported, not waited for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and the decoded JSON body; text that is no JSON stays text."""

    status: int
    headers: Mapping[str, str]
    body: object

    def complaint(self) -> str:
        """What the server says is wrong. No error body of Automate is documented, so the usual places are tried."""
        if isinstance(self.body, dict):
            for key in ("message", "Message", "ExceptionMessage", "error"):
                if self.body.get(key):
                    return str(self.body[key])[:300]
        return " ".join(str(self.body or "").split())[:300]

    def instant(self) -> datetime | None:
        """The server's clock when it answered."""
        return _http_date(self.headers.get("date", ""))


class Transport:
    """Sends requests, from several threads at once; each thread has its own pooled session.

    ``adapter`` makes the requests transport adapter of each session (tests script the server with it);
    ``sleep`` is how to wait.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        adapter: Callable[[], BaseAdapter] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._adapter = adapter
        self._sleep = sleep
        self._local = threading.local()
        self._sessions: list[Session] = []

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        self._local = threading.local()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        token: str | None = None,
    ) -> Answer:
        """The answer, whatever its status. Only for requests that may be repeated: reads and logins.

        Raises `UnreachableError` when there is none after the retries, and `AnswerError` on a redirect.
        """
        attempt = 0
        while True:
            attempt += 1
            failure: UnreachableError | None = None
            answer = None
            try:
                answer = self._once(method, path, params, body, token)
            except _PassingError as exc:
                failure = UnreachableError(self._settings.scrub(f"{method} {self._settings.api}{path}: {exc}"))
            if answer is not None and answer.status not in PASSING:
                return answer
            if attempt > self._settings.retries:
                if answer is not None:
                    return answer
                raise failure or UnreachableError(path)
            self._sleep(_wait(answer, attempt))

    def _once(
        self, method: str, path: str, params: Mapping[str, str] | None, body: object, token: str | None
    ) -> Answer:
        def authorize(request: PreparedRequest) -> PreparedRequest:
            # As an auth object, so that a line in ~/.netrc does not replace the token.
            if token is not None:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        errors = requests.exceptions
        try:
            response = self._session().request(
                method,
                self._settings.api + path,
                params=params,
                json=body,
                auth=authorize,
                timeout=self._settings.timeout,
                verify=self._settings.verify,  # per request: REQUESTS_CA_BUNDLE outranks the session's
                allow_redirects=False,  # a login must not follow anybody anywhere
            )
        except errors.SSLError as exc:
            raise UnreachableError(
                f"{self._settings.api}: TLS failed ({_root(exc)}); the option ca names the CA certificates to trust"
            ) from exc
        except errors.Timeout as exc:
            raise _PassingError(f"no answer within {self._settings.timeout:g} s (option timeout)") from exc
        except (errors.ConnectionError, errors.ChunkedEncodingError, errors.ContentDecodingError) as exc:
            raise _PassingError(f"the connection failed or was cut ({_root(exc)}); is option url right?") from exc
        except errors.RequestException as exc:
            raise UnreachableError(self._settings.scrub(f"{method} {self._settings.api}{path}: {_root(exc)}")) from exc
        return self._read(response)

    def _read(self, response: Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.is_redirect:
            raise AnswerError(
                f"{self._settings.api} redirects to {headers.get('location')!r}; set option url to where the API is"
            )
        text = response.content.decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            return Answer(response.status_code, headers, json.loads(text) if text else None)
        except ValueError as exc:
            if response.ok and text.lstrip()[:1] in ("[", "{"):
                raise _PassingError(f"the answer breaks off after {len(response.content)} bytes") from exc
            return Answer(response.status_code, headers, text)

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = not self._settings.loopback  # what runs here is not asked for through a proxy
            if self._adapter is not None:
                session.mount("https://", self._adapter())
                session.mount("http://", self._adapter())
            session.headers.update({"Accept": "application/json", "ClientId": self._settings.client_id})
            self._local.session = session
            self._sessions.append(session)
        return session


class _PassingError(Exception):
    """No usable answer this time; another attempt may get one."""


def _wait(answer: Answer | None, attempt: int) -> float:
    """Seconds until the next attempt: what the server asks for, else 0.5, 1, 2, 4 …"""
    asked = answer.headers.get("retry-after") if answer is not None else None
    if not asked:
        return min(2.0 ** (attempt - 2), LONGEST_WAIT)
    if asked.isdigit():
        seconds = float(asked)
    else:
        until = _http_date(asked)
        now = (answer.instant() if answer is not None else None) or datetime.now(UTC)
        seconds = (until - now).total_seconds() if until else 1.0
    if seconds > LONGEST_WAIT:
        raise UnreachableError(f"the server asks to come back in {seconds:g} seconds (Retry-After); run again then")
    return max(seconds, 0.0)


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _root(error: BaseException) -> str:
    """The first cause's own words; requests and urllib3 wrap it three deep."""
    while True:
        inner = error.__cause__ or error.__context__ or getattr(error, "reason", None)
        if inner is None and error.args and isinstance(error.args[0], BaseException):
            inner = error.args[0]
        if not isinstance(inner, BaseException) or inner is error:
            return f"{type(error).__name__}: {error}"[:200]
        error = inner
