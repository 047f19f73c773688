# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence callback: opens and closes a run on the ledger; hands over what people's own tasks are evidence of."""

from __future__ import annotations

DOCUMENTATION = r"""
name: evidence
type: notification
short_description: Writes the patching ledger, and delivers tickets, alerts and the RMM's cycle tracker
version_added: 0.1.0
description:
  - Records what a patching run decides, does and sees in an append-only, hash-chained ledger, while it happens,
    so that a run that is killed leaves its evidence behind.
  - Applies the failure standard to what it records. Failures, holds, retries and wanted tickets enter the ledger
    in the same transaction as the observation they follow from.
  - Sends tickets and their attachments to ConnectWise PSA, alerts to on-call, and the state of a client's cycle to
    ConnectWise Automate. What cannot be delivered stays in the ledger, and the next run delivers it.
  - A run of a playbook that has nothing to do with patching records nothing.
  - Where the ledger cannot be written, the events are kept in a spool file and enter the ledger at the next
    run's start; the run at hand starts no new work.
  - By the same rules M(msp.patching.step) records what its calls see. The callback itself records any task of a
    playbook of one's own that has a variable whose name ends in C(_evidence), in a process of its own beside
    Ansible's, which outlives it for a moment where Ansible is killed.
requirements:
  - SQLAlchemy
  - cryptography
  - requests
  - enabled with C(callbacks_enabled = msp.patching.evidence) in the C(ansible.cfg) in use, in AWX the one at the
    project's root
extends_documentation_fragment:
  - msp.patching.automate_account
  - msp.patching.on_call
  - msp.patching.psa
options:
  ledger:
    description:
      - Where the ledger is. A path is an SQLite file; V(postgresql://user:password@host:5432/database) is a database
        on PostgreSQL, which needs the collection's C(requirements-postgresql.txt).
      - AWX deletes a job's folder after the job, so there, and wherever several nodes patch, it is on PostgreSQL.
      - Give a URL that has a password in it by the environment.
    type: str
    default: ~/.local/state/msp.patching/ledger.sqlite
    env:
      - name: MSP_PATCHING_LEDGER
    ini:
      - section: msp_patching
        key: ledger
  spool:
    description:
      - The file in which events wait that the ledger would not take.
      - Without it, beside an SQLite ledger, else a file of the ledger's own in
        C(~/.local/state/msp.patching).
    type: path
    env:
      - name: MSP_PATCHING_SPOOL
    ini:
      - section: msp_patching
        key: spool
  signing_key:
    description:
      - The file of the Ed25519 private key that signs the ledger's checkpoints and the evidence packages.
      - Without it, beside an SQLite ledger, else C(~/.local/state/msp.patching/key).
      - Made on first use, for its owner only; a file that others may read is refused. Keep a copy apart from the
        ledger, and give the file C(.pub) beside it to whoever is to check the evidence.
      - Where the ledger knows a key and this is not it, the run is recorded all the same, is not signed, and ends red.
        The next run with the key signs over it. M(msp.patching.rotate_key) replaces a key.
    type: path
    env:
      - name: MSP_PATCHING_SIGNING_KEY
    ini:
      - section: msp_patching
        key: signing_key
  signing_key_data:
    description:
      - The private key itself, in PEM or as 32 bytes in base64, in the place of O(signing_key). In AWX, a credential.
      - Nothing is made then; C(openssl genpkey -algorithm ed25519) makes one.
    type: str
    env:
      - name: MSP_PATCHING_SIGNING_KEY_DATA
  packages:
    description:
      - Where evidence packages are kept. A path is a folder.
      - Without it, beside an SQLite ledger, else C(~/.local/state/msp.patching/packages).
      - V(s3://bucket/prefix) is a bucket of an S3-compatible store, and needs the collection's C(requirements-s3.txt).
        Where packages are retained, it has to have object lock. V(s3://bucket/prefix?endpoint=https://s3.example.net)
        is a store that is not Amazon's; V(lock=governance) lets people with the right to do so delete earlier.
        Credentials and region come from the environment (C(AWS_ACCESS_KEY_ID), C(AWS_SECRET_ACCESS_KEY),
        C(AWS_REGION)), a profile or the machine's role.
    type: str
    env:
      - name: MSP_PATCHING_PACKAGES
    ini:
      - section: msp_patching
        key: packages
  policy:
    description: The policy document, YAML or JSON. Without one the collection's defaults hold.
    type: path
    env:
      - name: MSP_PATCHING_POLICY
    ini:
      - section: msp_patching
        key: policy
  clock_url:
    description:
      - Where a simulated time is told, on this machine only.
      - Taken only where the policy says C(clock=simulated), as that of the lab does.
    type: str
    env:
      - name: MSP_PATCHING_CLOCK
    ini:
      - section: msp_patching
        key: clock_url
author:
  - the msp.patching contributors (@msp-patching)
"""

