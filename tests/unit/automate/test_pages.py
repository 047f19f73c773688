# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client over a scripted server: lists, whole or refused, whatever comes and goes while they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.automate import pages
from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import (
    CLIENTS,
    COMPUTERS,
    GROUP_COMPUTERS,
    LOCATIONS,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import (
    AnswerError,
    IncompleteListError,
)
from tests.unit.automate.bench import Bench, always, on_page, rows
from tests.unit.automate.fakes import Automate, Reply, Row


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (4321, 5)])
def test_a_list_costs_one_request_a_page(count: int, pages: int) -> None:
    bench = Bench(Automate({"/Computers": rows(count)}))
    found = bench.client.read(COMPUTERS)
    assert [int(row["Id"]) for row in found] == list(range(1, count + 1))
    asked = bench.server.of("/Computers")
    assert len(asked) == pages
    assert {call.query["orderby"] for call in asked} == {"Id asc"}
    windows = sorted((int(call.query["page"]), int(call.query["pagesize"])) for call in asked)
    assert windows[0] == (1, 1000)
    ends = [page * size for page, size in windows]
    starts = [(page - 1) * size for page, size in windows]
    assert all(start < end for start, end in zip(starts[1:], ends, strict=False)), "each has a row of the one before"


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 1500, 3000])
def test_without_a_total_the_list_ends_where_nothing_comes_after_it(count: int) -> None:
    bench = Bench(Automate({"/Computers": rows(count)}, total=False))
    assert [int(row["Id"]) for row in bench.client.read(COMPUTERS)] == list(range(1, count + 1))
    assert len(bench.server.of("/Computers")) <= count // 800 + 2


class OfOnePage(Automate):
    """Takes no notice of the page it is asked for, and tells no total."""

    def page(self, path: str, _query: Any) -> Reply:
        return Reply(self.lists[path][:1000])


@pytest.mark.parametrize("count", [1, 30, 999])
def test_without_a_total_the_same_page_again_is_the_end_of_the_list(count: int) -> None:
    bench = Bench(OfOnePage({"/Computers": rows(count)}))
    assert len(bench.client.read(COMPUTERS)) == count
    assert len(bench.server.of("/Computers")) == 2


@pytest.mark.parametrize("count", [1000, 1001])
def test_a_full_page_that_repeats_is_an_error_and_not_read_for_ever(count: int) -> None:
    with pytest.raises(IncompleteListError, match=r"rows \d+ to \d+ are the same|asked for, 1000 came"):
        Bench(OfOnePage({"/Computers": rows(count)})).client.read(COMPUTERS)


class Churning(Automate):
    """A list that rows leave and join between requests: ``churn`` is called after each page, with its number."""

    def __init__(self, churn: Callable[[list[Row], int], None], **more: Any) -> None:
        super().__init__(**more)
        self.churn = churn
        self.pages = 0

    def page(self, path: str, query: Any) -> Reply:
        reply = super().page(path, query)
        self.pages += 1
        self.churn(self.lists[path], self.pages)
        return reply


def test_a_row_is_not_lost_when_another_leaves_and_one_comes() -> None:
    """The total stays, every page is full and no row comes twice: only that the pages overlap shows it."""

    def churn(live: list[Row], page: int) -> None:
        if page == 1:
            del live[499]
            live.append({"Id": "5000"})

    bench = Bench(Churning(churn, lists={"/Computers": rows(2500)}))
    found = {int(row["Id"]) for row in bench.client.read(COMPUTERS)}
    assert found == {*range(1, 500), *range(501, 2501), 5000}


