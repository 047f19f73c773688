# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as a template uses them: tagged values, errors, and the examples of their documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.msp.patching.plugins.filter.patching import FilterModule

FOLDER = Path(__file__).parents[3] / "plugins" / "filter"
FILTERS = FilterModule().filters()
WORKSTATION = {
    "name": "ACME-WS01",
    "client": "Acme",
    "kind": "workstation",
    "time_zone": "America/New_York",
    "policy_group": "auto",
    "ring": "pilot",
    "track": "overnight",
}
UPDATE = {
    "id": "u1",
    "kb": ["1"],
    "title": "Update",
    "vendor": "Microsoft",
    "categories": ["Security Updates"],
    "severity": "Critical",
}
NIGHT = "2026-11-12T07:30:00Z"


def template(expression: str, **variables: Any) -> Any:
    """What a playbook would get, its variables read from YAML and so tagged with where they come from."""
    tagged = DataLoader().load(yaml.safe_dump(variables))
    return Templar(loader=DataLoader(), variables=tagged).template(trust_as_template("{{ " + expression + " }}"))


def documented(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_each_filter_is_documented_and_nothing_else_is() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yml")) == sorted(FILTERS)
    assert {documented(name)["DOCUMENTATION"]["name"] for name in FILTERS} == set(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_the_documentation_names_the_arguments(name: str) -> None:
    plugin = FILTERS[name].__wrapped__  # type: ignore[attr-defined]
    arguments = plugin.__code__.co_varnames[1 : plugin.__code__.co_argcount]
    text = documented(name)["DOCUMENTATION"]
    assert list(arguments) == text.get("positional", "").replace(" ", "").split(",") or not arguments
    assert set(text["options"]) == {"_input", *arguments}


def examples() -> Iterator[Any]:
    for name in FILTERS:
        text = documented(name)["EXAMPLES"]
        results = re.findall(r"# => (.*)", text)
        tasks = [task for task in yaml.safe_load(text) if "ansible.builtin.debug" in task]
        assert len(results) == len(tasks), name
        for task, result in zip(tasks, results, strict=True):
            yield pytest.param(
                task["ansible.builtin.debug"]["msg"], task.get("vars", {}), result, id=f"{name}: {task['name']}"
            )


@pytest.mark.parametrize(("message", "variables", "result"), list(examples()))
def test_the_examples_give_what_they_say(message: str, variables: dict[str, Any], result: str) -> None:
    assert str(template(message.removeprefix("{{").removesuffix("}}"), **variables)) == result


def test_a_decision_is_plain_data() -> None:
    found = template(f"endpoint | msp.patching.decide(updates, '{NIGHT}')", endpoint=WORKSTATION, updates=[UPDATE])
    assert (found["action"], found["updates"], found["left_out"]) == ("install", ["u1"], [])
    assert found["path"][-1]["node"] == "deploy.install"


def test_null_means_that_the_updates_are_not_known_and_an_empty_list_that_none_apply() -> None:
    assert template(f"(e | msp.patching.decide(none, '{NIGHT}')).node", e=WORKSTATION) == "scan.due"
    assert template(f"(e | msp.patching.decide([], '{NIGHT}')).node", e=WORKSTATION) == "approval.nothing_approved"


def test_now_may_be_a_datetime_that_knows_its_offset() -> None:
    expression = "(e | msp.patching.window('2026-11-12T02:30:00-0500' | to_datetime('%Y-%m-%dT%H:%M:%S%z'))).open"
    assert template(expression, e=WORKSTATION) is True


def test_policy_and_register_come_from_variables() -> None:
    variables = {
        "e": WORKSTATION,
        "u": [UPDATE],
        "p": {"windows": {"workstation_overnight": {"start": "03:00"}}},
        "r": {"approvals": [{"update": "1", "decision": "declined", "by": "E", "at": "2026-11-11T00:00:00Z"}]},
    }
    assert template(f"(e | msp.patching.decide(u, '{NIGHT}', policy=p)).node", **variables) == "schedule.window"
    assert template(f"(e | msp.patching.decide(u, '{NIGHT}', register=r)).action", **variables) == "none"
    assert template(f"(u | msp.patching.approvals('{NIGHT}', r, p, 'Acme'))[0].decision", **variables) == "declined"


def test_a_client_overrides_the_approval_rules() -> None:
    rules = {"clients": {"Acme": {"approval": [{"name": "none", "decision": "declined"}]}}}
    expression = f"(u | msp.patching.approvals('{NIGHT}', policy=p, client=c))[0].rule"
    assert template(expression, u=[UPDATE], p=rules, c="Acme") == "none"
    assert template(expression, u=[UPDATE], p=rules, c="Other") == "microsoft-security"


def test_there_may_be_no_reboot_window() -> None:
    server = WORKSTATION | {"kind": "server", "policy_group": "manual"}
    assert template(f"(e | msp.patching.reboot_window('{NIGHT}')) is none", e=server) is True


WRONG = [
    ("'2026-13' | msp.patching.patch_tuesday", "month '2026-13'.*2026-11"),
    ("202611 | msp.patching.patch_tuesday", "month 202611"),
    ("e | msp.patching.window('2026-11-12T02:30:00')", "now is '2026-11-12T02:30:00'.*no offset"),
    ("e | msp.patching.window('now')", "now is 'now'.*ISO 8601"),
    ("(e | combine({'ring': 'plot'})) | msp.patching.decide([], n)", "endpoint ACME-WS01: ring is 'plot'.*pilot"),
    ("(e | combine({'rnig': 'x'})) | msp.patching.decide([], n)", "unknown key rnig; did you mean ring"),
    ("e | msp.patching.decide('u', n)", "updates are 'u': a list"),
    ("e | msp.patching.decide([{'kb': []}], n)", "update: id is missing"),
    ("e | msp.patching.decide([], n, register={'hold': []})", "unknown key hold; did you mean holds"),
    ("e | msp.patching.decide([], n, policy={'soak': {'day': 1}})", r"soak\.day: unknown key; did you mean days"),
    ("[{'id': 'u'}] | msp.patching.accept_list", "update u: title and kb are both missing"),
    ("{} | msp.patching.window(n)", "kind, time_zone, track unknown"),
]


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_errors_name_the_thing_the_value_and_what_is_right(expression: str, message: str) -> None:
    with pytest.raises(AnsibleError) as raised:
        template(expression, e=WORKSTATION, n=NIGHT)
    assert re.search(message, str(raised.value), re.DOTALL)
