# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows Update agent of a machine: what is offered, one install at a time, and what a boot settles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .clock import Alarm, iso
from .fleet_model import CatalogueUpdate
from .machine_parts import draw

if TYPE_CHECKING:
    from .machine import Machine

SEARCH_SECONDS = 15
DOWNLOAD_MB_PER_SECOND = 12.5
INSTALL_NOT_ALLOWED = 0x80240016  # WU_E_INSTALL_NOT_ALLOWED: another install runs
DISK_FULL = 0x80070070
CATEGORY_ALIASES = {
    "CriticalUpdates": "Critical Updates",
    "DefinitionUpdates": "Definition Updates",
    "DeveloperKits": "Developer Kits",
    "FeaturePacks": "Feature Packs",
    "SecurityUpdates": "Security Updates",
    "ServicePacks": "Service Packs",
    "UpdateRollups": "Update Rollups",
}
SUCCEEDED, FAILED = 2, 4


def signed(hresult: int) -> int:
    """An HRESULT as .NET and the module's JSON carry it."""
    return hresult - 2**32 if hresult >= 2**31 else hresult


@dataclass
class Selection:
    """Which updates a run wants: the filters of ansible.windows.win_updates."""

    categories: list[str]
    accept: list[str] = field(default_factory=list)
    reject: list[str] = field(default_factory=list)
    skip_optional: bool = False

    def reasons_against(self, update: CatalogueUpdate) -> list[str]:
        """Why it is filtered out, in the words and order of the module; empty if it is wanted."""
        # the module matches ($title + $kb), which PowerShell makes one text of: the title with the KBs behind it
        named = update.title + (f"KB{update.kb}" if update.kb else "")
        wanted = {CATEGORY_ALIASES.get(name, name).lower() for name in self.categories}
        reasons = []
        if self.accept and not _listed(named, self.accept):
            reasons.append("accept_list")
        if self.reject and _listed(named, self.reject):
            reasons.append("reject_list")
        if wanted and "*" not in wanted and not wanted & {name.lower() for name in update.categories}:
            reasons.append("category_names")
        if self.skip_optional and update.optional:
            reasons.append("skip_optional")
        return reasons


def _listed(named: str, patterns: Iterable[str]) -> bool:
    return any(re.search(pattern, named, re.IGNORECASE) for pattern in patterns)


