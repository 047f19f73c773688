# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of Automate, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

from .errors import AbsentError, AnswerError, IncompleteListError, LoginError, UnreachableError, VisibilityError
from .login import Login
from .pages import (
    OVERLAP,
    Page,
    Resource,
    Row,
    Window,
    after,
    check_end,
    check_joined,
    check_page,
    check_still,
    first_window,
    row_id,
    whole,
    windows_to,
)
from .settings import MAX_PARALLEL, Settings
from .transport import PASSING, Answer, Transport

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

_In = TypeVar("_In")
_Out = TypeVar("_Out")

ROW_KEYS = frozenset({"Id", "GroupId", "ExtraFieldDefinitionId", "KnowledgeBaseId"})
"""What tells a lone row from another object."""
IDS_A_REQUEST = 200
"""Keeps the address of a request by ids under 2,000 characters."""


COMPUTERS = Resource("/Computers", "Id", "Computers: Show All")
CLIENTS = Resource("/Clients", "Id", "Clients: Read and Show All")
LOCATIONS = Resource("/Locations", "Id", "Locations: Show All")
GROUPS = Resource("/Groups", "Id", "Groups: Read")
# what the Id of a membership looks like is not published, only that nobody has to understand it
GROUP_COMPUTERS = Resource("/GroupComputers", "Id", "Groups: Read", key=("GroupId", "ComputerId"))
GROUP_PATCHING_POLICIES = Resource("/GroupPatchingPolicies", "GroupId", "Patch Manager: Read")


