# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example is one: of modules and plugins, in guides, and in the words at the head of a playbook.

Examples of filters are run, by their own tests; policies and layouts are loaded, and docs/lab.md is followed word by
word, by theirs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from lab.__main__ import arguments as lab_arguments
from tests.unit.collection.commands import ROOT, Documents, ansible

GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")])
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:[#$]\s+|\s*)(ansible-playbook [^\n]*msp\.patching\.[^\n]*)$", re.MULTILINE)
SETTING = re.compile(r"\b((?:AUTOMATE|MSP_PATCHING)_[A-Z_]*[A-Z])\b(?!_)")
OF_EVERY_RUN = frozenset({"as_of"})
"""Variables that the collection reads itself, whatever the playbook."""


def tasks(document: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those of an example, be it plays or tasks."""
    for one in document:
        yield from tasks(one["tasks"]) if "tasks" in one else [one]


def spec(options: dict[str, Any]) -> dict[str, Any]:
    """A module's documented options, as what its arguments are checked with."""
    words = ("type", "elements", "required", "choices", "default", "aliases")
    return {
        name: {word: option[word] for word in words if option.get(word) is not None}
        | ({"options": spec(option["suboptions"])} if "suboptions" in option else {})
        for name, option in options.items()
    }


def without_templates(given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """What is only known when it runs, as something of the type that is taken."""
    of_type = {"dict": {}, "list": [], "int": 1, "float": 1.0, "bool": True}
    return {
        name: (option.get("choices") or [of_type.get(option["type"], value)])[0]
        if isinstance(value, str) and "{{" in value and (option := options.get(name))
        else value
        for name, value in given.items()
    }


def examples(documents: Documents) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task of every example, with the plugin that it is an example of."""
    for kind in ("module", "callback", "filter"):
        for name, document in documents[kind].items():
            for part in yaml.safe_load_all(document["examples"]):
                yield from ((name, task) for task in tasks(part))


def test_modules_take_what_their_examples_give(documents: Documents) -> None:
    wrong, checked = [], set()
    for name, task in examples(documents):
        for module in set(task) & set(documents["module"]):
            options = documents["module"][module]["doc"]["options"]
            found = ArgumentSpecValidator(spec(options)).validate(without_templates(task[module] or {}, options))
            wrong += [f"{name}: {task['name']}: {message}" for message in found.error_messages]
            checked.add(module)
    assert wrong == []
    assert checked == set(documents["module"]), "every module has an example of its own"


def test_an_example_that_gives_what_a_module_does_not_take_is_noticed(documents: Documents) -> None:
    options = documents["module"]["msp.patching.approve"]["doc"]["options"]
    validator = ArgumentSpecValidator(spec(options))
    assert validator.validate({"updates": ["KB1"], "reason": "r"}).error_messages == []
    assert validator.validate({"updates": ["KB1"], "reasons": "r"}).error_messages
    assert validator.validate({"updates": ["KB1"], "reason": "r", "decision": "perhaps"}).error_messages


@pytest.mark.slow
def test_all_examples_together_are_a_playbook(documents: Documents, tmp_path: Path) -> None:
    found = [task for _name, task in examples(documents)]
    play = tmp_path / "examples.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "tasks": found}]))
    done = ansible("ansible-playbook", "-i", "localhost,", "--syntax-check", str(play))
    assert done.returncode == 0, done.stderr


def test_the_inventory_takes_what_its_examples_give(documents: Documents) -> None:
    (document,) = documents["inventory"].values()
    sources = list(yaml.safe_load_all(document["examples"]))
    assert len(sources) > 1
    for source in sources:
        assert set(source) - set(document["doc"]["options"]) == set()


# -- commands and settings in guides, playbooks and documents ---------------------------------------------------------


def texts() -> Iterator[tuple[str, str]]:
    for path in (*GUIDES, *PLAYBOOKS, *(ROOT / "plugins" / "modules").glob("*.py"), *(ROOT / "examples").rglob("*")):
        if path.is_file():
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def playbook(name: str) -> str:
    """Its words, and those of the playbooks that it consists of."""
    words = (ROOT / "playbooks" / f"{name}.yml").read_text()
    return words + "".join(
        playbook(other) for other in re.findall(r"import_playbook: (?:msp\.patching\.)?(\w+)", words)
    )


def asked(line: str) -> tuple[str, set[str], set[str]]:
    """The playbook of a command, the variables it is given, and the tags."""
    words = shlex.split(re.sub(r"[\[\]]", "", line), comments=True)  # brackets: what may be left out
    given = [after for before, after in pairwise(words) if before in ("-e", "--extra-vars")]
    tags = [after for before, after in pairwise(words) if before in ("-t", "--tags", "--skip-tags")]
    (name,) = [word.removeprefix("msp.patching.") for word in words if word.startswith("msp.patching.")]
    variables = {part.split("=")[0] for part in given if "=" in part and not part.startswith(("{", "@"))}
    return name, variables, {tag for some in tags for tag in some.split(",")}


COMMANDS = sorted({(where, line) for where, text in texts() for line in COMMAND.findall(text)})


@pytest.mark.parametrize(("where", "line"), COMMANDS)
def test_a_playbook_reads_what_it_is_called_with(where: str, line: str) -> None:
    name, variables, tags = asked(line)
    assert (ROOT / "playbooks" / f"{name}.yml").is_file(), where
    read = playbook(name).split("hosts:", 1)[1]
    unread = variables - OF_EVERY_RUN | tags
    assert [word for word in unread if not re.search(rf"\b{word}\b", read)] == [], where


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 15
    assert asked("ansible-playbook -i x msp.patching.ring -e ring=pilot -l A --tags scan  # why") == (
        "ring",
        {"ring"},
        {"scan"},
    )


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_lab_takes_what_a_guide_tells_to_type(guide: Path) -> None:
    for match in FENCE.finditer(guide.read_text(encoding="utf-8")):
        for line in re.findall(r"^\$ python -m lab ([^\n#]+)", match["content"], re.MULTILINE):
            lab_arguments().parse_args(shlex.split(line))


def entries(documents: Documents, kind: str) -> set[str]:
    """The names under which the collection's options can be set: ``env`` variables, or ``ini`` keys."""
    of = {"env": "name", "ini": "key"}[kind]
    return {
        entry[of]
        for plugins in documents.values()
        for document in plugins.values()
        for option in document.get("doc", {}).get("options", {}).values()
        for entry in option.get(kind, [])
    }


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_a_setting_that_a_guide_names_is_one(documents: Documents, guide: Path) -> None:
    words = guide.read_text(encoding="utf-8")
    assert set(SETTING.findall(words)) - entries(documents, "env") == set()
    for match in FENCE.finditer(words):
        if match["language"] == "ini":
            parser = ConfigParser(interpolation=None)
            parser.read_string(match["content"])
            ours = set(parser["msp_patching"]) if parser.has_section("msp_patching") else set()
            assert ours - entries(documents, "ini") == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_block_of_yaml_is_yaml(guide: Path) -> None:
    for match in FENCE.finditer(guide.read_text(encoding="utf-8")):
        if match["language"] in ("yaml", "yml"):
            assert list(yaml.safe_load_all(match["content"])) != [None]