class UpdateAgent:
    def __init__(
        self,
        machine: Machine,
        catalogue: Mapping[str, CatalogueUpdate],
        pending: Iterable[str],
        installed: Iterable[str],
    ) -> None:
        self._machine = machine
        self._catalogue = catalogue
        self._pending = list(pending)
        self._downloaded: set[str] = set()
        self._awaiting_boot: list[str] = []
        self.installed: dict[str, str | None] = dict.fromkeys(installed)
        self.installing: UpdateRun | None = None
        self.runs: dict[str, UpdateRun] = {}

    @property
    def reboot_required(self) -> bool:
        return bool(self._awaiting_boot)

    @property
    def awaiting_boot(self) -> list[str]:
        """Ids of the updates that are installed and take effect with the next boot."""
        return list(self._awaiting_boot)

    def pending(self) -> list[CatalogueUpdate]:
        """What a search finds: released by now, and not installed."""
        now = self._machine.clock.now()
        return [update for update in map(self._catalogue.__getitem__, self._pending) if update.released <= now]

    def installed_at(self) -> dict[str, str | None]:
        """Update id -> when it was installed here, None if before the lab started."""
        return dict(self.installed)

    def set_pending(self, wanted: Iterable[str]) -> None:
        by_kb = {update.kb: update.id for update in self._catalogue.values() if update.kb}
        ids = [name if name in self._catalogue else by_kb.get(name.upper().removeprefix("KB")) for name in wanted]
        if None in ids:
            raise ValueError(f"{self._machine.name}: pending names an update that the fleet's catalogue lacks")
        self._pending = [update_id for update_id in ids if update_id]
        for update_id in self._pending:
            self.installed.pop(update_id, None)

    def state(self) -> dict[str, Any]:
        return {
            "pending": [update.kb or update.id for update in self.pending()],
            "installed": {self._catalogue[update_id].kb or update_id: at for update_id, at in self.installed.items()},
            "awaiting_boot": [self._catalogue[i].kb or i for i in self._awaiting_boot],
            "installing": self.installing is not None,
        }

    # -- used by a run ----------------------------------------------------------------------------------

    def is_downloaded(self, update: CatalogueUpdate) -> bool:
        return update.id in self._downloaded

    def mark_downloaded(self, updates: Iterable[CatalogueUpdate]) -> None:
        self._downloaded.update(update.id for update in updates)

    def install(self, update: CatalogueUpdate) -> tuple[int, bool]:
        """Its HRESULT (0 = ok) and whether it needs a reboot."""
        machine = self._machine
        told = {"update": update.id, "kb": update.kb}
        fault = machine.faults.take(machine.name, "update_fails", kb=update.kb)
        hresult = int(fault.hresult, 16) if fault else 0
        if not fault and machine.system_drive_free_mb < 2 * update.download_mb:
            hresult = DISK_FULL
        if hresult:
            machine.record("install.failed", **told, hresult=f"0x{hresult:08X}")
            return hresult, False
        reboot = update.reboot == "always" or (
            update.reboot == "can" and draw(machine.seed, machine.name, update.id) < 0.5
        )
        self._pending.remove(update.id)
        self.installed[update.id] = iso(machine.clock.now())
        if reboot:
            self._awaiting_boot.append(update.id)
        machine.record("install.succeeded", **told, reboot_required=reboot)
        return 0, reboot

    # -- boots ------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """The machine goes down: whatever ran is over, and nobody will tell how it ended."""
        for run in list(self.runs.values()):
            run.stop()
        self.runs.clear()

    def after_boot(self) -> None:
        machine = self._machine
        for update_id in self._awaiting_boot:
            update = self._catalogue[update_id]
            if machine.faults.take(machine.name, "rolled_back", kb=update.kb):
                self._pending.append(update_id)
                self.installed.pop(update_id, None)
                machine.record("install.rolled_back", update=update_id, kb=update.kb)
        self._awaiting_boot.clear()

    def start_run(self, state: str, selection: Selection, check_mode: bool = False) -> UpdateRun:
        run = UpdateRun(self._machine, state, selection, check_mode)
        self.runs[run.id] = run
        return run