class AutomateClient:
    """Reads one Automate server; a context manager. Every method raises subclasses of `AutomateError`.

    >>> with AutomateClient(settings) as automate:
    ...     automate.computers(fields=["Status", "RemoteAgentLastContact"], ids=[4, 7])
    """

    def __init__(
        self,
        settings: Settings,
        *,
        adapter: Callable[[], BaseAdapter] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport or Transport(settings, adapter=adapter)
        self._login = Login(settings, self._transport)
        self._threads = ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="automate")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._transport.close()

    def computers(self, fields: Sequence[str] = (), ids: Iterable[int] | None = None) -> list[Row]:
        """Computers, all or those of ``ids``, with ``Id`` and ``fields`` (none: every field).

        A computer that has been retired is missing from the answer. Ids are asked for in bulk: a request
        for every 200 of them. ``Id`` is a string, date-times bear no zone: see `instants.instant`.
        """
        wanted = {"includefields": ",".join(dict.fromkeys(("Id", *fields)))} if fields else {}
        if ids is None:
            return self.read(COMPUTERS, wanted)
        numbers = sorted(set(ids))
        parts = [numbers[start : start + IDS_A_REQUEST] for start in range(0, len(numbers), IDS_A_REQUEST)]

        def part(some: list[int]) -> list[Row]:
            page = self._page(COMPUTERS, {**wanted, "ids": ",".join(map(str, some))}, first_window())
            strangers = {row_id(row, "Id") for row in page.rows} - set(some)
            if strangers or len(page.rows) != (page.total if page.total is not None else len(page.rows)):
                raise IncompleteListError(
                    f"{COMPUTERS.path}: {len(some)} ids were asked for; {len(page.rows)} rows came, "
                    f"{len(strangers)} of them with other ids, of a total of {page.total}"
                )
            return page.rows

        return [row for rows in self._parallel(part, parts) for row in rows]

    def read(self, resource: Resource, params: Mapping[str, str] | None = None) -> list[Row]:
        """Every row of ``resource``, by what tells its rows apart: none is left out that is there all the time.

        First its pages are read at once. Where that does not add up, for agents come and go, it is read once more, one
        page after the other with more in common: that takes longer, and rows may come and go. `IncompleteListError`
        where that does not add up either: a list that is short would leave machines out in silence.
        """
        try:
            return self._read_at_once(resource, params or {})
        except IncompleteListError:
            return whole(resource, self._read_in_turn(resource, params or {}))

    def extra_fields(self, path: str, ids: Iterable[int]) -> dict[int, list[Row]]:
        """The extra data fields of records that do not hold them inline: one request each, in parallel.

        ``path`` is that of the records' list, e.g. ``/Clients``.
        """

        def one(number: int) -> list[Row]:
            resource = Resource(f"{path}/{number}/ExtraFields", "ExtraFieldDefinitionId", "")
            return whole(resource, [self._page(resource, {}, first_window())])

        numbers = sorted(set(ids))
        return dict(zip(numbers, self._parallel(one, numbers), strict=True))

    def microsoft_updates(self, computers: Iterable[int]) -> list[Row]:
        """What Patch Manager knows of the updates of these computers: a list each, in parallel.

        A computer that has been retired meanwhile (404) tells nothing, and the others do; where all are, that is an
        error. Rows of several computers may tell of the same update.
        """

        def one(number: int) -> list[Row] | AbsentError:
            # nothing is published of the ids of updates; several may have one KB, and drivers have none
            key = ("MicrosoftUpdateId", "KnowledgeBaseId", "Title")
            path = f"/Computers/{number}/MicrosoftUpdates"
            resource = Resource(path, "MicrosoftUpdateId", "Patch Manager: Read", key, opaque=True)
            try:
                pages = self._read_in_turn(resource, {})
            except AbsentError as exc:
                return exc
            return [row for page in pages for row in page.rows]

        answers = self._parallel(one, sorted(set(computers)))
        absent = [answer for answer in answers if isinstance(answer, AbsentError)]
        if absent and len(absent) == len(answers):
            raise absent[0]
        return [row for rows in answers if not isinstance(rows, AbsentError) for row in rows]

    def _read_at_once(self, resource: Resource, params: Mapping[str, str]) -> list[Row]:
        first = self._page(resource, params, first_window())
        windows = windows_to(first.total or 0)
        pages = [first, *self._parallel(lambda window: self._page(resource, params, window), windows)]
        self._read_on(resource, params, pages, 1)
        check_still(resource, pages)
        return whole(resource, pages)

    def _read_in_turn(self, resource: Resource, params: Mapping[str, str]) -> list[Page]:
        pages = [self._page(resource, params, first_window())]
        self._read_on(resource, params, pages, OVERLAP)
        return pages

    def _read_on(self, resource: Resource, params: Mapping[str, str], pages: list[Page], overlap: int) -> None:
        """Adds what comes after the last of ``pages``, one page after the other."""
        while not pages[-1].is_last:
            page = self._page(resource, params, after(pages[-1].window, overlap))
            check_joined(resource, pages[-1], page)
            pages.append(page)
        last = pages[-1]
        if last.total is None and last.rows:
            # something strips the Total-Count header: only that nothing comes after it shows that the page is whole
            behind = self._page(resource, params, Window(last.window.page + 1, last.window.size))
            check_end(resource, pages, behind)

    def _page(self, resource: Resource, params: Mapping[str, str], window: Window) -> Page:
        # An explicit order, or rows may swap pages between two requests.
        answer = self._get(resource.path, {"orderby": f"{resource.order} asc", **window.query, **params})
        total = answer.headers.get("total-count", "")
        page = Page(window, _rows(resource.path, answer), int(total) if total.isdigit() else None)
        check_page(resource, page)
        return page

    def _parallel(self, work: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
        futures = [self._threads.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def set_extra_field(self, path: str, number: int, field: Row, value: str) -> None:
        """Set the text or drop-down extra data field `field`, a row as `extra_fields` gives it, of one record.

        ``path`` is that of the records' list, e.g. ``/Clients``. Setting a value twice is setting it once, so that
        the request is repeated like a read. Raises `AnswerError` where the server gives another value back.
        """
        where, key = (
            ("DropdownSettings", "SelectedValue") if field.get("DropdownSettings") else ("TextFieldSettings", "Value")
        )
        target = f"{path}/{number}/ExtraFields/{row_id(field, 'ExtraFieldDefinitionId')}"
        # live servers want the keys of the patch in lower case, whatever the published description says
        patch = [{"op": "replace", "path": f"/{where}/{key}", "value": value}]
        told = self._call("PATCH", target, body=patch).body
        settings = (told.get(where) if isinstance(told, dict) else None) or {}
        if settings.get(key) != value:
            raise AnswerError(f"{target} was set to {value!r} and reads back as {settings.get(key)!r}")

    def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        return self._call("GET", path, params=params)

    def _call(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None) -> Answer:
        """A good answer. A refused token is replaced once, then the refusal stands."""
        token = self._login.token()
        answer = self._transport.send(method, path, params=params, body=body, token=token)
        if answer.status == 401:
            answer = self._transport.send(method, path, params=params, body=body, token=self._login.renew(token))
        if answer.status == 200:
            return answer
        raise self._error(path, answer)

    def _error(self, path: str, answer: Answer) -> Exception:
        said = self._settings.scrub(answer.complaint())
        where = f"{self._settings.api}{path}: status {answer.status}" + (f", {said}" if said else "")
        if answer.status == 401:
            return LoginError(f"{where}: a fresh token is refused; is option client_id the GUID registered for you?")
        if answer.status == 403:
            return VisibilityError(f"{where}: the user class of {self._settings.user!r} may not do this")
        if answer.status in PASSING:
            return UnreachableError(f"{where}, also after {self._settings.retries} retries (option retries)")
        kind = AbsentError if answer.status == 404 else AnswerError
        return kind(f"{where}; is option url the address of an Automate server?")


def _rows(path: str, answer: Answer) -> list[Row]:
    """The body as a list of rows: in some places a single match comes without its list."""
    body = answer.body
    if isinstance(body, dict) and not ROW_KEYS.isdisjoint(body):
        return [body]
    if isinstance(body, list) and all(isinstance(row, dict) for row in body):
        return body
    raise AnswerError(f"{path}: a list of records is due, not {str(body)[:80]!r}; is option url an Automate server?")
