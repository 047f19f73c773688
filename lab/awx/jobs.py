# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX hands to ansible-runner for a job: environment, extra vars, files, playbook, and where its hosts are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from .store import Row, Store

PREFIXES = ("awx", "tower")
FIRST_HOST = 101
_JINJA = ImmutableSandboxedEnvironment(autoescape=False)  # environment variables, no page


def handed_over(store: Store, job: Row, user: str) -> dict[str, Any]:
    """`env`, `extra_vars` and `files` (by name) hold secrets. Where an environment variable or an extra var names a
    file, it has ``FILE:name``: only the runner knows where that is to lie. `inventory` is how its hosts are found."""
    template = store.get("job_templates", job["job_template"])
    env = {
        "ANSIBLE_FORCE_COLOR": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "AWX_HOST": "https://awx.example.net",
        "INVENTORY_ID": str(job["inventory"]),
        "JOB_ID": str(job["id"]),
        "MAX_EVENT_RES": "700000",
    }
    extra_vars = json.loads(job["extra_vars"] or "{}")
    files: dict[str, str] = {}
    for number in store.members("job_templates", template["id"], "credentials"):
        credential = store.get("credentials", number)
        inject(store.get("credential_types", credential["credential_type"]), credential, env, extra_vars, files)
    return {
        "playbook": template["playbook"],
        "env": env,
        "extra_vars": {**extra_vars, **_meta(store, job, template, user)},
        "files": files,
        "limit": job["limit"] or "",
        "check": job["job_type"] == "check",
        "inventory": _inventory(store, job["inventory"]),
    }


def inject(kind: Row, credential: Row, env: dict[str, str], extra_vars: dict[str, Any], files: dict[str, str]) -> None:
    """What a custom credential adds to a job. A field that was left out is empty; what stays empty is not set."""
    injectors = kind["injectors"]
    fields = {field["id"]: field.get("default", "") for field in kind["inputs"].get("fields", [])}
    names: dict[str, str] = {}
    known = {**fields, **credential["inputs"], "tower": {"filename": names}}
    for key, template in injectors.get("file", {}).items():
        name = f"credential_{credential['id']}_{key.removeprefix('template.')}"
        files[name] = _JINJA.from_string(template).render(known)
        names[key.removeprefix("template.")] = f"FILE:{name}"
    env |= {name: _JINJA.from_string(template).render(known) for name, template in injectors.get("env", {}).items()}
    for name, template in injectors.get("extra_vars", {}).items():
        extra_vars[name] = _JINJA.from_string(template).render(known)


def _meta(store: Store, job: Row, template: Row, user: str) -> dict[str, Any]:
    inventory = store.get("inventories", job["inventory"])
    told: dict[str, Any] = {
        "job_id": job["id"],
        "job_launch_type": "manual",
        "job_template_id": template["id"],
        "job_template_name": template["name"],
        "inventory_id": inventory["id"],
        "inventory_name": inventory["name"],
        "project_revision": "0" * 40,
        "user_id": 1,
        "user_name": user,
        "user_email": "",
        "user_first_name": "",
        "user_last_name": "",
    }
    return {f"{prefix}_{name}": value for prefix in PREFIXES for name, value in told.items()}


def _inventory(store: Store, number: int) -> dict[str, Any]:
    """`sources` of an inventory of its own; of a constructed one, `inputs` and what is made of them."""
    row = store.get("inventories", number)
    sources = [source for source in store.rows("inventory_sources") if source["inventory"] == number]
    if row["kind"] != "constructed":
        return {"variables": json.loads(row["variables"] or "{}"), "sources": [_source(store, one) for one in sources]}
    (source,) = sources
    inputs = store.members("inventories", number, "input_inventories")
    return {
        "inputs": [_inventory(store, one) for one in inputs],
        "source_vars": json.loads(source["source_vars"] or "{}"),
        "limit": source["limit"],
    }


def _source(store: Store, source: Row) -> dict[str, Any]:
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    if source["credential"] is not None:
        credential = store.get("credentials", source["credential"])
        inject(store.get("credential_types", credential["credential_type"]), credential, env, {}, files)
    return {"path": source["source_path"], "env": env, "files": files}


def inventory_script(listing: Mapping[str, Any], variables: Mapping[str, Any] | None = None) -> str:
    """AWX's inventory: a program that prints what was imported, each host with the id that AWX gave it."""
    told = json.loads(json.dumps(listing))
    told.setdefault("all", {}).setdefault("vars", {}).update(variables or {})
    for number, name in enumerate(sorted(told["_meta"]["hostvars"]), FIRST_HOST):
        told["_meta"]["hostvars"][name] |= {
            "remote_tower_enabled": "true",
            "remote_tower_id": number,
            "remote_host_enabled": "true",
            "remote_host_id": number,
        }
    return f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(told)!r})\n"
