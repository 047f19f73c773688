# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress callback: a patching run as people watch it, in a terminal or in a log."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Shows a patching run by ring and state, live in a terminal and as short lines in a log
version_added: 0.1.0
description:
  - Shows where the endpoints of a patching run stand, in the place of a line for each task and host. What the run's
    plugins print (the plan, what waits for people, the summary, the tiers) is shown as it is.
  - In a terminal, a view of one row for each ring stays below what is printed, with how many endpoints are searching,
    installing, restarting, and so on, and who has been at something for longest. While the run goes from endpoint to
    endpoint it says how many it has visited.
  - Without a terminal, in a log or in AWX, there is a line with the time whenever endpoints go on to something else.
    It names a few of them and counts the others, so that a run of a thousand endpoints makes a short log too. Where
    nothing happens for a while, a line says how it stands, so that nothing takes the run for dead.
  - A failure is always shown, with its words, as are warnings. What a task of the flow could not do on an endpoint, and
    what the next plan judges (a retry, a failure), is shown with the judgement.
  - With C(-v) and more, everything that P(ansible.builtin.default#callback) shows is shown as well, and there is no
    view. C(--check) and C(--diff) show what they show there.
  - Tasks of other people's playbooks and roles are shown as P(ansible.builtin.default#callback) shows them, also those
    between our roles, and those of the role C(awx_setup). So it can stand in an C(ansible.cfg) for good.
  - Shows, and records nothing. The ledger is written by P(msp.patching.evidence#callback).
requirements:
  - set as stdout callback, with C(stdout_callback = msp.patching.progress) in the section C([defaults]) of the
    C(ansible.cfg) in use, or with C(ANSIBLE_STDOUT_CALLBACK=msp.patching.progress)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  view:
    description:
      - V(live) draws the view, V(lines) writes lines.
      - V(auto) draws it where the output is a terminal that can, C(-v) is not given, and neither AWX nor
        ansible-runner is at work.
    type: str
    choices: [auto, live, lines]
    default: auto
    env:
      - name: MSP_PATCHING_PROGRESS_VIEW
    ini:
      - section: msp_patching
        key: progress_view
  every:
    description: Where nothing happens, a line says how it stands after this many seconds.
    type: int
    default: 60
    env:
      - name: MSP_PATCHING_PROGRESS_EVERY
    ini:
      - section: msp_patching
        key: progress_every
  names:
    description: How many endpoints a line names at most; the others are counted.
    type: int
    default: 5
    env:
      - name: MSP_PATCHING_PROGRESS_NAMES
    ini:
      - section: msp_patching
        key: progress_names
author:
  - the msp.patching contributors (@msp-patching)
"""

EXAMPLES = r"""
# In the ansible.cfg in use:
#   [defaults]
#   stdout_callback = msp.patching.progress
#   callbacks_enabled = msp.patching.evidence
#
# For one run that is to be a log, in a terminal too:
#   MSP_PATCHING_PROGRESS_VIEW=lines ansible-playbook msp.patching.ring -e ring=pilot

- name: Between the roles of the flow, a task of one's own is shown as ever
  ansible.builtin.debug:
    msg: the change board has been told
"""

import atexit
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.plugins.callback.default import CallbackModule as Default

from ..plugin_utils.progress import heard, lines
from ..plugin_utils.progress.board import Board
from ..plugin_utils.progress.live import view
from ..plugin_utils.progress.pulse import Pulse
from ..plugin_utils.requirements import rich
from ..plugin_utils.visible import visible

COLLECTION = "msp.patching"
PLAN = f"{COLLECTION}.plan"
STEP = f"{COLLECTION}.step"
PLAYBOOKS = Path(__file__).resolve().parent.parent.parent / "playbooks"
TELL = ("exceptions", "explain", "package", "report", "rotate_key", "verify")
"""Actions of ours that only tell, and have told when they end."""
SETUP = "awx_setup"
"""The playbook and role of ours that have no endpoints: what they make is seen task by task, as with other people's."""
RED: str = constants.COLOR_ERROR  # type: ignore[attr-defined]  # made from Ansible's configuration when it starts
YELLOW: str = constants.COLOR_WARN  # type: ignore[attr-defined]
RUNNER = "AWX_ISOLATED_DATA_DIR"
"""Set by ansible-runner wherever it runs Ansible."""
SAID = ("module_stderr", "stderr", "module_stdout")
"""Where a module that broke down has left its words."""


def _is_ours(file: str) -> bool:
    """Whether it is one of our playbooks for endpoints."""
    path = Path(file)
    return path.resolve().parent == PLAYBOOKS and path.stem != SETUP


def _now() -> datetime:
    return datetime.now().astimezone()


class CallbackModule(Default):
    """Hands plans and results to the board, and shows the board; of other tasks it shows what the default one does."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "msp.patching.progress"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._board = Board()
        self._changing = threading.Lock()
        """Held for a look at the board or a change of it, never while something is shown: AWX's own callback has a
        lock around that."""
        self._inventory: Any = None
        self._title = ""
        self._ours = False
        """Whether the play is ours, and whether one of other people's was before it."""
        self._others = False
        self._plans = False
        self._began = self._spoke = _now()
        self._console: Any = None
        self._live: Any = None
        self._pulse: Pulse | None = None
        self._process = os.getpid()
        self._ended = False

    # -- the run ---------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._title = Path(playbook._file_name).stem
        self._ours = _is_ours(playbook._file_name)
        if not self._quiet(ours=self._ours):
            super().v2_playbook_on_start(playbook)  # type: ignore[no-untyped-call]

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._inventory = play.get_variable_manager()._inventory
        self._play = play
        # other people's playbooks import ours, as each of an AWX project's does
        self._ours = _is_ours(str(play.get_path()).rpartition(":")[0])
        self._others = self._others or not self._ours
        if not self._quiet(ours=self._ours):
            self._stop_drawing()
            super().v2_playbook_on_play_start(play)  # type: ignore[no-untyped-call]

    def v2_playbook_on_no_hosts_matched(self) -> None:
        if not (self._plans and self._quiet(ours=self._ours)):  # else the plan has said that nobody is due
            super().v2_playbook_on_no_hosts_matched()  # type: ignore[no-untyped-call]

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        if not self._quiet(ours=self._ours):
            super().v2_playbook_on_no_hosts_remaining()  # type: ignore[no-untyped-call]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end()
        if not self._quiet(ours=self._ours and not self._others) or (
            stats.custom and self._option("show_custom_stats", None)
        ):
            super().v2_playbook_on_stats(stats)  # type: ignore[no-untyped-call]
        if self._board.places:
            self._say(lines.closing(self._board, _now() - self._began))

    # -- tasks -----------------------------------------------------------------------------------------------------

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if not self._quiet(task):
            self._stop_drawing()
            super().v2_playbook_on_task_start(task, is_conditional)  # type: ignore[no-untyped-call]

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if not self._quiet(included_file._task):
            super().v2_playbook_on_include(included_file)  # type: ignore[no-untyped-call]

    def v2_runner_on_ok(self, result: Any) -> None:
        told = result.result
        if not self._quiet(result.task):
            super().v2_runner_on_ok(result)
        else:
            self._handle_warnings(told)
        if result.task.resolved_action == PLAN:
            self._planned(told)
        elif result.task.resolved_action == STEP:
            heard.heard()  # the result has all of it
            for name in told["took"]:
                self._answered(name, yes=name not in told["unreachable_hosts"])
        elif str(result.task.resolved_action).startswith(f"{COLLECTION}.") and not self._is_of_the_flow(result.task):
            self._decided(result.task, told)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        name = result.host.name
        if not self._quiet(result.task):
            super().v2_runner_on_failed(result, ignore_errors)
        elif not ignore_errors:
            self._failed(result)
        if not ignore_errors and name in self._board.places and not result.task.run_once:
            with self._changing:
                self._board.fail(name, str(result.result.get("msg", "")), _now())

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_on_unreachable(result)
        elif not result.task.ignore_unreachable:
            self._failed(result)
        self._answered(result.host.name, yes=False)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_on_skipped(result)

    def v2_on_file_diff(self, result: Any) -> None:
        if not self._quiet(result.task):
            super().v2_on_file_diff(result)
        elif result.result.get("diff") and result.result.get("changed"):
            self._display.display(str(self._get_diff(result.result["diff"])).rstrip())  # type: ignore[no-untyped-call]

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        if not self._quiet(result.task) or not result.task.ignore_errors:
            super().v2_runner_item_on_failed(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if not self._quiet(result.task):
            super().v2_runner_item_on_skipped(result)

    # -- what it makes of them -------------------------------------------------------------------------------------

    def _quiet(self, task: Any = None, *, ours: bool = False) -> bool:
        """Whether the default's lines are left out: of what is ours, unless somebody asks for more."""
        return self._display.verbosity == 0 and (ours or (task is not None and self._is_ours(task)))

    def _is_ours(self, task: Any) -> bool:
        return self._ours or self._is_of_the_flow(task)

    @staticmethod
    def _is_of_the_flow(task: Any) -> bool:
        """A task of one of our roles for endpoints, wherever the role stands."""
        role = task._role
        return role is not None and role._role_collection == COLLECTION and role._role_name != SETUP

    def _planned(self, told: dict[str, Any]) -> None:
        """Of the plan that opens a run who is due, of the others who does what."""
        now = _now()
        if "due" in told:
            self._plans = True
            with self._changing:
                self._board.open({name: self._ring(name) for name in told["due"]}, now)
            if context.CLIARGS.get("check"):
                self._say("check mode: planned, and nothing is touched")
            elif not told["due"]:
                self._say("nothing is due now")
            else:
                self._say(lines.counted(list(self._board.places.values()), "due", self._option("names", 5)))
        if told.get("steps"):
            with self._changing:
                changed = self._board.take(told["steps"], now)
                words = lines.changes(changed, self._option("names", 5))
            self._start()
            for line in words:
                self._say(line)
        self._draw()

    def _ring(self, name: str) -> str | None:
        """The ring by the inventory's variable, else by its group."""
        host = self._inventory.get_host(name)
        if host is None:
            return None
        told = str(host.vars.get("patching_ring") or "")
        if told and "{{" not in told:
            return told
        groups = [str(group.name) for group in host.get_groups()]
        return next((group.removeprefix("ring_") for group in groups if group.startswith("ring_")), None)

    def _answered(self, name: str, *, yes: bool) -> None:
        with self._changing:
            place = self._board.answered(name, yes=yes)
            words = [f"{name} {'answers again' if yes else 'does not answer'}"] if place else []
        for line in words:
            self._say(line)

    def _decided(self, task: Any, told: dict[str, Any]) -> None:
        """What a person decided by playbook is on the ledger, or was before; what only tells has told."""
        if self._is_told(task) or not self._quiet(task):
            return
        if told.get("changed"):
            words = "check mode, nothing is touched; this would be done" if context.CLIARGS.get("check") else "done"
        else:
            words = "nothing to change"
        self._say(f"{words}: {task.name or task.action}")

    @staticmethod
    def _is_told(task: Any) -> bool:
        return str(task.resolved_action).removeprefix(f"{COLLECTION}.") in TELL

    def _failed(self, result: Any) -> None:
        """Nothing of a failure is left out: its words, and what a module that broke down has left."""
        told = result.result
        self._handle_warnings(told)
        # a task that runs once stands for the run; the host that it happened to run for has done nothing
        who = "the run" if result.task.run_once or result.host.name == "localhost" else result.host.name
        words = str(told.get("msg") or told.get("reason") or told)
        self._say(f"FAILED  {words}" if words.startswith(f"{who}: ") else f"FAILED  {who}: {words}", RED)
        for key in SAID:
            if told.get(key):
                self._display.display(f"  {visible(str(told[key]).strip())}", color=RED)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _say(self, words: str, color: str | None = None) -> None:
        """A line; in a live view only what is no news of the view itself."""
        self._spoke = _now()
        if self._live is None or color is not None:
            self._display.display(visible(lines.stamp(self._spoke, words)), color=color)
            # into a pipe Python writes when it has a few thousand characters, and a run may be over before that
            sys.stdout.flush()

    def _start(self) -> None:
        """Start drawing, where there is a terminal for it, or else the watch over the silence."""
        if self._pulse is not None or self._ended:
            return
        if self._wants_view():
            self._console = rich.console.Console()
            self._live = rich.live.Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stderr=sys.stderr.isatty(),
                get_renderable=self._picture,
            )
            with self._display._lock:
                self._live.start()
                self._console.show_cursor(show=True)  # a run that is killed leaves the terminal as it was
        heard.listen()
        atexit.register(self._broken_off)
        self._pulse = Pulse(self._beat, 1.0)
        self._pulse.start()

    def _wants_view(self) -> bool:
        wanted = self._option("view", "auto")
        if wanted != "auto":
            return bool(wanted == "live")
        # ansible-runner, and so AWX, runs Ansible in a terminal of its own, reads events there, and makes a log of it
        if RUNNER in os.environ or self._display.verbosity > 0:
            return False
        console = rich.console.Console()
        return console.is_terminal and not console.is_dumb_terminal

    def _picture(self) -> Any:
        with self._changing:
            return view(self._board, self._title, self._began, _now(), self._console.size.height)

    def _draw(self) -> None:
        if self._live is not None:
            with self._display._lock:
                if self._live is not None:
                    self._live.refresh()

    def _beat(self) -> None:
        for name, yes in heard.heard().items():
            self._answered(name, yes=yes)
        if self._live is not None:
            self._draw()
        elif (_now() - self._spoke).total_seconds() >= self._option("every", 60):
            with self._changing:
                words = lines.standing(self._board, _now())
            self._say(words)

    def _stop_drawing(self) -> None:
        """What is no part of the flow may ask, or print for long: the view makes room for it."""
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        if self._live is not None:
            with self._display._lock:
                self._live.stop()
                self._live = None
        atexit.unregister(self._broken_off)

    def _end(self) -> None:
        self._ended = True
        self._stop_drawing()

    def _broken_off(self) -> None:
        """At the end of a process that never came to the end of its run: somebody stopped it, or Ansible broke down."""
        if os.getpid() != self._process:
            return
        self._end()
        with self._changing:
            words = lines.broken_off(self._board, self._option("names", 5))
        self._say(words, YELLOW)

    def _option(self, name: str, otherwise: Any) -> Any:
        """One of our options; `otherwise` where another callback that builds on this one has none."""
        read: Callable[[str], Any] = self.get_option
        try:
            return read(name)
        except KeyError:
            return otherwise