def test_a_computer_that_changes_its_group_while_the_others_are_read_loses_nobody_a_membership() -> None:
    members = [{"Id": str(n), "GroupId": str(n // 1200), "ComputerId": str(n % 1200)} for n in range(3600)]

    def churn(live: list[Row], page: int) -> None:
        if page == 1:
            live.append({**live.pop(7), "Id": "3600", "GroupId": "9"})

    bench = Bench(Churning(churn, lists={"/GroupComputers": members}))
    found = {(int(row["GroupId"]), int(row["ComputerId"])) for row in bench.client.read(GROUP_COMPUTERS)}
    assert found == {(n // 1200, n % 1200) for n in range(3600) if n != 7} | {(9, 7)}


def test_rows_that_only_come_cost_no_second_reading() -> None:
    def churn(live: list[Row], page: int) -> None:
        live.append({"Id": str(10_000 + page)})

    bench = Bench(Churning(churn, lists={"/Computers": rows(9500)}))
    assert {int(row["Id"]) for row in bench.client.read(COMPUTERS)}.issuperset(range(1, 9501))
    assert len(bench.server.of("/Computers")) == 10


def test_a_list_that_rows_leave_all_the_time_is_read_one_page_after_the_other() -> None:
    gone: set[int] = set()

    def churn(live: list[Row], _page: int) -> None:
        gone.update(int(row["Id"]) for row in live[:5])
        del live[:5]

    bench = Bench(Churning(churn, lists={"/Computers": rows(9500)}))
    found = {int(row["Id"]) for row in bench.client.read(COMPUTERS)}
    assert found.issuperset({*range(1, 9501)} - gone)


def test_a_list_that_shrinks_faster_than_it_is_read_is_refused() -> None:
    def churn(live: list[Row], _page: int) -> None:
        del live[:200]

    with pytest.raises(IncompleteListError, match="too many rows were removed while the list was read; run again"):
        Bench(Churning(churn, lists={"/Computers": rows(9500)})).client.read(COMPUTERS)


CHANGES = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 12), st.integers(0, 3)), max_size=30)


@given(st.integers(0, 90), CHANGES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_comes_and_goes_no_row_is_lost_that_is_there_all_the_time(
    count: int, changes: list[tuple[int, int, int]], total: bool
) -> None:
    """Each change takes rows out from some place on and adds rows at the end, between two requests."""
    live_from_the_first = set(range(1, count + 1))

    def churn(live: list[Row], page: int) -> None:
        if page <= len(changes):
            place, leave, come = changes[page - 1]
            live_from_the_first.difference_update(int(row["Id"]) for row in live[place : place + leave])
            del live[place : place + leave]
            live.extend({"Id": str(1000 + 10 * page + number)} for number in range(come))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE_SIZE", 10)
        bench = Bench(Churning(churn, lists={"/Computers": rows(count)}, total=total))
        try:
            found = bench.client.read(COMPUTERS)
        except IncompleteListError:
            return
    assert {int(row["Id"]) for row in found} >= live_from_the_first


def test_memberships_are_told_apart_by_group_and_computer_whatever_their_ids_look_like() -> None:
    members = [{"Id": f"{n % 3}-{n}", "GroupId": str(n % 3), "ComputerId": str(n)} for n in range(1500)]
    twice = {**members[-1], "Id": "zz"}
    found = Bench(Automate({"/GroupComputers": [*members, twice]})).client.read(GROUP_COMPUTERS)
    assert sorted((row["GroupId"], int(row["ComputerId"])) for row in found) == sorted(
        (str(n % 3), n) for n in range(1500)
    )


def short(automate: Automate, page: str, count: int) -> None:
    """Lets ``page`` come with ``count`` rows, each time."""
    whole = automate.page

    def page_of(path: str, query: Any) -> Reply:
        reply = whole(path, query)
        return Reply(reply.body[:count], headers=reply.headers) if query.get("page") == page else reply

    automate.page = page_of  # type: ignore[method-assign]


@pytest.mark.parametrize("total", [True, False])
def test_half_a_page_is_an_error_and_not_a_smaller_list(total: bool) -> None:
    automate = Automate({"/Computers": rows(2500)}, total=total)
    short(automate, "2", 500)
    bench = Bench(automate)
    with pytest.raises(IncompleteListError, match=r"page 2 holds 500 rows, \d+ are due"):
        bench.client.read(COMPUTERS)


def test_half_of_the_last_page_is_an_error() -> None:
    automate = Automate({"/Computers": rows(100)})
    short(automate, "1", 50)
    with pytest.raises(IncompleteListError, match="holds 50 rows, 100 are due of a total of 100"):
        Bench(automate).client.read(COMPUTERS)


def test_a_list_that_does_not_add_up_once_is_read_again_whole() -> None:
    half = Reply(rows(100)[:50], headers={"Total-Count": "100"})
    bench = Bench(Automate({"/Computers": rows(100)}, faults=[None, on_page(1, half)]))
    assert len(bench.client.read(COMPUTERS)) == 100


def test_a_row_that_comes_twice_is_an_error() -> None:
    doubled = [*rows(99), {"Id": "7"}]
    with pytest.raises(IncompleteListError, match="1 of 100 rows came twice"):
        Bench(Automate({"/Computers": doubled})).client.read(COMPUTERS)


def test_a_page_that_its_own_total_contradicts_is_an_error() -> None:
    automate = Automate({"/Computers": rows(1500)})
    whole = automate.page

    def page_of(path: str, query: Any) -> Reply:
        reply = whole(path, query)
        return Reply(reply.body, headers={"Total-Count": "1499"}) if query["page"] == "2" else reply

    automate.page = page_of  # type: ignore[method-assign]
    with pytest.raises(IncompleteListError, match="page 2 holds 600 rows, 599 are due of a total of 1499"):
        Bench(automate).client.read(COMPUTERS)


def test_a_single_match_without_its_list_is_a_list_of_one() -> None:
    bench = Bench(Automate(faults=[None, always(Reply({"Id": "5"}, headers={"Total-Count": "1"}))]))
    assert bench.client.read(CLIENTS) == [{"Id": "5"}]


@pytest.mark.parametrize("body", ["<html>Sign in</html>", {"Message": "hello"}, ["a"], 7])
def test_what_is_no_list_of_records_is_refused(body: Any) -> None:
    answer = Reply(body.encode() if isinstance(body, str) else body)
    bench = Bench(Automate(faults=[None, always(answer)]))
    with pytest.raises(AnswerError, match="is option url an Automate server"):
        bench.client.read(LOCATIONS)


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(AnswerError, match="a row's Id is 'x'"):
        Bench(Automate({"/Computers": [{"Id": "x"}]})).client.read(COMPUTERS)


def test_computers_by_id_are_asked_for_in_bulk() -> None:
    bench = Bench(Automate({"/Computers": rows(1000)}))
    found = bench.client.computers(fields=["Status"], ids=[*range(1, 501), 5000])
    assert len(found) == 500
    asked = bench.server.of("/Computers")
    assert len(asked) == 3
    assert {call.query["includefields"] for call in asked} == {"Id,Status"}


def test_ids_that_the_server_takes_no_notice_of_are_an_error() -> None:
    automate = Automate(faults=[None, always(Reply(rows(30), headers={"Total-Count": "30"}))])
    with pytest.raises(IncompleteListError, match="29 of them with other ids"):
        Bench(automate).client.computers(ids=[3])


UPDATES = [{"MicrosoftUpdateId": f"u{number}", "KnowledgeBaseId": 5000000 + number} for number in range(1090)]


def test_that_no_computer_has_a_list_of_updates_is_no_answer() -> None:
    """Else an Automate without Patch Manager's API would have said of every update that nobody knows it."""
    with pytest.raises(AnswerError, match=r"/Computers/1/MicrosoftUpdates.*404"):
        Bench(Automate({})).client.microsoft_updates([1, 2])
    assert Bench(Automate({})).client.microsoft_updates([]) == []


def test_a_retired_computer_tells_of_no_updates_and_the_others_do() -> None:
    lists = {"/Computers/1/MicrosoftUpdates": UPDATES[:3], "/Computers/3/MicrosoftUpdates": UPDATES[3:5]}
    assert Bench(Automate(lists)).client.microsoft_updates([1, 2, 3]) == UPDATES[:5]


def test_the_updates_of_a_computer_are_read_to_their_total() -> None:
    told = Bench(Automate({"/Computers/1/MicrosoftUpdates": UPDATES})).client.microsoft_updates([1])
    assert {row["MicrosoftUpdateId"] for row in told} == {row["MicrosoftUpdateId"] for row in UPDATES}


def test_some_of_the_updates_of_a_computer_are_not_taken_for_all() -> None:
    automate = Automate({"/Computers/1/MicrosoftUpdates": UPDATES[:90]})
    short(automate, "1", 30)
    with pytest.raises(IncompleteListError, match="page 1 holds 30 rows, 90 are due of a total of 90"):
        Bench(automate).client.microsoft_updates([1])


def test_extra_fields_are_one_request_a_record() -> None:
    fields = [{"ExtraFieldDefinitionId": number} for number in range(40)]
    bench = Bench(Automate({"/Clients/3/ExtraFields": fields, "/Clients/9/ExtraFields": []}))
    assert bench.client.extra_fields("/Clients", [9, 3]) == {3: fields, 9: []}
    assert len(bench.server.of("/ExtraFields")) == 2
