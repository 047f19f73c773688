# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login: a token, refreshed before it expires, fetched anew when the server no longer takes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from .errors import AnswerError, LoginError, TwoFactorError, UnreachableError
from .instants import instant
from .settings import Settings
from .transport import PASSING, Answer, Transport

REFRESH_AT = 0.8
"""The part of a token's life after which it is refreshed."""


class Login:
    """The current token, shared by all threads. ``monotonic`` is a clock in seconds that is never set."""

    def __init__(
        self, settings: Settings, transport: Transport, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refresh_at: float | None = None

    def token(self) -> str:
        """A token that the server should take. Raises `LoginError`, `UnreachableError` or `AnswerError`."""
        with self._lock:
            if self._token is None:
                return self._log_in()
            if self._refresh_at is not None and self._monotonic() >= self._refresh_at:
                return self._refresh(self._token)
            return self._token

    def renew(self, refused: str) -> str:
        """Another token than ``refused``; logs in only if no other thread has done so meanwhile."""
        with self._lock:
            if self._token is not None and self._token != refused:
                return self._token
            return self._log_in()

    def _log_in(self) -> str:
        self._token = None
        answer = self._transport.send(
            "POST", "/apitoken", body={"UserName": self._settings.user, "Password": self._settings.password}
        )
        if answer.status in (400, 401, 403):
            raise LoginError(
                f"Automate refuses the account {self._settings.user!r} (status {answer.status}): "
                "check the options user, password and client_id, and that the user may use the API"
            )
        return self._take(answer)

    def _refresh(self, token: str) -> str:
        """The body of a refresh is the old token as a bare JSON string."""
        answer = self._transport.send("POST", "/apitoken/refresh", body=token, token=token)
        return self._take(answer) if answer.status == 200 else self._log_in()

    def _take(self, answer: Answer) -> str:
        if answer.status in PASSING:
            raise UnreachableError(f"Automate's login answers with status {answer.status}; try again later")
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise AnswerError(
                f"{self._settings.api}/apitoken answers with status {answer.status} and no token; "
                "is option url the address of an Automate server?"
            )
        token = answer.body.get("AccessToken")
        if not token or not isinstance(token, str):
            if answer.body.get("IsTwoFactorRequired") or answer.body.get("IsInternalTwoFactorRequired"):
                raise TwoFactorError(
                    f"the account {self._settings.user!r} needs a two-factor passcode: "
                    "use an account of a user class with Integrator ticked in option user"
                )
            raise LoginError(f"Automate gave the account {self._settings.user!r} no token and no reason")
        self._token = token
        self._refresh_at = self._when_to_refresh(answer)
        return token

    def _when_to_refresh(self, answer: Answer) -> float | None:
        """On the monotonic clock. None where the answer tells no lifetime: the 401 that follows is dealt with.

        The lifetime counts from the server's own clock (its Date header), so that a wrong clock here
        does not make each token look expired.
        """
        body = answer.body
        expires = instant(body.get("ExpirationDate")) if isinstance(body, dict) else None
        if expires is None:
            return None
        lifetime = (expires - (answer.instant() or datetime.now(UTC))).total_seconds()
        return self._monotonic() + lifetime * REFRESH_AT if lifetime > 0 else None
