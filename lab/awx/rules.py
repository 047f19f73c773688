# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses when an object is made or changed, beyond what is missing or points nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, UndefinedError
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from . import schedules, surveys
from .errors import AwxError, RefusedError
from .kinds import PROMPTS
from .store import Row, Store

BLOCKED = frozenset(
    {
        "AD_HOC_COMMAND_ID",
        "AWX_HOST",
        "CACHE",
        "CALLBACK_CONNECTION",
        "CALLBACK_QUEUE",
        "INVENTORY_HOSTVARS",
        "INVENTORY_ID",
        "INVENTORY_SOURCE_ID",
        "INVENTORY_UPDATE_ID",
        "JOB_CALLBACK_DEBUG",
        "JOB_ID",
        "MAX_EVENT_RES",
        "PATH",
        "PROJECT_REVISION",
        "PYTHONPATH",
        "REST_API_TOKEN",
        "REST_API_URL",
        "SUPERVISOR_CONFIG_PATH",
        "VIRTUAL_ENV",
    }
)
ENVIRONMENT = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
INPUT_KEYS = frozenset(
    {"id", "label", "help_text", "type", "format", "secret", "multiline", "choices", "default", "ask_at_runtime"}
)
INPUT_TYPES = ("string", "boolean")
CONSTRUCTED_MAY_CHANGE = frozenset({"source_vars", "update_cache_timeout", "limit", "verbosity"})
CONTEXT = {
    "job": {
        "id": 42,
        "name": "stub",
        "status": "failed",
        "created_by": {},
        "summary_fields": {"created_by": {"username": "stub"}},
    },
    "job_friendly_name": "Job",
    "url": "https://awx.example.net/#/jobs/playbook/42",
    "job_metadata": '{"url": "https://awx.example.net", "status": "failed"}',
    "approval_status": "approved",
    "approval_node_name": "Approve Me",
    "workflow_url": "https://awx.example.net/#/jobs/workflow/42",
}
"""What a message of a notification may speak of, with values to try it with."""

_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # JSON, no page


def credential_type(_store: Store, new: Row, old: Row | None) -> None:
    if new["kind"] not in ("cloud", "net"):
        raise RefusedError("kind", f"Must be 'cloud' or 'net', not {new['kind']}.")
    if old is not None and (new["kind"] != old["kind"]):
        raise AwxError(403, {"detail": "Modifications to kind are not allowed."})
    fields = new["inputs"].get("fields", [])
    for field in fields:
        unknown = set(field) - INPUT_KEYS
        if unknown or not {"id", "label"} <= set(field) or field.get("type", "string") not in INPUT_TYPES:
            raise RefusedError("inputs", f"Schema validation error in relative path fields ({field})")
    ids = [field["id"] for field in fields]
    if len(set(ids)) < len(ids) or "tower" in ids:
        raise RefusedError("inputs", "field IDs must be unique, and 'tower' is a reserved field name")
    missing = set(new["inputs"].get("required", [])) - set(ids)
    if missing:
        raise RefusedError("inputs", f"required names fields that are not there: {sorted(missing)}")
    _injectors(new["injectors"], ids)


def _injectors(injectors: Mapping[str, Mapping[str, str]], ids: list[str]) -> None:
    if set(injectors) - {"file", "env", "extra_vars"}:
        raise RefusedError("injectors", "Additional properties are not allowed")
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_"):
            raise RefusedError(
                "injectors",
                f"Environment variable {name} may affect Ansible configuration so its use is not allowed in "
                "credentials.",
            )
        if name in BLOCKED or not ENVIRONMENT.fullmatch(name):
            raise RefusedError("injectors", f"Environment variable {name} is not allowed to be used in credentials.")
    files = injectors.get("file", {})
    if "template" in files and len(files) > 1:
        raise RefusedError("injectors", "Must use multi-file syntax when injecting multiple files")
    filename: Any = "EXAMPLE" if "template" in files else {name.removeprefix("template."): "EXAMPLE" for name in files}
    known = dict.fromkeys(ids, "EXAMPLE") | {"tower": {"filename": filename}}
    for group in injectors.values():
        for key, template in group.items():
            try:
                _JINJA.from_string(template).render(known)
            except UndefinedError as exc:
                raise RefusedError("injectors", f"{key} uses an undefined field ({exc})") from exc
            except TemplateError as exc:
                raise RefusedError("injectors", f"Syntax error rendering template for {key} ({exc})") from exc


def credential(store: Store, new: Row, old: Row | None) -> None:
    kind = store.get("credential_types", new["credential_type"])
    if old is not None and new["credential_type"] != old["credential_type"]:
        raise RefusedError("credential_type", "You cannot change the credential type of the credential")
    fields = {field["id"]: field for field in kind["inputs"].get("fields", [])}
    for name, value in new["inputs"].items():
        if name not in fields:
            raise RefusedError("inputs", f"Additional properties are not allowed ('{name}' was unexpected)")
        wanted = bool if fields[name].get("type") == "boolean" else str
        if not isinstance(value, wanted):
            raise RefusedError("inputs", f"{value!r} is not of type '{wanted.__name__}'")
        choices = fields[name].get("choices")
        if choices and value not in choices:
            raise RefusedError("inputs", f"'{value}' is not one of {choices}")
    empty = [name for name in kind["inputs"].get("required", []) if not new["inputs"].get(name)]
    if empty and old is None:
        # AWX takes such a credential and refuses the launch; said at once here, so that a test sees it
        raise RefusedError("inputs", f"required for {kind['name']}: {', '.join(empty)}")


