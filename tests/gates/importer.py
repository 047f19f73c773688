# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.gates.importer`: the built collection as Galaxy reads it on upload, without an error or a warning.

galaxy-importer pins old releases of its tools, and so has an environment of its own, ``.venv-importer``, which is made
once and kept: with the word ``environment`` it makes that and ends. Its log stays in ``build/importer.log``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .tree import ROOT, refuse, tell

GATE = "importer"
ENVIRONMENT = ROOT / ".venv-importer"
REQUIREMENTS = ROOT / "tests" / "requirements-importer.txt"
LOG = ROOT / "build" / "importer.log"
COMPLAINT = re.compile(r"^(WARNING|ERROR|CRITICAL)\b.*|^Traceback.*", re.MULTILINE)
DONE = "Importer processing completed successfully"
KINDS = {"modules": "module"}
"""Galaxy's name for a kind of plugin where it is not the folder's."""


def complaints(log: str) -> list[str]:
    """What the importer has to say against the collection; it ends with 0 all the same."""
    found = [match[0] for match in COMPLAINT.finditer(log)]
    return found if DONE in log else [*found, "it did not come to its end"]


def contents() -> set[tuple[str, str]]:
    """Kind and name of whatever the importer has to find: it leaves out in silence what it does not know."""
    plugins = {
        (KINDS.get(path.parent.name, path.parent.name), path.stem)
        for path in (ROOT / "plugins").glob("*/*")
        if path.suffix in (".py", ".ps1") and path.parent.name not in ("plugin_utils", "module_utils")
    }
    roles = {("role", path.parent.name) for path in (ROOT / "roles").glob("*/meta")}
    playbooks = {("playbook", path.name) for path in (ROOT / "playbooks").glob("*.yml")}
    return plugins | roles | playbooks


def environment() -> Path:
    """The programs of the importer's environment, which is made where it is not there or has become old."""
    programs, stamp = ENVIRONMENT / "bin", ENVIRONMENT / ".made"
    if not stamp.exists() or stamp.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        tell(GATE, f"making {ENVIRONMENT.name}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--upgrade", "pip"], check=False)  # an old one is slow
        subprocess.run([*pip, "--no-compile", "-r", str(REQUIREMENTS)], check=True)
        stamp.touch()
    return programs


def import_built(programs: Path, folder: Path) -> tuple[str, dict[str, object]]:
    """The importer's log and its result for the collection as it is built from the checkout."""
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (artefact,) = folder.glob("*.tar.gz")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    theirs = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        [programs / "python", "-m", "galaxy_importer.main", artefact],
        cwd=folder,
        env=ours | theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text(done.stdout)
    if done.returncode:
        refuse(GATE, done.stdout)
    result: dict[str, object] = json.loads((folder / "importer_result.json").read_text())
    return done.stdout, result


def main() -> None:
    programs = environment()
    if sys.argv[1:] == ["environment"]:
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log, result = import_built(programs, Path(folder))
    if found := complaints(log):
        refuse(GATE, *found, f"the whole log is in {LOG.relative_to(ROOT)}")
    rows = result["contents"]
    assert isinstance(rows, list)
    read = {(row["content_type"], row["name"]) for row in rows}
    if missing := sorted(contents() - read):
        refuse(GATE, f"read {len(read)} contents, and not {', '.join(f'{kind} {name}' for kind, name in missing)}")
    tell(GATE, f"{len(read)} contents, no error and no warning, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