EXAMPLES = r"""
# It is switched on in the ansible.cfg in use:
#   [defaults]
#   callbacks_enabled = msp.patching.evidence
#   [msp_patching]
#   ledger = /var/lib/patching/ledger.sqlite
#   policy = /etc/patching/policy.yml

- name: A task whose result is evidence, in a playbook of one's own
  msp.patching.win_posture:
  vars:
    inspection_evidence: posture
"""

import getpass
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as core_version
from ansible.template import Templar

from ..plugin_utils.evidence.credentials import secrets_among
from ..plugin_utils.evidence.identity import Identity
from ..plugin_utils.evidence.look import Look
from ..plugin_utils.evidence.run import PLAN, Run
from ..plugin_utils.evidence.trouble import Trouble
from ..plugin_utils.flow import Endpoint
from ..plugin_utils.interrupts import keep_interrupts
from ..plugin_utils.planning.hosts import readable_endpoints
from ..plugin_utils.visible import visible
from ..plugin_utils.workers import warm_up

if TYPE_CHECKING:
    from ..plugin_utils.evidence.recorder import Recorder

MARK = "_evidence"
STEP = "msp.patching.step"
RED = 2
"""What ansible-playbook exits with where hosts failed."""
PLAYBOOKS = Path(__file__).resolve().parent.parent.parent / "playbooks"
NO_HOSTS = 4
"""Ansible's own exit status for a playbook that cannot be run."""
NOBODY = (
    "the inventory has no host at all, so nobody was looked at and nothing was done; "
    "what its source said stands above (the RMM: its address, its account, the account's permissions)"
)


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Ansible turns an exception of a callback into a warning and goes on; here it becomes the run's problem."""

    @wraps(method)
    def guarded(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as exc:
            problem = f"the callback msp.patching.evidence failed in {method.__name__}: {type(exc).__name__}: {exc}"
            if self._run is not None:
                self._run.report(problem)
            self._display.warning(problem)

    return guarded


class CallbackModule(CallbackBase):
    """A thin adapter: which result belongs to which evidence and endpoint. The rest is in ``plugin_utils``."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "msp.patching.evidence"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._playbook: str | None = None
        self._variables: Any = None
        self._run: Run | None = None
        self._known_secrets: dict[str, list[str]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._tiers: set[tuple[str, str, str]] = set()
        self._warm = False

    @_guarded
    def v2_playbook_on_start(self, playbook: Any) -> None:
        file = Path(playbook._file_name)
        self._playbook = file.name
        keep_interrupts()

    @_guarded
    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._variables = play.get_variable_manager()
        of_endpoints = "localhost" not in play.hosts  # others of ours read the ledger and look at no endpoint
        # a playbook of one's own that imports one of ours, as AWX wants it, has plays of ours
        ours = Path(play.get_path().rpartition(":")[0]).resolve().parent == PLAYBOOKS
        if ours and of_endpoints and not self._variables._inventory.hosts:
            # Ansible skips the plays and ends green; a task that says so would not run, at the latest not with a limit
            self._display.error(NOBODY, wrap_text=False)
            raise SystemExit(NO_HOSTS)
        self._endpoints.clear()
        if self._run is None:
            self._run = Run(self._begin, self._say, check_mode=bool(context.CLIARGS.get("check")))

    @_guarded
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        if self._run is None:
            return
        for words in self._run.between_tasks(str(task.resolved_action or task.action)):
            self._display.warning(f"msp.patching: {visible(words)}")
        if not self._warm and task.resolved_action == PLAN and task.args.get("phase") == "next":
            self._warm = True
            warm_up(self._connections(), self._run.recorder.ledger)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, is_conditional=False)

    @_guarded
    def v2_runner_on_ok(self, result: Any) -> None:
        action = result.task.resolved_action
        if action == PLAN:
            self._tiers |= {tuple(tier) for tier in result.result.get("tiers", ())}
        elif action == STEP:
            self._stepped(result.result)
        else:
            self._see(result, unreachable=False)

    @_guarded
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        self._see(result, unreachable=False)

    @_guarded
    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._see(result, unreachable=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._run is None:
            return
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self._close_tiers()
        try:
            closing = self._run.close(hosts, lambda: self._zones(hosts))
        except Exception as exc:  # Ansible would make a warning of it, and the run would end green
            self._display.error(
                f"msp.patching: the run could not be closed, signed or delivered: {type(exc).__name__}: {exc}; what it "
                "saw is on the ledger, and the next run delivers and signs it",
                wrap_text=False,
            )
            raise SystemExit(RED) from exc
        if closing.summary:
            self._display.display(visible(closing.summary))
        for words in closing.words:
            self._display.warning(f"msp.patching: {visible(words)}")
        if closing.is_red:
            # a callback has no other way to end a run red; everything is recorded, and this is the last thing it does
            raise SystemExit(RED)

    @_guarded
    def _close_tiers(self) -> None:
        # over the whole inventory, for a limit must not shrink a tier
        everybody = self._variables._inventory.get_groups_dict()["all"]
        if self._run is not None:
            self._run.close_tiers(self._variables._hostvars, everybody, self._tiers)

    def _say(self, words: str) -> None:
        self._display.display(f"msp.patching: {visible(words)}")

    def _connections(self) -> set[str]:
        """The connection plugins that the inventory names; a template is left to the worker."""
        inventory = self._variables._inventory
        places = [*inventory.groups.values(), *inventory.hosts.values()]
        named = {str(place.vars.get("ansible_connection") or "") for place in places}
        return {name for name in named if name and "{" not in name}

    def _zones(self, names: Iterable[str]) -> dict[str, ZoneInfo]:
        found, _wrong = readable_endpoints(self._variables._hostvars, names)
        return {name: ZoneInfo(one.time_zone) for name, one in found.items() if one.time_zone}

    def _stepped(self, told: Mapping[str, Any]) -> None:
        """Steps have recorded what they saw; what went wrong in doing so is this process's from now on."""
        if self._run is not None:
            self._run.share(Trouble(**told["trouble"]))
            self._run.seen(urgent=told["urgent"])

    def _see(self, result: Any, *, unreachable: bool) -> None:
        """A task of a playbook of one's own, whose variable says what it is evidence of."""
        marks = [str(value) for name, value in result.task.vars.items() if name.endswith(MARK)]
        if self._run is None or not marks:
            return
        told = dict(result.result)
        # where the words are of others, credentials may be among them
        secrets = self._secrets(result.host) if unreachable or "msg" in told else []
        limit = int(result.task_fields.get("async") or 0)
        look = Look(marks[0], self._endpoint(result.host), told, self._now(self._run), unreachable, limit)
        self._run.see(look, secrets)

    def _secrets(self, host: Any) -> list[str]:
        """The credentials among a host's variables, asked for once a host."""
        if host.name not in self._known_secrets:
            variables = self._variables.get_vars(host=host, include_hostvars=False)
            templar = Templar(loader=self._variables._loader, variables=variables)
            self._known_secrets[host.name] = secrets_among(variables, templar.template)
        return self._known_secrets[host.name]

    def _endpoint(self, host: Any) -> Endpoint:
        """Asked for once a host and play."""
        if host.name not in self._endpoints:
            found, _wrong = readable_endpoints(self._variables._hostvars, [host.name])
            # a result is recorded even of an endpoint that the inventory describes wrongly
            self._endpoints[host.name] = found.get(host.name) or Endpoint.parse({"name": host.name})
        return self._endpoints[host.name]

    def _now(self, run: Run) -> datetime:
        """By the run's clock; where nothing speaks of another time that is the real one, whatever the policy says."""
        option: Callable[[str], Any] = self.get_option
        if not option("clock_url") and not self._variables.extra_vars.get("as_of"):
            return datetime.now(UTC)
        return run.recorder.clock.now()

    def _begin(self, identity: Identity, tell: Callable[[str], None]) -> Recorder:
        """The recorder of the process that this is called in."""
        # what they load costs each worker that is forked from here afterwards
        from ..plugin_utils.evidence.invocation import Invocation, read_settings
        from ..plugin_utils.evidence.recorder import activate

        call = Invocation(
            extra_vars=self._variables.extra_vars,
            limit=context.CLIARGS.get("subset"),
            check_mode=bool(context.CLIARGS.get("check")),
            playbook=self._playbook,
            core=core_version,
            login=getpass.getuser(),
        )
        return activate(read_settings(self.get_option, call), tell, identity)
