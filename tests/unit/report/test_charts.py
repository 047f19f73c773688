# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The charts: drawn from the figures, without what pygal adds for its own script."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.report import charts
from ansible_collections.msp.patching.plugins.plugin_utils.report.palette import DOCUMENT
from ansible_collections.msp.patching.plugins.plugin_utils.report.view import Chart

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def chart() -> Chart:
    series = {"patched": ("patched", [30, 5]), "failed": ("failed", [10, 0])}
    return charts.stacked("standing", "Endpoints", "Two bars.", ["<script>&", "Beta"], series)


def bars(svg: str) -> dict[str, list[tuple[str, float]]]:
    """By tone, what each bar is of, and how wide it is."""
    found: dict[str, list[tuple[str, float]]] = {}
    for group in ET.fromstring(svg).iter(f"{SPACE}g"):  # noqa: S314 - our own
        if "series" in (group.get("class") or "").split():
            tone = (group.get("class") or "").rpartition("tone-")[2]
            for part in group.iter(f"{SPACE}g"):
                if part.get("class") == "bar":
                    title, rect = part.find(f"{SPACE}title"), part.find(f"{SPACE}rect")
                    assert title is not None
                    assert rect is not None
                    found.setdefault(tone, []).append((title.text or "", float(rect.get("width") or 0)))
    return found


@pytest.mark.parametrize("drawing", ["page", "document"])
def test_bars_are_as_long_as_what_they_are_of(chart: Chart, drawing: str) -> None:
    found = bars(getattr(chart, drawing))
    widths = dict(found["patched"] + found["failed"])
    assert set(widths) == {"<script>&: 30", "Beta: 5", "<script>&: 10", "Beta: 0"}
    assert widths["<script>&: 30"] == pytest.approx(6 * widths["Beta: 5"], rel=0.01)
    assert widths["<script>&: 10"] == pytest.approx(2 * widths["Beta: 5"], rel=0.02)
    assert widths["Beta: 0"] == 0


def test_there_is_no_script_no_reference_and_nothing_random(chart: Chart) -> None:
    for svg in (chart.page, chart.document):
        assert "<script" not in svg.lower()
        assert "href" not in svg
        assert "pygal" not in svg.lower()
        assert ' style="' not in svg
    again = charts.stacked(
        "standing",
        "Endpoints",
        "Two bars.",
        ["<script>&", "Beta"],
        {"patched": ("patched", [30, 5]), "failed": ("failed", [10, 0])},
    )
    assert again == chart


def test_the_page_colours_its_drawing_and_the_document_bears_its_own(chart: Chart) -> None:
    assert "#" not in chart.page.replace("&#", "")
    assert DOCUMENT["patched"] in chart.document
    assert chart.legend == (("patched", "patched"), ("failed", "failed"))


def test_it_is_told_in_words(chart: Chart) -> None:
    root = ET.fromstring(chart.page)  # noqa: S314 - our own
    assert root.get("role") == "img"
    assert [(child.tag.removeprefix(SPACE), child.text) for child in root][:2] == [
        ("title", "Endpoints"),
        ("desc", "Two bars."),
    ]


@pytest.mark.usefixtures("chart")  # which loads it
def test_what_the_library_hangs_into_imports_is_taken_out() -> None:
    assert [finder for finder in sys.meta_path if type(finder).__module__ == "pygal"] == []


@pytest.mark.parametrize("whole", [0, 1, 4, 5, 6, 73, 100, 10_000])
def test_the_axis_has_few_and_round_steps(whole: int) -> None:
    steps = charts._steps(whole)
    assert len(steps) <= 6
    assert steps[0] == 0
    assert all(str(step).strip("0") in ("", "1", "2", "4", "5", "6", "8", "3", "15", "25") for step in steps)
