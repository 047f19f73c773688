# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view as a PDF document, and its headline as a picture (PNG), by typst: no browser, no system library.

The letters are those of a package, so that they are the same everywhere; only what these do not have (a name in
Chinese, say) is taken from the machine's own. Texts reach typst as data and are never read as markup. The document's
date is the account's: the same view gives the same bytes. The PDF is tagged and conforms to PDF/UA-1 (accessible).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import PatchingError
from ..requirements import font_source_sans_pro, typst
from ..visible import visible
from .palette import DOCUMENT
from .view import LONGEST, View

DATA = Path(__file__).parent / "data"
STANDARD = "ua-1"
PIXELS_PER_INCH = 144
LONG = re.compile(r"\S{25,}")
ZERO_WIDTH_SPACE = "\u200b"


class DocumentError(PatchingError):
    """The PDF or the picture could not be made; the text is typst's own."""


def document(view: View) -> bytes:
    """The PDF. Raises DocumentError.

    PDF/UA wants a letter for each character, which emoji and many scripts have on few machines. Where one has none, the
    document does without the standard: a square in a name is better than no evidence.
    """
    try:
        return _compiled("report.typ", view, format="pdf", pdf_standards=[STANDARD])
    except DocumentError as exc:
        if "could not be displayed" not in str(exc):
            raise
    return _compiled("report.typ", view, format="pdf")


def picture(view: View) -> bytes:
    """The PNG of the headline: what stands where, and who must act. Raises DocumentError."""
    return _compiled("picture.typ", view, format="png", ppi=PIXELS_PER_INCH)


def _compiled(template: str, view: View, **options: Any) -> bytes:
    moment = datetime.fromisoformat(view.date)
    source = (DATA / "style.typ").read_bytes() + b"\n" + (DATA / template).read_bytes()
    inputs = {"view": json.dumps(_breakable(view.as_record())), "palette": json.dumps(DOCUMENT)}
    try:
        made = typst.compile(source, font_paths=_fonts(), sys_inputs=inputs, timestamp=moment, **options)
    except typst.TypstError as exc:
        raise DocumentError(f"the report cannot be made a {options['format'].upper()}: {exc}") from exc
    return bytes(made[0] if isinstance(made, list) else made)


@cache
def _fonts() -> Any:
    """The fonts, found once: a look through the machine's takes as long as a document."""
    return typst.Fonts(font_paths=[str(Path(font_source_sans_pro.__file__).parent / "files")])


def _breakable(value: Any) -> Any:
    """The record with places where a word that is wider than a column may be broken; drawings as they are."""
    if isinstance(value, dict):
        return {key: item if key in ("page", "document") else _breakable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_breakable(item) for item in value]
    if isinstance(value, str):
        shown = visible(value, LONGEST)
        return LONG.sub(lambda found: ZERO_WIDTH_SPACE.join(re.findall(".{1,16}", found[0])), shown)
    return value
