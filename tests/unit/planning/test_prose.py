# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that people are handed arrives as it was meant: through the shell, and through Ansible's own splitting."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from ansible.parsing.splitter import parse_kv
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.prose import extra_var, playbook


def arrived(option: str) -> dict[str, Any]:
    """What Ansible makes of it, once a shell has read it."""
    flag, value = shlex.split(option)
    assert flag == "-e"
    given_there: dict[str, Any] = json.loads(value) if value.startswith("{") else dict(parse_kv(value))
    return given_there


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
@example("Acme Dental")
@example('Smith\'s "Sons" & $HOME `x` !1 {{ y }} a=b \\n')
@example(" ends with a blank ")
def test_any_value_arrives_whole(value: str) -> None:
    assert arrived(extra_var("client", value)) == {"client": value}


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ("KB5046613", "-e client=KB5046613"),
        ("Acme Dental", "-e \"client='Acme Dental'\""),
        (None, "-e \"client='…'\""),
        ("O'Brien", """-e '{"client": "O'"'"'Brien"}'"""),
    ],
)
def test_it_is_quoted_no_more_than_it_has_to_be(value: str | None, option: str) -> None:
    assert extra_var("client", value) == option
    assert playbook("release", client=value) == f"ansible-playbook msp.patching.release {option}"
