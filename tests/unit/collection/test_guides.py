# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and guides tell people to write and to type exists and is accepted."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.alerts import generic
from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.psa.layout import Layout
from tests.unit.collection.commands import ROOT, Documents

GUIDES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLAYBOOK = re.compile(r"msp\.patching\.(\w+)\b")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
KINDS = ("action", "callback", "filter", "inventory", "modules")


def policies() -> Iterator[tuple[int, str]]:
    for match in FENCE.finditer((ROOT / "docs" / "policy.md").read_text()):
        if match[1] == "yaml":
            yield match.start(), match[2]


def named() -> set[str]:
    """Playbooks, roles and plugins that there are, by name."""
    found = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    found |= {path.name for path in (ROOT / "roles").iterdir()}
    return found | {path.stem for kind in KINDS for path in (ROOT / "plugins" / kind).iterdir()}


def test_there_are_policies_in_the_cookbook() -> None:
    assert len(list(policies())) >= 8


@pytest.mark.parametrize("text", [pytest.param(text, id=f"at {place}") for place, text in policies()])
def test_each_policy_of_the_cookbook_is_one(text: str) -> None:
    assert load_policy(yaml.safe_load(text), ROOT / "docs")


def test_the_cookbook_has_every_default_as_it_is() -> None:
    whole = next(text for _place, text in policies())
    document = yaml.safe_load(whole)
    assert load_policy(document, None).document == load_policy({}, None).document
    assert set(document) == set(load_policy({}, None).document)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_what_a_guide_names_exists(guide: Path) -> None:
    words = guide.read_text()
    assert set(PLAYBOOK.findall(words)) <= named() | {"git"}
    for target in LINK.findall(words):
        assert (guide.parent / target).exists(), target


def test_the_timer_starts_the_service_and_cron_the_script() -> None:
    cron = ROOT / "examples" / "cron"
    assert (cron / "patching.timer").exists()
    assert (cron / "patching.service").exists()
    assert "/patching-cycle" in (cron / "crontab").read_text()
    assert stat.S_IMODE((cron / "patching-cycle").stat().st_mode) & 0o111


def test_the_guide_of_cron_makes_what_its_files_expect() -> None:
    files = "".join(path.read_text() for path in (ROOT / "examples" / "cron").iterdir())
    found = re.findall(r"/(?:etc/patching|srv|var)/[\w./-]*\w", files)
    expected = {path.partition("/bin/")[0] for path in found}
    install = (ROOT / "docs" / "cron.md").read_text().partition("## Install\n")[2].partition("\n## ")[0]
    made = {str(Path(path)) for path in re.findall(r"/[\w./-]+", install)}
    assert {path for path in expected if path not in made and str(Path(path).parent) not in made} == set()
    for path in (ROOT / "examples" / "cron").iterdir():
        assert re.search(rf"\b{re.escape(path.name)}\b", install), path.name


def test_what_a_run_writes_is_for_its_account_alone(tmp_path: Path) -> None:
    """Ledger, key and packages; and the secrets are what they are, whatever a shell would make of them."""
    odd = 'a$HOME&b #c "d"'
    cycle(tmp_path, 0, does=f'touch "{tmp_path}/ledger"; echo "$ODD" > "{tmp_path}/odd"', secrets=f"ODD='{odd}'\n")
    assert stat.S_IMODE((tmp_path / "ledger").stat().st_mode) == 0o600
    assert (tmp_path / "odd").read_text() == f"{odd}\n"
    assert "\nUMask=0077\n" in (ROOT / "examples" / "cron" / "patching.service").read_text()


def blocks(language: str) -> Iterator[str]:
    for guide in GUIDES:
        yield from (match[2] for match in FENCE.finditer(guide.read_text()) if match[1] == language)


def test_inventory_sources_in_guides_have_options_that_there_are(documents: Documents) -> None:
    options = set(documents["inventory"]["msp.patching.automate"]["doc"]["options"])
    sources = [
        found for text in blocks("yaml") if "plugin: msp.patching.automate" in text and (found := yaml.safe_load(text))
    ]
    assert sources
    for source in sources:
        assert set(source) <= options


