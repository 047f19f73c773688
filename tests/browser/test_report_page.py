# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page in a browser: it sorts, filters, prints, follows light and dark, and fetches nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from playwright.sync_api import Page

from ansible_collections.msp.patching.plugins.plugin_utils.report.compose import view_of
from ansible_collections.msp.patching.plugins.plugin_utils.report.page import page
from ansible_collections.msp.patching.plugins.plugin_utils.report.palette import DARK, LIGHT
from tests.browser.conftest import Tab
from tests.unit.report.month import BETA, account

A4_LANDSCAPE = (842, 595)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page(view_of(account())), encoding="utf-8")
    return file


def column(page: Page, table: str, at: int) -> list[str]:
    rows = page.locator(f"#{table} > tbody > tr:visible")
    return [rows.nth(n).locator("th, td").nth(at).inner_text().strip() for n in range(rows.count())]


def test_it_says_nothing_and_fetches_nothing(tab: Tab, report: Path) -> None:
    tab.open(report)
    assert tab.page.title().startswith("Patch compliance report: All clients")
    assert tab.console == []
    assert tab.requests == [report.as_uri()]


def test_a_name_that_is_markup_is_read_as_text(tab: Tab, report: Path) -> None:
    tab.open(report)
    assert tab.page.locator("#by-client").get_by_text(BETA).count() == 1
    assert tab.page.locator("script").count() == 1


def test_tables_sort_by_what_the_cells_mean(tab: Tab, report: Path) -> None:
    page = tab.open(report).page
    button = page.locator("#time-to-patch thead th").nth(0).get_by_role("button")
    assert column(page, "time-to-patch", 0) == ["Critical", "Critical", "Important", "Important"]
    button.click()
    button.click()
    assert column(page, "time-to-patch", 0) == ["Important", "Important", "Critical", "Critical"]
    assert page.locator("#time-to-patch thead th").nth(0).get_attribute("aria-sort") == "descending"
    # by length, not by how it is written: 24 hours come before 8.5 days
    page.locator("#time-to-patch thead th").nth(6).get_by_role("button").click()
    assert column(page, "time-to-patch", 6) == ["–", "–", "24.0 h", "8.5 days"]
    # the sum stays where it is
    assert page.locator("#time-to-patch tfoot th").inner_text() == "all"


def test_sorting_works_by_keyboard(tab: Tab, report: Path) -> None:
    page = tab.open(report).page
    page.locator("#not-done thead th").nth(0).get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert column(page, "not-done", 0) == ["ACME-SQL01", "ACME-WS02", "BETA-WS03"]


def test_tables_filter_by_words_and_by_state(tab: Tab, report: Path) -> None:
    page = tab.open(report).page
    page.get_by_label("Filter").and_(page.locator("#not-done-filter")).fill("acme pilot")
    assert column(page, "not-done", 0) == ["ACME-WS02"]
    assert page.locator("#not-done-filter").locator("xpath=../..").locator("output").inner_text() == "1 of 3 rows"
    page.locator("#not-done-filter").fill("")
    page.locator("#not-done-state").select_option("unreachable")
    assert column(page, "not-done", 0) == ["BETA-WS03"]
    page.locator("#not-done-state").select_option("")
    assert len(column(page, "not-done", 0)) == 3


def test_without_script_it_is_whole(browser_without_script: Tab, report: Path) -> None:
    page = browser_without_script.open(report).page
    assert len(column(page, "not-done", 0)) == 3
    assert page.get_by_role("button").count() == 0
    assert page.locator(".tools").count() == 0


@pytest.fixture
def browser_without_script(tab: Tab) -> Tab:
    tab.page.context.new_cdp_session(tab.page).send("Emulation.setScriptExecutionDisabled", {"value": True})
    return tab


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_it_follows_light_and_dark(tab: Tab, report: Path, scheme: str, palette: dict[str, str]) -> None:
    tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = tab.open(report).page
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    patched = page.evaluate("getComputedStyle(document.querySelector('.chart .tone-patched rect')).fill")
    assert (paper, patched) == (rgb(palette["paper"]), rgb(palette["patched"]))


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


def test_it_prints_as_pages_without_tools(tab: Tab, report: Path) -> None:
    tab.page.emulate_media(media="print", color_scheme="dark")
    page = tab.open(report).page
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == rgb(LIGHT["paper"])
    assert page.locator("nav").is_hidden()
    assert page.locator(".tools").first.is_hidden()
    printed = pypdfium2.PdfDocument(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    width, height = printed[0].get_size()
    assert (round(width), round(height)) == A4_LANDSCAPE
    text = "".join(sheet.get_textpage().get_text_range() for sheet in printed)
    assert "2 of 5 endpoints are patched and validated" in text.replace("\r\n", " ")
    assert "About this report" in text


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_a_telephone_and_a_screen(tab: Tab, report: Path, width: int) -> None:
    """Wide tables scroll in their own box; the page itself never scrolls sideways."""
    tab.page.set_viewport_size({"width": width, "height": 800})
    page = tab.open(report).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_charts_are_named_for_who_does_not_see_them(tab: Tab, report: Path) -> None:
    page = tab.open(report).page
    for name in ("Endpoints by client and place", "Flaws by severity and deadline"):
        assert page.get_by_role("img", name=name).count() == 1