def project(_store: Store, new: Row, _old: Row | None) -> None:
    if new["scm_type"] not in ("", "git", "svn", "insights", "archive"):
        raise RefusedError("scm_type", f'"{new["scm_type"]}" is not a valid choice.')
    if new["scm_type"] and not new["scm_url"]:
        raise RefusedError("scm_url", "SCM URL is required.")
    if new["organization"] is None:
        raise RefusedError("organization", "Organization is missing")


def inventory(_store: Store, new: Row, old: Row | None) -> None:
    new["kind"] = new["kind"] or ""
    if old is not None and new["kind"] != old["kind"]:
        raise AwxError(405, {"detail": "Method not allowed."})
    _mapping(new, "variables")


def inventory_source(store: Store, new: Row, old: Row | None) -> None:
    if old is not None and old["source"] == "constructed":
        for name in new:
            if new[name] != old[name] and name not in CONSTRUCTED_MAY_CHANGE:
                raise RefusedError("error", f"Cannot change field '{name}' on a constructed inventory source.")
        _mapping(new, "source_vars")
        return
    if store.get("inventories", new["inventory"])["kind"]:
        raise RefusedError("detail", "Cannot create Inventory Source for Smart or Constructed Inventories")
    if new["source"] == "scm":
        if new["source_project"] is None:
            raise RefusedError("source_project", "Project required for scm type sources.")
        if not store.get("projects", new["source_project"])["scm_type"]:
            raise RefusedError("source_project", "Cannot use manual project for SCM-based inventory.")
    elif new["source"] == "constructed":
        raise RefusedError("error", "constructed not a valid source for inventory")
    _mapping(new, "source_vars")


def _mapping(new: Row, name: str) -> None:
    if new[name]:
        try:
            value = json.loads(new[name])
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RefusedError(name, "Cannot parse as JSON or YAML.")


def job_template(store: Store, new: Row, _old: Row | None) -> None:
    new["organization"] = store.get("projects", new["project"])["organization"]
    if new["inventory"] is None and not new["ask_inventory_on_launch"]:
        raise RefusedError("inventory", "Must either set a default value or ask to prompt on launch.")
    if new["job_type"] not in ("run", "check"):
        raise RefusedError("job_type", f'"{new["job_type"]}" is not a valid choice.')
    _mapping(new, "extra_vars")


def workflow_job_template(_store: Store, new: Row, _old: Row | None) -> None:
    _mapping(new, "extra_vars")


def node(store: Store, new: Row, _old: Row | None) -> None:
    if new["unified_job_template"] is not None:
        template = store.template(new["unified_job_template"])
        prompts = {name: new[name] for name in PROMPTS}
        surveys.accept(template, store.survey(template), prompts, required=False)


def schedule(store: Store, new: Row, _old: Row | None) -> None:
    schedules.check(new["rrule"])
    template = store.template(new["unified_job_template"])
    if template["type"] == "inventory_source" and template["source"] == "constructed":
        raise RefusedError("unified_job_template", "Constructed inventory sources cannot have schedules.")
    if template["type"] == "project" and not template["scm_type"]:
        raise RefusedError("unified_job_template", "Manual Project cannot have a schedule set.")
    prompts = {name: new[name] for name in PROMPTS}
    surveys.accept(template, store.survey(template), prompts)


def notification_template(_store: Store, new: Row, _old: Row | None) -> None:
    given = new["notification_configuration"]
    if new["notification_type"] == "webhook":
        missing = [name for name in ("url", "headers") if name not in given]
        if missing:
            raise RefusedError(
                "__all__", f"Missing required fields for Notification Configuration: {', '.join(missing)}."
            )
        if not isinstance(given["headers"], dict):
            raise RefusedError("__all__", "Configuration field 'headers' incorrect type, expected dict.")
        if given.get("http_method", "POST") not in ("POST", "PUT"):
            raise RefusedError("__all__", "HTTP method must be either 'POST' or 'PUT'.")
    for event, message in (new["messages"] or {}).items():
        for one in message.values() if event == "workflow_approval" and message else [message]:
            _message(event, one or {}, webhook=new["notification_type"] == "webhook")


def _message(event: str, message: Mapping[str, Any], *, webhook: bool) -> None:
    for name, text in message.items():
        if text is not None and not isinstance(text, str):
            # what templating has turned into a mapping on the way
            raise RefusedError("messages", f"Expected string for '{name}', found {type(text).__name__}")
        try:
            rendered = _JINJA.from_string(text or "").render(CONTEXT)
        except TemplateError as exc:
            raise RefusedError("messages", f"Unable to render message '{event}': {exc}") from exc
        if webhook and name == "body" and rendered:
            try:
                found = json.loads(rendered)
            except ValueError as exc:
                raise RefusedError("messages", f"Webhook body for '{event}' is not valid ({exc}).") from exc
            if not isinstance(found, dict):
                raise RefusedError("messages", f"Webhook body for '{event}' should be a json dictionary.")


RULES: dict[str, Callable[[Store, Row, Row | None], None]] = {
    "credential_types": credential_type,
    "credentials": credential,
    "projects": project,
    "inventories": inventory,
    "inventory_sources": inventory_source,
    "job_templates": job_template,
    "workflow_job_templates": workflow_job_template,
    "workflow_job_template_nodes": node,
    "schedules": schedule,
    "notification_templates": notification_template,
}