class UpdateRun:
    """The background task of win_updates: it searches, downloads and installs, and tells so in messages.

    `messages` are what the task writes to its pipe: dicts of `task` and `result`; the last task is `exit`.
    `on_message` is called after each, and once more if the machine goes down under it (`stopped`).
    """

    def __init__(self, machine: Machine, state: str, selection: Selection, check_mode: bool) -> None:
        self._machine = machine
        self._agent = machine.updates
        self._state = state
        self._selection = selection
        self._check_mode = check_mode
        self.pid = machine.next_pid()
        self.id = f"{machine.name}-{self.pid}"
        self.messages: list[dict[str, Any]] = []
        self.finished = False
        self.stopped = False
        self.on_message: Callable[[], None] = lambda: None
        self._selected: list[CatalogueUpdate] = []
        self._results: list[dict[str, Any]] = []
        self._changed = False
        self._alarm: Alarm | None = machine.clock.call_later(SEARCH_SECONDS, self._searched)

    def stop(self) -> None:
        """Ends it at once; what is installed by then stays installed."""
        if self._alarm:
            self._alarm.cancel()
        if self._agent.installing is self:
            self._agent.installing = None
            self._machine.record("install.interrupted", installed=len(self._results))
        if not self.finished:
            self.stopped = True
            self.on_message()

    def _tell(self, task: str, result: dict[str, Any]) -> None:
        self.messages.append({"task": task, "result": result})
        self.finished = task == "exit"
        self.on_message()

    def _exit(self, message: str | None = None, hresult: int | None = None) -> None:
        result: dict[str, Any] = {
            "changed": self._changed,
            "failed": message is not None,
            "reboot_required": self._agent.reboot_required,
            "action": None,
            "exception": None,
        }
        if message is not None:
            result["exception"] = {"message": message, "exception": message}
            if hresult is not None:
                result["exception"]["hresult"] = signed(hresult)
        self._tell("exit", result)

    def _searched(self) -> None:
        found = self._agent.pending()
        against = {update.id: self._selection.reasons_against(update) for update in found}
        self._selected = [update for update in found if not against[update.id]]
        if self._state == "installed" and not self._check_mode:
            found = [update for update in found if update not in self._selected or self._finds(update)]
            self._selected = [update for update in self._selected if update in found]
        self._tell(
            "search_result",
            {
                "updates": [describe(update, self._agent.is_downloaded(update)) for update in found],
                "filtered": [{"id": id_, "reasons": reasons} for id_, reasons in against.items() if reasons],
            },
        )
        if self._check_mode or self._state == "searched" or not self._selected:
            self._changed = bool(self._selected) and self._state != "searched"
            self._exit()
        elif self._agent.reboot_required:
            self._exit("A reboot is required before more updates can be installed")
        else:
            missing = [update for update in self._selected if not self._agent.is_downloaded(update)]
            seconds = sum(update.download_mb for update in missing) / DOWNLOAD_MB_PER_SECOND
            self._alarm = self._machine.clock.call_later(seconds, lambda: self._downloaded(missing))

    def _finds(self, update: CatalogueUpdate) -> bool:
        machine = self._machine
        lost = machine.faults.take(machine.name, "no_result", kb=update.kb) is not None
        if lost:
            machine.record("install.not_found", update=update.id, kb=update.kb)
        return not lost

    def _downloaded(self, missing: list[CatalogueUpdate]) -> None:
        self._agent.mark_downloaded(missing)
        if missing:
            self._changed = True
            info = [{"id": update.id, "result_code": SUCCEEDED, "hresult": 0} for update in missing]
            self._tell("download_result", {"info": info})
        if self._state == "downloaded":
            self._exit()
        elif self._agent.installing:
            code = f"0x{INSTALL_NOT_ALLOWED:08X}"
            self._machine.record("install.refused", hresult=code)
            self._exit(f"Installing updates: Exception from HRESULT: {code}", INSTALL_NOT_ALLOWED)
        else:
            self._agent.installing = self
            self._machine.record("install.started", updates=[update.id for update in self._selected])
            self._install_next()

    def _install_next(self) -> None:
        update = self._selected[len(self._results)]
        self._alarm = self._machine.clock.call_later(update.install_seconds, lambda: self._installed(update))

    def _installed(self, update: CatalogueUpdate) -> None:
        hresult, reboot = self._agent.install(update)
        code = FAILED if hresult else SUCCEEDED
        row = {"id": update.id, "result_code": code, "hresult": signed(hresult), "reboot_required": reboot}
        self._results.append(row)
        index = len(self._results)
        self._tell("install", {"progress": progress(update, index, len(self._selected)), "result": {}})
        if index < len(self._selected):
            self._install_next()
            return
        self._agent.installing = None
        self._changed = True
        failed = any(row["result_code"] != SUCCEEDED for row in self._results)
        self._machine.record("install.finished", failed=failed)
        self._tell("install_result", {"info": self._results})
        self._exit("Failed to install all updates - see updates for more information" if failed else None)


def progress(update: CatalogueUpdate, done: int, total: int) -> dict[str, Any]:
    return {
        "CurrentUpdateId": update.id,
        "CurrentUpdateIndex": done - 1,
        "PercentComplete": done * 100 // total,
        "CurrentUpdatePercentComplete": 100,
    }


REBOOT_BEHAVIOUR = {"always": "AlwaysRequiresReboot", "never": "NeverReboots", "can": "CanRequestReboot"}


def describe(update: CatalogueUpdate, downloaded: bool) -> dict[str, Any]:
    """An update as the module's search tells it."""
    return {
        "id": update.id,
        "title": update.title,
        "description": update.title,
        "kb": [f"KB{update.kb}"] if update.kb else [],
        "type": "Driver" if "Drivers" in update.categories else "Software",
        "deployment_action": "OptionalInstallation" if update.optional else "Installation",
        "auto_select_on_websites": not update.optional,
        "browse_only": update.optional,
        "revision_number": 200,
        "categories": list(update.categories),
        "is_installed": False,
        "is_hidden": False,
        "is_present": False,
        "reboot_required": False,
        "impact": "Normal",
        "reboot_behaviour": REBOOT_BEHAVIOUR[update.reboot],
        "is_beta": False,
        "is_downloaded": downloaded,
        "is_mandatory": False,
        "is_uninstallable": "Security Updates" in update.categories,
        "auto_selection": "LetWindowsUpdateDecide",
        "auto_download": "LetWindowsUpdateDecide",
    }
