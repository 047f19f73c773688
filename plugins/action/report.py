# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report of a cycle. Documentation: the module of the same name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.account import account_of, in_force, last_instant, scope_of
from ..plugin_utils.deliveries.reports import attach_account
from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import Recorder, reading, ready
from ..plugin_utils.ledger import Ledger
from ..plugin_utils.oscal import ledger_id
from ..plugin_utils.report import assessment
from ..plugin_utils.report import write as report
from ..plugin_utils.visible import visible

ARGUMENTS: dict[str, dict[str, Any]] = {
    "cycle": {"type": "str"},
    "client": {"type": "str"},
    "ring": {"type": "str"},
    "kind": {"type": "str"},
    "dest": {"type": "path", "default": "reports"},
    "formats": {"type": "list", "elements": "str", "default": list(report.FORMATS)},
    "attach": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Reads the ledger and writes files; on demand, puts the report on the client's compliance ticket."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        formats = list(dict.fromkeys(one.strip().lower() for one in arguments["formats"]))
        dest = Path(arguments["dest"])
        try:
            recorder = reading()
            ledger = Ledger.open(recorder.settings.ledger, create=False)
            scope = scope_of(ledger, arguments)
            report.check(scope, formats)
            self._display.display(visible(f"Reading the ledger for {scope}"))
            account = account_of(ledger, recorder.policy, scope, _instant(recorder, ledger))
            told = f"{len(account.endpoints):,} endpoints, {len(account.flaws):,} flaws, {account.events:,} events"
            self._display.display(f"Making the report of {told}")
            dry = self._task.check_mode
            policy = in_force(ledger, recorder.policy, account.at)
            also = {assessment.FORMAT: partial(assessment.assessed, account, policy, ledger_id(ledger))}
            written = report.write(account, dest, formats, tell=self._display.display, dry=dry, also=also)
            attached = attach_account(ready(), account) if arguments["attach"] and not dry else 0
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        line = report.summary(account, written, dest, dry=dry)
        line += f", {attached} wanted on the compliance ticket" if arguments["attach"] else ""
        self._display.display(visible(line))
        done = {
            "changed": written.changed or bool(attached),
            "files": written.files,
            "summary": line,
            "final": account.final,
        }
        return result | done | ({"failed": True, "msg": line} if written.problems else {})


def _instant(recorder: Recorder, ledger: Ledger) -> Any:
    """`as_of`, else now; never before the ledger's last event, since what has happened is not untold."""
    now = recorder.settings.as_of or recorder.clock.now()
    return max(now, last_instant(ledger) or now)
