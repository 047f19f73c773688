# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself makes of the collection, asked once."""

from __future__ import annotations

import json

import pytest

from tests.unit.collection.commands import Documents, ansible


@pytest.fixture(scope="session")
def documents() -> Documents:
    """It fails where a document does not parse."""
    done = ansible("ansible-doc", "--metadata-dump", "msp.patching")
    assert done.returncode == 0, done.stderr
    found: Documents = json.loads(done.stdout)["all"]
    return found
