# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PDF and the picture: made of the same view, the same bytes each time, and nothing in them is lost."""

from __future__ import annotations

import io
import json
import re
import struct
from dataclasses import replace

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account
from ansible_collections.msp.patching.plugins.plugin_utils.report import document as documents
from ansible_collections.msp.patching.plugins.plugin_utils.report.compose import view_of
from ansible_collections.msp.patching.plugins.plugin_utils.report.render import MEDIA, rendered
from ansible_collections.msp.patching.plugins.plugin_utils.report.view import View
from tests.unit.report.month import account


@pytest.fixture(scope="module")
def whole() -> Account:
    return account()


@pytest.fixture(scope="module")
def view(whole: Account) -> View:
    return view_of(whole)


@pytest.fixture(scope="module")
def pdf(view: View) -> bytes:
    return documents.document(view)


@pytest.fixture(scope="module")
def text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    return "".join(page.get_textpage().get_text_range() for page in document)


def squeezed(words: str) -> str:
    """Without white space and the places where a word may break: where a line ends is the document's own."""
    return re.sub(r"[\s\u200b\ufffe\u00ad-]+", "", words)


def test_an_exception_without_an_end_stands_in_the_document(whole: Account) -> None:
    never = replace(whole, exceptions=tuple(replace(one, expires=None) for one in whole.exceptions))
    (table,) = (one for part in view_of(never).sections for one in part.tables if one.id == "exceptions-all")
    assert all(json.loads(json.dumps(row[-1].key, allow_nan=False)) > 0 for row in table.rows)
    assert documents.document(view_of(never)).startswith(b"%PDF")
    assert documents.picture(view_of(never)).startswith(b"\x89PNG")


def test_every_figure_of_the_view_stands_in_the_document(view: View, text: str) -> None:
    there = squeezed(text)
    wanted = [view.scope, view.subtitle, view.headline, view.status]
    wanted += [word for tile in view.tiles for word in (tile.label, tile.value, tile.words)]
    for section in view.sections:
        wanted += [section.title, section.lead]
        wanted += [label for chart in section.charts for dummy, label in chart.legend]
        for table in section.tables:
            wanted += [table.caption, *(cell.text for row in table.rows for cell in row)]
    missing = [words for words in wanted if squeezed(words) not in there]
    assert missing == []


def test_it_is_the_same_to_the_byte(view: View, pdf: bytes) -> None:
    assert documents.document(view) == pdf
    assert documents.picture(view) == documents.picture(view)


def test_it_is_a_document_for_everybody(pdf: bytes) -> None:
    """PDF/UA: tagged, with title and language; typst refuses to make one that is not."""
    assert pdf.startswith(b"%PDF-1.7")
    assert b"pdfuaid" in pdf
    title = pypdfium2.PdfDocument(io.BytesIO(pdf)).get_metadata_value("Title")
    assert title == "Patch compliance report: All clients, Cycle 2026-11, 2026-11-10 to 2026-12-08"


def test_the_picture_fits_a_ticket(view: View) -> None:
    png = documents.picture(view)
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1600
    assert 600 < height < 2400
    assert len(png) < 1_000_000


def test_a_word_without_end_is_broken_not_cut() -> None:
    word = "A" * 300
    broken = documents._breakable({"text": word, "page": word})
    assert broken["text"].replace("\u200b", "") == word
    assert max(len(part) for part in broken["text"].split("\u200b")) <= 16
    assert broken["page"] == word


def test_long_names_leave_a_reason_its_room(whole: Account) -> None:
    """It was given none, a word a line, and written over what stands beside it."""
    client = "Gesellschaft für außerordentlich lange Firmennamen und Beteiligungen mbH & Co. KGaA"
    named = [replace(one, name=f"{one.name}-{'LONG' * 12}", client=client) for one in whole.endpoints]
    pdf = pypdfium2.PdfDocument(
        io.BytesIO(documents.document(view_of(replace(whole, endpoints=tuple(named), flaws=()))))
    )
    told = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert "offline since Monday" in told, "on one line"


def test_all_formats_are_made_with_names_and_media_types(whole: Account) -> None:
    made = {one.name: one.media_type for one in rendered(whole)}
    assert made == {
        "compliance-2026-11.html": "text/html",
        "compliance-2026-11.pdf": "application/pdf",
        "compliance-2026-11.png": "image/png",
        "compliance-2026-11-endpoints.csv": "text/csv",
        "compliance-2026-11-flaws.csv": "text/csv",
        "compliance-2026-11-boots.csv": "text/csv",
    }
    assert set(MEDIA) == {"html", "pdf", "png", "csv"}
