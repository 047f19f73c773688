# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's AWX refuses what AWX refuses: injectors, surveys and their answers, prompts, notifications."""

from __future__ import annotations

from typing import Any

import pytest

from lab.awx import rules, surveys
from lab.awx.errors import AwxError
from lab.awx.jobs import inject
from lab.awx.store import Store

FIELDS = {"fields": [{"id": "url", "label": "URL"}, {"id": "ca", "label": "CA", "multiline": True}]}


def kind(**injectors: dict[str, str]) -> dict[str, Any]:
    return {"name": "T", "kind": "cloud", "managed": False, "inputs": FIELDS, "injectors": injectors}


@pytest.mark.parametrize(
    ("injectors", "said"),
    [
        ({"env": {"ANSIBLE_CALLBACKS_ENABLED": "x"}}, "may affect Ansible"),
        ({"env": {"JOB_ID": "x"}}, "not allowed"),
        ({"env": {"A": "{{ password }}"}}, "undefined field"),
        ({"env": {"A": "{{ tower.filename.ca }}"}}, "undefined field"),
        ({"env": {"A": "{{ url"}}, "Syntax error"),
        ({"file": {"template": "a", "template.ca": "b"}}, "multi-file"),
    ],
)
def test_injectors_that_awx_does_not_take(injectors: dict[str, dict[str, str]], said: str) -> None:
    with pytest.raises(AwxError, match=said):
        rules.credential_type(Store(), kind(**injectors), None)


def test_a_credential_is_put_into_a_job() -> None:
    injectors = {"file": {"template.ca": "{{ ca }}"}, "env": {"URL": "{{ url }}", "CA": "{{ tower.filename.ca }}"}}
    rules.credential_type(Store(), kind(**injectors), None)
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    inject(kind(**injectors), {"id": 7, "inputs": {"url": "https://x"}}, env, {}, files)
    assert env == {"URL": "https://x", "CA": "FILE:credential_7_ca"}
    assert files == {"credential_7_ca": ""}


def question(**more: Any) -> dict[str, Any]:
    return {"question_name": "Q", "variable": "q", "type": "text", "required": True, "default": "", **more}


def spec(*questions: dict[str, Any]) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": list(questions)}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (spec(), "any items"),
        ({"name": "", "spec": []}, "description"),
        (spec(question(type="date")), "allowed question types"),
        (spec(question(required="yes")), "boolean"),
        (spec(question(type="multiplechoice")), "choices"),
        (spec(question(type="multiplechoice", choices=["a"], default="b")), "choices listed"),
        (spec(question(min="5")), "integer"),
        (spec(question(), question()), "duplicated"),
    ],
)
def test_surveys_that_awx_does_not_take(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(AwxError, match=said):
        surveys.check_spec(wrong)


RING = spec(
    question(variable="ring", type="multiplechoice", choices=["pilot"], default="pilot"), question(required=False)
)


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"ring": "pilot"}, 0),
        ({"ring": "pilot", "q": ""}, 0),
        ({}, 1),  # the default does not count
        ({"ring": "all"}, 1),
        ({"ring": "pilot", "q": 5}, 1),
    ],
)
def test_answers(answers: dict[str, Any], wrong: int) -> None:
    assert len(surveys.wrong_answers(RING, answers)) == wrong


@pytest.mark.parametrize(
    ("prompts", "field"),
    [
        ({"limit": "pilot"}, "limit"),
        ({"extra_data": {"ring": "pilot", "patching_ring": "x"}}, "extra_data"),
        ({"extra_data": {}}, "variables_needed_to_start"),
    ],
)
def test_a_schedule_may_ask_only_for_what_its_template_prompts_for(prompts: dict[str, Any], field: str) -> None:
    template = {"type": "job_template", "survey_enabled": True, "ask_variables_on_launch": False}
    with pytest.raises(AwxError) as refused:
        surveys.accept(template, RING, {"extra_data": {"ring": "pilot"}, **prompts})
    assert list(refused.value.body) == [field]


def test_a_body_that_is_no_json_any_more_is_refused() -> None:
    """What is not `!unsafe` arrives as a mapping, or filled in."""
    row = {"notification_type": "webhook", "notification_configuration": {"url": "x", "headers": {}}}
    for body in ({"a": "b"}, "{{ nothing.such }}", "no json"):
        with pytest.raises(AwxError):
            rules.notification_template(Store(), {**row, "messages": {"error": {"message": "", "body": body}}}, None)
    good = {"error": {"message": "", "body": '{"id": {{ job.id }}, "name": "{{ job.name }}"}'}}
    rules.notification_template(Store(), {**row, "messages": good}, None)
