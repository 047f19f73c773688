# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to ConnectWise PSA: authenticated, timed out, and careful about what is repeated.

A GET is repeated a few times; a write never is: where its answer is lost, nobody knows whether it was
carried out, so the caller has to look first. Errors:

    PsaError
    ├── PsaRefusedError       the PSA said no; asking again changes nothing
    └── PsaUnavailableError   down, overloaded or silent; a later run may ask again
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import PatchingError, UnavailableError
from ..hiding import hidden
from ..requirements import requests
from .pace import Pace

if TYPE_CHECKING:
    from ..evidence.settings import PsaSettings

TIMEOUT_SECONDS = (5, 20)
"""To connect, and to wait for an answer."""
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 5.0
"""Of one wait between two attempts, whatever Retry-After asks for; longer means unavailable."""
PAGE = 1000
VERSION_PATH = "v4_6_release/apis/3.0"


class PsaError(PatchingError):
    """The PSA did not do what was asked."""


class PsaRefusedError(PsaError):
    """The PSA refused the request; the text holds its reason, `fields` the fields that it names."""

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class PsaUnavailableError(PsaError, UnavailableError):
    """The PSA cannot be reached, is overloaded, or gave no answer."""


class PsaClient:
    """One session with one PSA, no faster than its settings allow. `sleep` is how it waits; it may raise to give up."""

    def __init__(self, settings: PsaSettings, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._base = f"{settings.url.rstrip('/')}/{VERSION_PATH}"
        self._sleep = sleep
        self._pace = Pace(settings.rate, sleep=sleep)
        user = f"{settings.company}+{settings.public_key}:{settings.private_key}"
        self._secrets = (
            base64.b64encode(user.encode()).decode(),
            settings.private_key,
            settings.public_key,
            settings.client_id,
        )
        self._session = requests.Session()
        self._session.auth = (f"{settings.company}+{settings.public_key}", settings.private_key)
        self._session.headers.update({"clientId": settings.client_id, "Accept": "application/json"})
        self._verify = settings.ca or True
        self._session.trust_env = not _is_loopback(settings.url)

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON at `path`; raises PsaRefusedError or, after a few attempts, PsaUnavailableError."""
        return self._repeated("GET", path, params=query)

    def search(self, path: str, conditions: str, fields: str) -> list[dict[str, Any]]:
        """Every record of a list that has a search of its own: conditions too long for an address go in the body.

        It reads, so it is repeated like a `get`.
        """
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            query = {"page": page, "pageSize": PAGE, "fields": fields}
            batch = self._repeated("POST", f"{path}/search", params=query, json={"conditions": conditions})
            found += batch
            if len(batch) < PAGE:
                return found
            page += 1

    def download(self, path: str) -> bytes:
        """The bytes at `path`, as they are."""
        content: bytes = self._repeated("GET", path, read=lambda answer: answer.content)
        return content

    def _repeated(self, method: str, path: str, **arguments: Any) -> Any:
        """A request that changes nothing, a few times where it has to be."""
        for attempt in range(ATTEMPTS):
            try:
                return self._call(method, path, **arguments)
            except PsaUnavailableError as exc:
                wait = exc.retry_after if exc.retry_after is not None else 0.5 * 2**attempt
                if attempt + 1 == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
                    raise
            self._sleep(wait)
        raise PsaUnavailableError(f"the PSA gave no answer for {path}")

    def all(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Every record of a list, page by page."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            batch = self.get(path, **query, page=page, pageSize=PAGE)
            found += batch
            if len(batch) < PAGE:
                return found
            page += 1

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `body` once; the record from the answer. No redirect is followed and nothing is repeated.

        Raises PsaRefusedError, or PsaUnavailableError where it may or may not have been carried out.
        """
        answer: dict[str, Any] = self._call("POST", path, json=body)
        return answer

    def patch(self, path: str, **fields: Any) -> dict[str, Any]:
        """Set `fields`, whole, once. What the PSA answers may be false (a 200 that changed nothing): read it back."""
        steps = [{"op": "replace", "path": field, "value": value} for field, value in fields.items()]
        answer: dict[str, Any] = self._call("PATCH", path, json=steps)
        return answer

    def upload(self, path: str, form: Mapping[str, str], file: tuple[str, bytes, str]) -> dict[str, Any]:
        """Send a file (name, bytes, media type) with the fields of a form, once, its bytes as they are."""
        answer: dict[str, Any] = self._call("POST", path, data=dict(form), files={"file": file})
        return answer

    def delete(self, path: str) -> None:
        """Delete the record at `path`."""
        self._call("DELETE", path, read=lambda _answer: None)

    def _call(
        self, method: str, path: str, *, read: Callable[[Any], Any] = lambda answer: answer.json(), **arguments: Any
    ) -> Any:
        self._pace.request()
        try:
            answer = self._session.request(
                method,
                f"{self._base}/{path}",
                timeout=TIMEOUT_SECONDS,
                allow_redirects=method == "GET",
                verify=self._verify,  # with each request: REQUESTS_CA_BUNDLE outranks the session's
                **arguments,
            )
        except requests.RequestException as exc:
            said = self._scrub(str(exc))
            raise PsaUnavailableError(
                f"the PSA at {self._base} cannot be reached: {type(exc).__name__}: {said}"
            ) from exc
        what = f"{method} {path} at the PSA"
        if answer.status_code == 429 or answer.status_code >= 500:
            said = self._scrub(_said(answer))
            raise PsaUnavailableError(f"{what}: {answer.status_code} {said}", _seconds(answer))
        if not 200 <= answer.status_code < 300:
            said = self._scrub(_said(answer))
            raise PsaRefusedError(f"{what} was refused: {answer.status_code} {said}", _fields(answer))
        try:
            return read(answer)
        except ValueError as exc:
            raise PsaUnavailableError(f"{what}: the answer is no JSON") from exc

    def _scrub(self, text: str) -> str:
        """`text` without this account's secrets: what a server says may quote what it was sent."""
        return hidden(text, self._secrets)


def quoted(text: str) -> str:
    """`text` as a string of a ``conditions`` expression."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_loopback(url: str) -> bool:
    return any(f"//{host}" in url for host in ("127.", "localhost", "[::1]"))


def _seconds(answer: Any) -> float | None:
    try:
        return float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _fields(answer: Any) -> list[str]:
    """The fields that a refusal names."""
    try:
        errors = answer.json().get("errors") or []
    except (ValueError, AttributeError):
        return []
    return [str(error["field"]) for error in errors if isinstance(error, dict) and error.get("field")]


def _said(answer: Any) -> str:
    """The PSA's own words, from either of its two error shapes, else the beginning of the body."""
    try:
        said = answer.json()
    except ValueError:
        return str(answer.text)[:200]
    if not isinstance(said, dict):
        return str(said)[:200]
    errors = (
        f"{error.get('field') or ''} {error.get('message') or error.get('code') or ''}".strip()
        for error in said.get("errors") or []
    )
    parts = [str(said.get("message") or said.get("error") or ""), *errors]
    return "; ".join(part for part in parts if part)[:500]
