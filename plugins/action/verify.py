# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a package or of the ledger. Documentation: the module of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import reading
from ..plugin_utils.ledger import Ledger
from ..plugin_utils.ledger.verifying import parse_checkpoint, verify_ledger
from ..plugin_utils.packages.check import check_package
from ..plugin_utils.signing.keys import PublicKey, read_public_keys
from ..plugin_utils.visible import one_line

ARGUMENTS: dict[str, dict[str, Any]] = {
    "package": {"type": "list", "elements": "path"},
    "public_key": {"type": "list", "elements": "path", "default": []},
    "checkpoint": {"type": "list", "elements": "str", "default": []},
    "register": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs once, on the control node; fails with the first thing that is not as it was written."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        try:
            keys = [key for path in arguments["public_key"] for key in read_public_keys(Path(path))]
            found = self._packages(arguments, keys) if arguments["package"] else [self._ledger(arguments, keys)]
            told = [one_line(words) for words in found]
        except PatchingError as exc:
            # Ansible would add the words of each cause that are not in ours to the letter: those of a forger, in lines
            raise AnsibleActionFail(f"NOT VERIFIED: {one_line(str(exc))}") from None
        for words in told:
            self._display.display(f"VERIFIED {words}")
        return result | {"changed": False, "verified": told}

    def _packages(self, arguments: dict[str, Any], keys: list[PublicKey]) -> list[str]:
        expected = [parse_checkpoint(text) for text in arguments["checkpoint"]]
        return [f"{path}: {check_package(Path(path), keys, expected).in_words()}" for path in arguments["package"]]

    def _ledger(self, arguments: dict[str, Any], keys: list[PublicKey]) -> str:
        recorder = reading()
        ledger = Ledger.open(recorder.settings.ledger, create=False)
        expected = [parse_checkpoint(text) for text in arguments["checkpoint"]]
        expected += recorder.signer.remembered(ledger)
        return verify_ledger(ledger, keys, expected, register=arguments["register"]).in_words()
