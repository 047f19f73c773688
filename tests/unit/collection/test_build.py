# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artefact holds the collection, and nothing that lies about in a checkout: environments, ledgers, a lab's keys."""

from __future__ import annotations

import tarfile
from fnmatch import fnmatch

import pytest
import yaml

from tests.gates.tree import tracked
from tests.unit.collection.commands import ROOT, ansible

pytestmark = pytest.mark.slow

MADE_BY_GALAXY = {"MANIFEST.json", "FILES.json"}
FOR_USERS = (
    "README.md",
    "meta/runtime.yml",
    "requirements.txt",
    "playbooks/ring.yml",
    "roles/flow/tasks/main.yml",
    "plugins/inventory/automate.py",
    "plugins/modules/win_posture.ps1",
    "plugins/plugin_utils/flow/data/hresults.json",
    "plugins/plugin_utils/oscal/data/sp800-171r2-si.json",
    "docs/lab.md",
    "lab/requirements.txt",
    "lab/windows/registry.py",
)
FOR_DEVELOPERS = ("Makefile", "tests/*", "molecule/*", "inventories/*", "ansible.cfg", "pyproject.toml", ".[!a]*")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("build")
    done = ansible("ansible-galaxy", "collection", "build", "--output-path", str(folder), ".")
    assert done.returncode == 0, done.stderr
    (artefact,) = folder.glob("msp-patching-*.tar.gz")
    with tarfile.open(artefact) as archive:
        return {member.name for member in archive if member.isfile()}


def test_it_holds_what_users_need(members: set[str]) -> None:
    assert sorted(set(FOR_USERS) - members) == []


def test_what_only_who_works_on_it_needs_is_not_in_it(members: set[str]) -> None:
    assert [name for name in members if any(fnmatch(name, pattern) for pattern in FOR_DEVELOPERS)] == []


def test_it_holds_nothing_that_git_does_not(members: set[str]) -> None:
    assert sorted(members - set(tracked()) - MADE_BY_GALAXY) == []


def test_what_it_leaves_out_is_left_out_on_purpose(members: set[str]) -> None:
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]
    left_out = {
        name for name in set(tracked()) - members if not any(fnmatch(name.split("/")[0], one) for one in ignored)
    }
    assert left_out - {"galaxy.yml"} == set()  # its content is in MANIFEST.json


def test_no_secret_and_no_state_is_in_it(members: set[str]) -> None:
    suspicious = ("*.sqlite*", "*.pem", "*.key", "*lab.json", "*.log", "*.pyc", ".venv*", ".lab*", ".ansible/*")
    assert [name for name in members if any(fnmatch(name, pattern) for pattern in suspicious)] == []


def test_the_oldest_core_that_is_promised_is_tested() -> None:
    needs = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    bundles = (ROOT / "tests" / "requirements.txt").read_text()
    assert needs == ">=2.19.0"
    assert "ansible==12." in bundles  # the bundle of ansible-core 2.19
