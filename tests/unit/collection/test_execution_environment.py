# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: its definition is taken by ansible-builder, and says what the collection says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.collection.commands import ROOT, ansible

pytestmark = pytest.mark.slow

DEFINITION = ROOT / "execution-environment.yml"
AWX = ROOT / "examples" / "awx"


def test_ansible_builder_takes_it(tmp_path: Path) -> None:
    built = ansible("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), ".")
    assert built.returncode == 0, built.stderr
    (tmp_path / DEFINITION.name).write_text(DEFINITION.read_text())
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-builder"),
            "create",
            "--file",
            DEFINITION.name,
            "--context",
            "context",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = next((tmp_path / "context").glob("*file")).read_text()
    assert "ansible-core>=2.19" in steps
    wanted = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())["collections"]
    artefact = next(one["name"] for one in wanted if one.get("type") == "file")
    assert (tmp_path / "context" / "_build" / artefact).is_file()


def test_it_has_what_the_collection_needs() -> None:
    document = yaml.safe_load(DEFINITION.read_text())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    given = {one["name"]: one.get("version") for one in document["dependencies"]["galaxy"]["collections"]}
    assert given == {f"collections/msp-patching-{galaxy['version']}.tar.gz": None, **galaxy["dependencies"]}
    optional = [
        re.split(r"\s+#", line)[0]
        for file in ("requirements-postgresql.txt", "requirements-s3.txt")
        for line in (ROOT / file).read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert document["dependencies"]["python"] == optional
    own = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text())["dependencies"]
    assert all((ROOT / file).is_file() for file in own.values())


def test_the_project_for_awx_asks_for_the_same_collections() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    for file in (ROOT / "collections" / "requirements.yml", AWX / "collections" / "requirements.yml"):
        wanted = yaml.safe_load(file.read_text())["collections"]
        versions = {one["name"]: one["version"] for one in wanted if one.get("type") != "git"}
        assert versions == galaxy["dependencies"], file
    assert [one["version"] for one in wanted if one.get("type") == "git"] == [galaxy["version"]]


def test_the_project_for_awx_has_a_playbook_for_each_of_ours() -> None:
    """But for what is no job: the setup itself, and a new key that somebody has to keep."""
    ours = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} - {"awx_setup", "rotate_key"}
    imported = {}
    for path in (AWX / "playbooks").glob("*.yml"):
        (play,) = yaml.safe_load(path.read_text())
        assert play.keys() == {"name", "ansible.builtin.import_playbook"}, "and nothing that would have to be linted"
        assert play["name"][0].isupper()
        imported[path.stem] = play["ansible.builtin.import_playbook"]
    assert imported == {name: f"msp.patching.{name}" for name in ours}


def test_the_callback_is_on_at_the_root_of_each_project() -> None:
    for folder in (ROOT, AWX):
        assert "callbacks_enabled = msp.patching.evidence" in (folder / "ansible.cfg").read_text().splitlines()
