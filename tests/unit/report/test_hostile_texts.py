# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that somebody chose to harm or to deceive: in each name, title, reason and ticket of an account.

They are read as what they are, and keep nobody from his report, his package and his closed tier.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.outcomes import message_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.make import making
from ansible_collections.msp.patching.plugins.plugin_utils.planning.tables import render
from ansible_collections.msp.patching.plugins.plugin_utils.report.render import rendered
from ansible_collections.msp.patching.plugins.plugin_utils.visible import visible
from tests.unit.account.story import CYCLE, DAY, HOUR, OPENED, Story, update
from tests.unit.packages.ledgers import KEY, sign

pytestmark = pytest.mark.slow

TEXTS = {
    "controls": "A\x01\x0b\x1b[31mB\x07\x7f\x9b2J\x1b]0;title\x07",
    "directions": "A\u202egpj.exe\u2066\u2069\ufeff",
    "markup": "</script><img src=x onerror=alert(1)>\"'&{{7*7}}${7*7}<svg/onload=alert(1)>",
    "lines": "A\nHOW TO CHECK IT\n  it is fine\r\nB",
    "typesetting": '#read("/etc/passwd") $x$ *b* `c` @ref <label> \\ #eval("1")',
    "long": "x" * 30_000,
    "no letters for it": "\U0001f4a9\U0010ffff\ufffe\uffff",
    "formula": "=cmd|' /C calc'!A0",
    "json": '\\u0000"}],"x":[{',
    "path": "../../etc/passwd\\..\\x",
}


def told(text: str) -> Story:
    """Everything that anybody can name is named so."""
    story = Story()
    well = story.endpoint(text, client=text, location=text)
    failing = story.endpoint(f"{text}2", client=text, location=text, kind="server", ring="production")
    known = {"KB5001": update("KB5001", title=text), "d": update("d", None, title=text, vendor=text, categories=[text])}
    story.tier(well, client=text)
    story.tier(failing, client=text, kind="server", ring="production")
    for name in (well, failing):
        story.scan(name, HOUR, "KB5001", "d", known=known)
    story.fail(failing, 2 * HOUR, "KB5001", text=text)
    story.ticket(failing, 2 * HOUR, 3 * HOUR, 5, text, client=text, summary=text)
    story.decide(failing, 4 * HOUR, "hold", "gate.failure_open", reason=text, left=[("KB5001", "gate.soak", text)])
    story.tell("failure.root_cause", 5 * HOUR, failure="f-1", by=text, code=text, text=text)
    person = {"by": text, "reason": text, "code": text}
    expires = text_of(OPENED + 30 * DAY)
    story.tell("exception.granted", HOUR, id="e-1", scope={"client": text}, expires=expires, **person)
    story.tell("exception.signed", HOUR, id="e-1", signed_by=text, signed_at=text_of(OPENED), by=text)
    story.tell("hold.placed", DAY, id="h-1", scope={"client": text}, reason=text, by=text)
    story.patch(well, DAY, "KB5001")
    sign(story, 2 * DAY)
    return story


class Elements(HTMLParser):
    """The names of the elements of a page, and of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [one[0] for one in attrs]))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_report_and_package_are_made_of_any_text(text: str, tmp_path: Path) -> None:
    story = told(text)
    files = {made.format: made.content for made in rendered(story.account(20 * DAY), ("html", "pdf", "png"))}
    assert files["pdf"].startswith(b"%PDF-")
    assert files["png"].startswith(b"\x89PNG")
    page = files["html"].decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    elements = Elements(page).found
    assert [tag for tag, dummy in elements].count("script") == 1
    assert {"img", "iframe", "object"}.isdisjoint(tag for tag, dummy in elements)
    assert [names for dummy, names in elements if any(name.startswith("on") for name in names)] == []
    assert len(page) < 1 << 20
    with making(story.ledger, story.policy, Scope(CYCLE, text), KEY) as package:
        assert check_package(package.path, [KEY.public]).scope["client"] == text
        assert len(Path(package.name).name.encode()) < 255
        with zipfile.ZipFile(package.path) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))):
                        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
                elif name.startswith("oscal/"):
                    assert not re.search("[\u202a-\u202e\u2066-\u2069]", archive.read(name).decode())
            readme = archive.read("README.txt").decode().splitlines()
            assert readme.count("HOW TO CHECK IT") == 1
            archive.extractall(tmp_path)


@pytest.mark.parametrize("sign_", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_formulas_of_every_country(sign_: str) -> None:
    from ansible_collections.msp.patching.plugins.plugin_utils.report import tabular

    assert tabular._cell(f"{sign_}1+1").startswith("'")


def test_a_terminal_is_commanded_by_nobody() -> None:
    """Windows' names and messages are shown in the tables of a run, and written on tickets."""
    table = render("x", ("endpoint", "why"), [(TEXTS["controls"], "\x1b[2Jgone")])
    assert "\x1b" not in table
    assert "gone" in table
    assert message_of({"msg": "\x1b[31;1mInstall-Package: \x1b[0mdenied\r\nat line 1\x07"}) == (
        "Install-Package: denied\nat line 1\ufffd"
    )


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Zürich, 株式会社, עברית, \U0001f600", "a\tb\nc", "Fehler 0x80070643 – „voll\u201c"):
        assert visible(text) == text
    assert visible("x" * 10, 5) == "xxxx…"
