# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys and prompts: what AWX takes as questions, and as answers at launch, in a schedule and in a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import AwxError, RefusedError

TYPES: dict[str, type | tuple[type, ...]] = {
    "multiselect": str,
    "multiplechoice": str,
    "text": str,
    "textarea": str,
    "password": str,
    "integer": int,
    "float": float,
}
CHOICES = ("multiselect", "multiplechoice")
NOT_PROMPTED = "Field is not configured to prompt on launch."
ASKED_AS = {"job_tags": "tags", "skip_tags": "skip_tags"}
"""Where the switch of a field bears another name than the field."""


class _SurveyError(AwxError):
    def __init__(self, why: str) -> None:
        super().__init__(400, {"error": why})


def check_spec(spec: Any) -> None:
    """Raises what AWX answers to a survey that it does not take; it names the first fault."""
    for name, kind, called in (
        ("name", str, "string"),
        ("description", str, "string"),
        ("spec", list, "list of items"),
    ):
        if name not in spec:
            raise _SurveyError(f"Field '{name}' is missing from survey spec.")
        if not isinstance(spec[name], kind):
            raise _SurveyError(f"Expected {called} for field '{name}', received {type(spec[name]).__name__} type.")
    if not spec["spec"]:
        raise _SurveyError("'spec' doesn't contain any items.")
    seen: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        _check_question(number, question, seen)


def _check_question(number: int, question: Any, seen: set[str]) -> None:
    if not isinstance(question, dict):
        raise _SurveyError(f"Survey question {number} is not a json object.")
    for name in ("type", "question_name", "variable", "required"):
        if name not in question:
            raise _SurveyError(f"'{name}' missing from survey question {number}")
        wanted, called = (bool, "boolean") if name == "required" else (str, "string")
        if not isinstance(question[name], wanted):
            raise _SurveyError(f"'{name}' in survey question {number} expected to be {called}.")
    if question["variable"] in seen:
        raise _SurveyError(f"'variable' '{question['variable']}' duplicated in survey question {number}.")
    seen.add(question["variable"])
    kind, default = question["type"], question.get("default", "")
    if kind not in TYPES:
        allowed = ", ".join(TYPES)
        raise _SurveyError(f"'{kind}' in survey question {number} is not one of '{allowed}' allowed question types.")
    if default != "" and not isinstance(default, TYPES[kind]):
        called = kind if kind in ("integer", "float") else "string"
        raise _SurveyError(f"Default value {default} in survey question {number} expected to be {called}.")
    for limit in ("min", "max"):
        if limit in question and not isinstance(question[limit], int):
            raise _SurveyError(f"The {limit} limit in survey question {number} expected to be integer.")
    if kind in CHOICES:
        _check_choices(number, question)


def _check_choices(number: int, question: dict[str, Any]) -> None:
    if "choices" not in question:
        raise _SurveyError(f"Survey question {number} of type {question['type']} must specify choices.")
    if isinstance(question["choices"], str):
        question["choices"] = "\n".join(one for one in question["choices"].splitlines() if one.strip())
    defaults = str(question.get("default", "")).splitlines()
    if question["type"] == "multiplechoice" and len(defaults) > 1:
        raise _SurveyError("Multiple Choice (Single Select) can only have one default value.")
    if any(one not in question["choices"] for one in defaults):
        raise _SurveyError("Default choice must be answered from the choices listed.")


def _choices(question: Mapping[str, Any]) -> list[str]:
    given = question["choices"]
    return [one for one in given.splitlines() if one.strip()] if isinstance(given, str) else list(given)


def wrong_answers(spec: Mapping[str, Any], answers: Mapping[str, Any], *, required: bool = True) -> list[str]:
    """What is wrong with the answers. A required one has to be there, whether the question has a default or not."""
    wrong = []
    for question in spec.get("spec", ()):
        name = question["variable"]
        if name in answers:
            wrong += _wrong_answer(question, answers[name])
        elif question["required"] and required:
            wrong.append(f"'{name}' value missing")
    return wrong


def _wrong_answer(question: Mapping[str, Any], value: Any) -> list[str]:
    kind, name = question["type"], question["variable"]
    if kind in ("text", "textarea", "password"):
        if not isinstance(value, str):
            return [f"Value {value} for '{name}' expected to be a string."]
        return _out_of_bounds(question, value, len(value))
    if kind == "multiselect":
        if not isinstance(value, list):
            return [f"'{name}' value is expected to be a list."]
        return [one for item in value for one in _not_a_choice(question, item)]
    if kind == "multiplechoice":
        return _not_a_choice(question, value)
    wanted, called = ((int,), "an integer") if kind == "integer" else ((int, float), "a numeric type")
    if type(value) not in wanted:
        return [f"Value {value} for '{name}' expected to be {called}."]
    return _out_of_bounds(question, value, value)


def _not_a_choice(question: Mapping[str, Any], value: Any) -> list[str]:
    choices = _choices(question)
    if value in choices:
        return []
    return [f"Value {value} for '{question['variable']}' expected to be one of {choices}."]


def _out_of_bounds(question: Mapping[str, Any], value: Any, size: float) -> list[str]:
    name, least, most = question["variable"], question.get("min"), question.get("max")
    if least not in ("", None) and size < least:
        return [f"'{name}' value {value} is too small (must be at least {least})."]
    if most not in ("", None) and size > most:
        return [f"'{name}' value {value} is too large (must be no more than {most})."]
    return []


def accept(
    template: Mapping[str, Any], spec: Mapping[str, Any], prompts: Mapping[str, Any], *, required: bool = True
) -> None:
    """Of a schedule, or a node with `required` false: raises RefusedError where the template does not take it."""
    for name, value in prompts.items():
        asked = f"ask_{ASKED_AS.get(name, name)}_on_launch"
        if name != "extra_data" and value not in (None, "") and not template.get(asked):
            raise RefusedError(name, NOT_PROMPTED)
    answers = prompts.get("extra_data") or {}
    spec = spec if template.get("survey_enabled") else {}
    wrong = wrong_answers(spec, answers, required=required)
    if wrong:
        raise RefusedError("variables_needed_to_start", *wrong)
    left = set(answers) - {question["variable"] for question in spec.get("spec", ())}
    if left and not template.get("ask_variables_on_launch"):
        raise RefusedError(
            "extra_data",
            f"Variables {', '.join(sorted(left))} are not allowed on launch. Check the Prompt on Launch setting on the "
            f"{template['type'].replace('_', ' ').title()} to include Extra Variables.",
        )


def launch_vars(
    spec: Mapping[str, Any], template_vars: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    """What a job gets: the template's variables, the survey's defaults that are valid answers, the answers."""
    defaults = {
        question["variable"]: question["default"]
        for question in spec.get("spec", ())
        if question.get("default") is not None and not _wrong_answer(question, question["default"])
    }
    return {**template_vars, **defaults, **answers}
