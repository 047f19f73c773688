# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as text: whole by itself, and safe whatever the RMM calls its machines."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.report.compose import view_of
from ansible_collections.msp.patching.plugins.plugin_utils.report.page import page
from ansible_collections.msp.patching.plugins.plugin_utils.report.palette import DARK, LIGHT, TONES
from tests.unit.report.month import BETA, account

VOID = {"meta", "link", "input", "br"}


class Outline(HTMLParser):
    """The elements, their attributes, and the text outside of scripts and styles; fails on what is not well nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


WHOLE = account()


@pytest.fixture(scope="module")
def html() -> str:
    return page(view_of(WHOLE))


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    assert found.open == []
    return found


def test_names_from_the_rmm_are_text(html: str, outline: Outline) -> None:
    assert BETA not in html
    assert any(BETA in text for text in outline.text)
    assert "<b>Driver" not in html
    assert "<i>old" not in html
    assert [tag for tag, dummy in outline.elements].count("script") == 1


def test_nothing_is_fetched(html: str, outline: Outline) -> None:
    addresses = [
        value for dummy, attributes in outline.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(value is not None and (value.startswith("#") or value == "data:,") for value in addresses)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", html)
    (policy,) = [attributes for dummy, attributes in outline.elements if "http-equiv" in attributes]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'" in str(policy["content"])
    assert "unsafe" not in str(policy["content"])


def test_no_element_brings_style_or_script_of_its_own(outline: Outline) -> None:
    for dummy, attributes in outline.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_tables_and_charts_are_told_to_those_who_cannot_see_them(outline: Outline) -> None:
    tags = [tag for tag, dummy in outline.elements]
    assert tags.count("table") == tags.count("caption")
    for tag, attributes in outline.elements:
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
        if tag == "svg" and attributes.get("class") == "chart":
            assert attributes["role"] == "img"
            title, words = str(attributes["aria-labelledby"]).split()
            assert {title, words} <= {str(found.get("id")) for dummy, found in outline.elements}
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert dict(outline.elements)["html"]["lang"] == "en"
    ids = [attributes["id"] for dummy, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_it_is_the_same_page_for_the_same_account(html: str) -> None:
    assert page(view_of(WHOLE)) == html


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", [*TONES, "ink", "soft", "accent"])
def test_text_can_be_read_in_every_tone(palette: dict[str, str], tone: str) -> None:
    assert contrast(palette[tone], palette["paper"]) >= 4.5
    assert contrast(palette[tone], palette["raised"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
