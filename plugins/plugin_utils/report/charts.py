# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as inline SVG, by pygal: drawn once, dressed twice.

On the page the style sheet colours them, so that they follow light and dark; in the document they bear their colours.
What pygal adds for its own script (tooltips, identifiers, a configuration) is taken out: no script, no reference, and
the same drawing for the same figures. Each has a title and a description that tells its figures in words.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from ..requirements import pygal
from ..visible import visible
from .palette import DOCUMENT, FONT
from .view import Chart

WIDTH = 760
ROW, FRAME = 32, 44
_SPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
_NUMBER = re.compile(r"\d+\.\d{2,}")
Series = Mapping[str, tuple[str, Sequence[Any]]]
"""By label, the tone and the values."""


def stacked(key: str, title: str, words: str, labels: Sequence[str], series: Series) -> Chart:
    """Horizontal bars, one a label from the top down, each of the parts that the series give it."""
    chart = pygal.HorizontalStackedBar(**_common(FRAME + ROW * max(len(labels), 1)), spacing=8)
    chart.x_labels = [_short(label) for label in reversed(labels)]
    chart.value_formatter = lambda value: f"{value:,.0f}"
    whole = max((sum(values[1][n] for values in series.values()) for n in range(len(labels))), default=0)
    chart.y_labels = _steps(whole)
    for label, (dummy, values) in series.items():
        chart.add(label, list(reversed(values)))
    return _chart(key, title, words, chart, series)


def curves(key: str, title: str, words: str, series: Series) -> Chart:
    """Curves over (x, per cent)."""
    chart = pygal.XY(**_common(300), show_dots=False, range=(0, 100), show_x_guides=False)
    chart.y_labels = [0, 25, 50, 75, 100]
    chart.value_formatter = lambda value: f"{value:.0f} %"
    chart.x_value_formatter = lambda value: f"{value:.0f}"
    for label, (dummy, points) in series.items():
        chart.add(label, list(points))
    return _chart(key, title, words, chart, series)


def _common(height: int) -> dict[str, Any]:
    style = pygal.style.Style(font_family=FONT, label_font_size=13, major_label_font_size=13, background="transparent")
    return {
        "width": WIDTH,
        "height": height,
        "js": (),
        "style": style,
        "show_legend": False,
        "margin": 8,
        "truncate_label": -1,
        "disable_xml_declaration": True,
    }


def _short(label: str) -> str:
    return visible(label, 28)


def _steps(whole: int) -> list[int]:
    """From 0 to the whole in about five round steps."""
    step = 1
    while whole > 5 * step:
        step = step * 2 if str(step)[0] in "15" else step * 5 // 2
    return list(range(0, whole + 1, step))


def _chart(key: str, title: str, words: str, chart: Any, series: Series) -> Chart:
    tones = [tone for tone, dummy in series.values()]
    chart.uuid = key
    drawn = chart.render(is_unicode=True)
    page, document = (
        _dressed(ET.fromstring(drawn), key, title, words, tones)  # noqa: S314 - pygal's own, made a line above
        for dummy in range(2)
    )
    style = ET.Element("style")
    style.text = _colours(tones)
    document.insert(0, style)
    legend = tuple((tone, label) for label, (tone, dummy) in series.items())
    return Chart(key, title, words, legend, _text(page), _text(document))


def _dressed(root: ET.Element, key: str, title: str, words: str, tones: Sequence[str]) -> ET.Element:
    """pygal's tree without what serves its script, with the tones for classes and words for who does not see it."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    for parent in list(root.iter()):
        for child in list(parent):
            if _serves_the_script(child):
                parent.remove(child)
    for element in root.iter():
        element.attrib.pop("id", None)
        element.attrib.pop("style", None)
        if "class" in element.attrib:
            element.set("class", _classes(element.get("class", ""), tones))
        if element.tag == "g" and element.get("class") == "bar":
            _tooltip(element)
    box = root.get("viewBox") or f"0 0 {WIDTH} 300"
    root.attrib.clear()
    told = {"role": "img", "aria-labelledby": f"{key}-title {key}-words", "viewBox": box, "class": "chart"}
    root.attrib.update({"xmlns": "http://www.w3.org/2000/svg"} | told)
    for place, (tag, text) in enumerate((("title", title), ("desc", words))):
        element = ET.Element(tag, {"id": f"{key}-{'words' if place else 'title'}"})
        element.text = visible(text)
        root.insert(place, element)
    return root


def _serves_the_script(element: ET.Element) -> bool:
    name = element.get("class") or ""
    if element.tag in ("style", "defs", "script", "title"):
        return True
    if element.tag == "rect" and "background" in name.split():
        return True
    if element.tag == "desc":
        return name not in ("value", "x_label")
    return element.tag == "g" and any(part in name for part in ("tooltip-overlay", "text-overlay", "plot overlay"))


def _tooltip(drawn: ET.Element) -> None:
    """What a bar is of, shown where the pointer rests on it."""
    found = {child.get("class"): child.text or "" for child in drawn if child.tag == "desc"}
    for child in list(drawn):
        if child.tag == "desc":
            drawn.remove(child)
    title = ET.SubElement(drawn, "title")
    title.text = ": ".join(part for part in (found.get("x_label", ""), found.get("value", "")) if part)


def _classes(names: str, tones: Sequence[str]) -> str:
    return re.sub(r"\bcolor-(\d+)\b", lambda found: f"tone-{tones[int(found[1])]}", names)


def _colours(tones: Sequence[str]) -> str:
    rules = [
        f"text {{ font-family: {FONT}; font-size: 13px; fill: {DOCUMENT['ink']} }}",
        ".guides text { text-anchor: middle } .axis.y .guides text { text-anchor: end }",
        f".guide, .line {{ stroke: {DOCUMENT['line']}; fill: none }}",
    ]
    for tone in dict.fromkeys(tones):
        rules.append(f".tone-{tone} rect, rect.tone-{tone} {{ fill: {DOCUMENT[tone]} }}")
        rules.append(f".tone-{tone} .line {{ stroke: {DOCUMENT[tone]}; stroke-width: 2.5px }}")
    return "\n".join(rules)


def _text(root: ET.Element) -> str:
    text = ET.tostring(root, encoding="unicode")
    return _NUMBER.sub(lambda found: f"{float(found[0]):.1f}", text)
