# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view as one self-contained HTML page: no network, no font, no image; styles and script are in it.

A content security policy in the page allows exactly its own style sheet and script, by their hashes, so that a name
from the RMM that were ever taken for markup could still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from ..requirements import jinja2
from ..visible import visible
from .palette import DARK, FONT, LIGHT, TONES
from .view import LONGEST, View

DATA = Path(__file__).parent / "data"


def page(view: View) -> str:
    """The HTML text; the same view gives the same text."""
    style, script = _style(), _read("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("page.html.j2")
    text: str = template.render(view=view, style=style, script=script, policy=policy)
    return text


@cache
def _environment() -> Any:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DATA),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["safe_svg"] = jinja2.filters.do_mark_safe
    return environment


def _shown(value: Any) -> Any:
    """What the page says, but for what is markup of ours."""
    return visible(value, LONGEST) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _style() -> str:
    colours = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    tones = "\n".join(
        f".tone-{tone}{{--tone:var(--{tone})}} .chart .tone-{tone} rect,.chart rect.tone-{tone}{{fill:var(--{tone})}} "
        f".chart .tone-{tone} .line{{stroke:var(--{tone})}}"
        for tone in TONES
    )
    root = f":root{{color-scheme:light dark;--font:{FONT};{colours}}}\n"
    night = f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    return f"{root}{night}{_read('page.css')}\n{tones}\n"


@cache
def _read(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content security policy names the text of an element."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
