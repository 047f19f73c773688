# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects that the lab's AWX keeps: their fields, what these point at, and the lists that hang on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOTIFICATIONS = {
    f"notification_templates_{event}": "notification_templates" for event in ("started", "success", "error")
}
ASKS = {
    f"ask_{what}_on_launch": False
    for what in (
        "credential",
        "diff_mode",
        "execution_environment",
        "forks",
        "instance_groups",
        "inventory",
        "job_slice_count",
        "job_type",
        "labels",
        "limit",
        "scm_branch",
        "skip_tags",
        "tags",
        "timeout",
        "variables",
        "verbosity",
    )
}
PROMPTS: dict[str, Any] = {
    "diff_mode": None,
    "execution_environment": None,
    "extra_data": {},
    "forks": None,
    "inventory": None,
    "job_slice_count": None,
    "job_tags": None,
    "job_type": None,
    "limit": None,
    "scm_branch": None,
    "skip_tags": None,
    "timeout": None,
    "verbosity": None,
}
"""What a schedule or a node of a workflow may ask of its template, where that prompts for it on launch."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`fields` with their values where none is given; of `required` each has to be."""

    path: str
    type: str
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ("name",)
    points_at: Mapping[str, str] = field(default_factory=dict)
    """Field to the path of what it points at."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Name of a list that hangs on the object to the path of what is in it."""
    unique: tuple[str, ...] = ("name",)
    launched: bool = False
    """Whether it is a unified job template: something that runs and can be scheduled."""