TORN = re.compile(r"""-e \w+='""")
"""The shell takes these quotes away, and Ansible splits what is left at its blanks."""


def test_no_command_that_people_read_is_torn_at_its_blanks() -> None:
    texts = [path for folder in ("docs", "playbooks", "plugins", "roles") for path in (ROOT / folder).rglob("*.*")]
    readable = [path for path in (*GUIDES, *texts) if path.suffix in (".md", ".yml", ".py", ".rst")]
    assert [str(path) for path in readable if TORN.search(path.read_text(encoding="utf-8"))] == []


NODE = re.compile(r'"((?:scope|reboot|validate|scan|approval|gate|schedule|posture|deploy)\.[a-z_]+)"')
ROW = re.compile(r"^\| `(\w+\.\w+)` \| [^|]+ \| `(flow/\w+\.py)` \|$", re.MULTILINE)


def test_the_walk_through_the_house_knows_every_node_of_the_flow() -> None:
    utils = ROOT / "plugins" / "plugin_utils"
    rows = dict(ROW.findall((ROOT / "CONTRIBUTING.md").read_text()))
    ids = {node for path in (utils / "flow").glob("*.py") for node in NODE.findall(path.read_text())}
    assert set(rows) == ids
    for node, file in rows.items():
        assert f'"{node}"' in (utils / file).read_text(), node


def test_the_walk_through_the_house_names_what_there_is() -> None:
    utils = ROOT / "plugins" / "plugin_utils"
    for name in re.findall(r"`([\w/]+\.(?:py|yml|json|ps1))`", (ROOT / "CONTRIBUTING.md").read_text()):
        places = [ROOT / name, utils / name, ROOT / "plugins" / name, ROOT / "plugins" / "modules" / name]
        places += list(utils.glob(f"*/{name}"))
        assert any(place.exists() for place in places), name


@pytest.mark.parametrize("guide", ["README.md", "CONTRIBUTING.md"])
def test_each_folder_of_the_house_is_there(guide: str) -> None:
    folders = re.findall(r"`((?:plugins|roles|lab|tests|molecule|docs|examples)/[\w/]*)`", (ROOT / guide).read_text())
    assert folders
    assert [name for name in folders if not (ROOT / name).exists()] == []


def cycle(folder: Path, status: int, does: str = "true", secrets: str = "") -> tuple[int, str]:
    """Runs the script of cron where ansible-playbook `does` that and ends with `status`; gives its own and what the
    ping was told."""
    programs = folder / "venv" / "bin"
    programs.mkdir(parents=True)
    told = folder / "told"
    for program, words in (
        (programs / "ansible-playbook", f"{does}\nexit {status}"),
        (programs / "curl", f'echo "$@" > {told}'),
    ):
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(0o755)
    of_account = folder / "secrets.env"
    of_account.write_text(f"PATCHING_PING_URL='https://ping.example.com/key'\n{secrets}")
    done = subprocess.run(
        [ROOT / "examples" / "cron" / "patching-cycle"],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PATCHING_HOME": str(folder),
            "PATCHING_SECRETS": str(of_account),
        },
        check=False,
    )
    return done.returncode, told.read_text()


@pytest.mark.parametrize("status", [0, 2])
def test_the_dead_mans_switch_is_told_how_the_run_ended(tmp_path: Path, status: int) -> None:
    ended, told = cycle(tmp_path, status)
    assert ended == status
    assert told.rstrip().endswith(f"https://ping.example.com/key/{status}")


def test_the_layout_and_the_webhooks_body_of_the_guide_are_right() -> None:
    text = (ROOT / "docs" / "deliveries.md").read_text()
    (layout,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert Layout.parse(yaml.safe_load(layout)).queues["support"].board == "Support"
    (body,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    alert = {"id": "a", "incident": "i", "action": "trigger", "summary": "s", "severity": "critical", "source": "x"}
    assert set(json.loads(body)) == set(generic(alert, "2026-11-11T07:20:00.000000+00:00", 0))
