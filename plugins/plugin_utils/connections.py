# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's connection and the variables that it is made of, as Ansible's own executor makes them.

One process makes those of many hosts, one after the other; Ansible would fork a process for each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import become_loader, connection_loader

PLAYED = {"_hosts": "batch", "_hosts_all": "hosts_all"}
"""What Ansible makes the variables ansible_play_… of."""


def variables_in(task: Any, known: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The variables of the host `name` as `task` would have them on it, not templated: with those of play, role and
    task, which ``hostvars`` does not have. `known` are the task's on the host that it runs on."""
    hostvars, played = known["hostvars"], {key: list(known[f"ansible_play_{of}"]) for key, of in PLAYED.items()}
    host = hostvars._inventory.get_host(name)
    found: dict[str, Any] = hostvars._variable_manager.get_vars(play=task.get_play(), host=host, task=task, **played)
    return found


def connect(task: Any, play_context: Any, variables: Mapping[str, Any], templar: Any) -> Any:
    """The connection plugin of the host with these variables, its options set; nothing is sent yet.

    `templar` knows the variables. Raises what a template in them raises, and AnsibleError for a plugin that is not
    there.
    """
    context = play_context.set_task_and_variable_override(task=task, variables=variables, templar=templar)
    context.post_validate(templar=templar)
    told = variables.get("ansible_connection")
    context.connection = task.connection if told is None else templar.template(told)
    place = {"task_uuid": task._uuid, "ansible_playbook_pid": str(os.getppid())}
    connection, _found = connection_loader.get_with_context(context.connection, context, new_stdin=None, **place)
    if connection is None:
        raise AnsibleError(f"the connection plugin {context.connection!r} was not found")
    become = _become(task, variables, templar)
    connection.set_become_plugin(become)
    context.set_attributes_from_plugin(connection)
    keys = {**task.dump_attrs(), "timeout": context.timeout}
    keys.pop("retries", None)  # the task's are not the connection's
    if context.password:
        keys["password"] = context.password  # asked for on the command line
    connection.set_options(task_keys=keys, var_options=connection._resolve_option_variables(variables, templar))
    _set_options("shell", connection._shell, keys, variables, templar)
    if become is not None:
        if context.become_pass:
            keys["become_pass"] = context.become_pass
        _set_options("become", become, keys, variables, templar)
    return connection


def _become(task: Any, variables: Mapping[str, Any], templar: Any) -> Any:
    told, method = variables.get("ansible_become"), variables.get("ansible_become_method")
    if not (task.become if told is None else boolean(templar.template(told))):
        return None
    name = templar.template(method) if method else task.become_method
    plugin = become_loader.get(name)
    if plugin is None:
        raise AnsibleError(f"the become plugin {name!r} was not found")
    return plugin


def _set_options(kind: str, plugin: Any, keys: Mapping[str, Any], variables: Mapping[str, Any], templar: Any) -> None:
    known = constants.config.get_plugin_vars(kind, plugin._load_name)
    told = {}
    for name in known:
        if name in variables:
            with suppress(AnsibleValueOmittedError):
                told[name] = templar.template(variables[name])
    plugin.set_options(task_keys=dict(keys), var_options=told)