KINDS = (
    Kind(
        path="organizations",
        type="organization",
        fields={"description": "", "max_hosts": 0, "default_environment": None},
        points_at={"default_environment": "execution_environments"},
        lists={
            **NOTIFICATIONS,
            "notification_templates_approvals": "notification_templates",
            "galaxy_credentials": "credentials",
            "instance_groups": "instance_groups",
        },
    ),
    Kind(
        path="credential_types",
        type="credential_type",
        fields={"description": "", "kind": "", "managed": False, "inputs": {}, "injectors": {}},
        required=("name", "kind"),
        unique=("name", "kind"),
    ),
    Kind(
        path="credentials",
        type="credential",
        fields={"description": "", "organization": None, "credential_type": None, "inputs": {}},
        required=("name", "credential_type"),
        points_at={"organization": "organizations", "credential_type": "credential_types"},
        unique=("name", "organization", "credential_type"),
    ),
    Kind(
        path="execution_environments",
        type="execution_environment",
        fields={"description": "", "organization": None, "image": "", "pull": "", "credential": None},
        required=("name", "image"),
        points_at={"organization": "organizations", "credential": "credentials"},
    ),
    Kind(
        path="projects",
        type="project",
        fields={
            "description": "",
            "organization": None,
            "scm_type": "",
            "scm_url": "",
            "scm_branch": "",
            "scm_refspec": "",
            "scm_clean": False,
            "scm_delete_on_update": False,
            "scm_track_submodules": False,
            "scm_update_on_launch": False,
            "scm_update_cache_timeout": 0,
            "allow_override": False,
            "timeout": 0,
            "local_path": "",
            "credential": None,
            "default_environment": None,
            "scm_revision": "",
        },
        points_at={
            "organization": "organizations",
            "credential": "credentials",
            "default_environment": "execution_environments",
        },
        lists=NOTIFICATIONS,
        unique=("name", "organization"),
        launched=True,
    ),
    Kind(
        path="inventories",
        type="inventory",
        fields={
            "description": "",
            "organization": None,
            "kind": "",
            "host_filter": None,
            "variables": "",
            "prevent_instance_group_fallback": False,
        },
        required=("name", "organization"),
        points_at={"organization": "organizations"},
        lists={"input_inventories": "inventories", "instance_groups": "instance_groups"},
        unique=("name", "organization"),
    ),
    Kind(
        path="inventory_sources",
        type="inventory_source",
        fields={
            "description": "",
            "inventory": None,
            "source": "",
            "source_path": "",
            "source_vars": "",
            "source_project": None,
            "scm_branch": "",
            "credential": None,
            "execution_environment": None,
            "enabled_var": "",
            "enabled_value": "",
            "host_filter": "",
            "limit": "",
            "overwrite": False,
            "overwrite_vars": False,
            "timeout": 0,
            "verbosity": 1,
            "update_on_launch": False,
            "update_cache_timeout": 0,
        },
        required=("name", "inventory"),
        points_at={
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
        lists=NOTIFICATIONS,
        unique=("name", "inventory"),
        launched=True,
    ),
    Kind(
        path="job_templates",
        type="job_template",
        fields={
            "description": "",
            "organization": None,
            "job_type": "run",
            "inventory": None,
            "project": None,
            "playbook": "",
            "scm_branch": "",
            "forks": 0,
            "limit": "",
            "verbosity": 0,
            "extra_vars": "",
            "job_tags": "",
            "skip_tags": "",
            "force_handlers": False,
            "start_at_task": "",
            "timeout": 0,
            "use_fact_cache": False,
            "host_config_key": "",
            "execution_environment": None,
            "survey_enabled": False,
            "become_enabled": False,
            "diff_mode": False,
            "allow_simultaneous": False,
            "job_slice_count": 1,
            "webhook_service": "",
            "prevent_instance_group_fallback": False,
            **ASKS,
        },
        required=("name", "project", "playbook"),
        points_at={
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        lists={
            **NOTIFICATIONS,
            "credentials": "credentials",
            "labels": "labels",
            "instance_groups": "instance_groups",
        },
        unique=("name", "organization"),
        launched=True,
    ),
    Kind(
        path="workflow_job_templates",
        type="workflow_job_template",
        fields={
            "description": "",
            "organization": None,
            "extra_vars": "",
            "inventory": None,
            "limit": None,
            "scm_branch": None,
            "job_tags": None,
            "skip_tags": None,
            "survey_enabled": False,
            "allow_simultaneous": False,
            "webhook_service": "",
            **{
                name: False
                for name in ASKS
                if name.split("_")[1] in ("inventory", "labels", "limit", "scm", "tags", "variables")
            },
            "ask_skip_tags_on_launch": False,
        },
        points_at={"organization": "organizations", "inventory": "inventories"},
        lists={
            **NOTIFICATIONS,
            "notification_templates_approvals": "notification_templates",
            "labels": "labels",
        },
        unique=("name", "organization"),
        launched=True,
    ),
    Kind(
        path="workflow_job_template_nodes",
        type="workflow_job_template_node",
        fields={
            "workflow_job_template": None,
            "unified_job_template": None,
            "identifier": "",
            "all_parents_must_converge": False,
            **PROMPTS,
        },
        required=("workflow_job_template",),
        points_at={"workflow_job_template": "workflow_job_templates", "inventory": "inventories"},
        lists={
            **{f"{when}_nodes": "workflow_job_template_nodes" for when in ("success", "failure", "always")},
            "credentials": "credentials",
            "labels": "labels",
        },
        unique=("identifier", "workflow_job_template"),
    ),
    Kind(
        path="workflow_approval_templates",
        type="workflow_approval_template",
        fields={"description": "", "timeout": 0},
        unique=(),
        launched=True,
    ),
    Kind(
        path="schedules",
        type="schedule",
        fields={"description": "", "unified_job_template": None, "rrule": "", "enabled": True, **PROMPTS},
        required=("name", "unified_job_template", "rrule"),
        points_at={"inventory": "inventories"},
        lists={"credentials": "credentials", "labels": "labels", "instance_groups": "instance_groups"},
        unique=("unified_job_template", "name"),
    ),
    Kind(
        path="notification_templates",
        type="notification_template",
        fields={
            "description": "",
            "organization": None,
            "notification_type": "",
            "notification_configuration": {},
            "messages": None,
        },
        required=("name", "organization", "notification_type"),
        points_at={"organization": "organizations"},
        unique=("name", "organization"),
    ),
    Kind(
        path="labels",
        type="label",
        fields={"organization": None},
        required=("name", "organization"),
        points_at={"organization": "organizations"},
        unique=("name", "organization"),
    ),
    Kind(path="instance_groups", type="instance_group", fields={}),
    Kind(
        path="jobs",
        type="job",
        fields={"status": "pending", "job_template": None, "launch_type": "manual", "extra_vars": "", **PROMPTS},
        required=(),
        unique=(),
    ),
    Kind(path="project_updates", type="project_update", fields={"status": "successful", "project": None}, unique=()),
)
