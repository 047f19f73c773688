# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX as code: the unmodified modules of awx.awx against an AWX that refuses what AWX refuses; jobs as AWX starts them.

One lab and one AWX for all of them, in this order: a look in check mode, the setup, a second setup, jobs. Each module
costs a start of Python, so the look and the second setup leave out what Molecule's scenario looks at and sets up twice:
the organization and the inventories.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.msp.patching.plugins.plugin_utils.flow import patch_tuesday
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.errors import LedgerError
from lab.awx.schedules import fires
from lab.client import LabClient
from lab.clock import parse_instant
from tests.postgres import PASSWORD, Postgres
from tests.unit.collection.commands import HAS_AWX

from .awx import EXAMPLE, ROOT, Awx, Job, write_project
from .conftest import PlaybookRun, ansible_in, running_lab
from .ring import BIG, POLICY, SMALL, Night, workstation, write_fleet

pytestmark = pytest.mark.skipif(not HAS_AWX, reason="NOT TESTED: this bundle of Ansible has no collection awx.awx")
PLAYBOOK = ROOT / "playbooks" / "awx_setup.yml"
MACHINES = ("ACME-WS01", "ACME-WS02")
ELSEWHERE = "BOLT-WS01"
DECISIONS = ("approve", "except", "authorize", "root cause", "release", "out of band")


@dataclass
class Site:
    """The MSP's AWX, and what belongs to it."""

    lab: LabClient
    awx: Awx
    folder: Path
    ledger_url: str
    setup: PlaybookRun
    looked: PlaybookRun
    stopped: PlaybookRun
    """A setup with a credential that somebody was to make by hand, and did not."""
    before: set[str]
    """Names of the schedules and projects that were there after the look in check mode."""

    def run(self, *words: str) -> PlaybookRun:
        found: PlaybookRun = ansible_in(self.folder)(
            self.lab,
            PLAYBOOK,
            "-e",
            f"@{self.folder / 'awx.yml'}",
            *words,
            env=self.awx.environment,
            timeout=400,
        )
        return found

    def job(self, name: str, template: str, stdout_callback: str | None = None, **asked: Any) -> Job:
        """A job of a template, ready to be started; `name` is that of its folder."""
        handed = self.awx.launch(f"Patching: {template}", **asked)
        handed["env"] |= {"MSP_PATCHING_CLOCK": self.lab.info["clock_url"]}
        if stdout_callback is not None:
            handed["env"] |= {"ANSIBLE_STDOUT_CALLBACK": stdout_callback}
        return Job(handed, self.folder / "project", self.folder / name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("awx")
    clients = {
        "Acme": {name: workstation(boot_seconds=10) for name in MACHINES},
        "Bolt": {ELSEWHERE: workstation(ring="Production", boot_seconds=10)},
    }
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", clients, speed=0)) as lab:
        write_project(folder, lab, **POLICY)
        ledger_url = postgres.new()
        (folder / "awx.yml").write_text(yaml.safe_dump(settings(lab, ledger_url, folder)))
        nothing = PlaybookRun(0, "", {}, {})
        site = Site(lab, Awx(lab), folder, ledger_url, nothing, nothing, nothing, set())
        site.looked = site.run("--check", "--tags", "credentials,schedules")
        site.before = set(site.awx.all("schedules")) | set(site.awx.all("projects"))
        by_hand = yaml.safe_dump({"awx_setup_credentials": {"signing_key": {}}})
        (folder / "by_hand.yml").write_text(by_hand)
        site.stopped = site.run("-e", f"@{folder / 'by_hand.yml'}", "--tags", "organization,credentials")
        site.setup = site.run()
        yield site


def settings(lab: LabClient, ledger_url: str, folder: Path) -> dict[str, Any]:
    """The example's settings with the lab's credentials, and fewer rings: each is two modules more."""
    told = yaml.safe_load((EXAMPLE / "awx.yml").read_text())
    automate, psa, winrm = lab.info["automate"], lab.info["psa"], lab.info["winrm"]
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told["awx_setup_credentials"] = {
        "automate": {name: automate[name] for name in ("url", "user", "password", "client_id")},
        "psa": {name: psa[name] for name in ("url", "company", "public_key", "private_key", "client_id")},
        "ledger": {"ledger": ledger_url, "packages": str(folder / "packages")},
        "signing_key": {"key": key},
        "winrm": {name: winrm[name] for name in ("user", "password")},
    }
    told["awx_setup_policy"] = str((EXAMPLE / "policy.yml").relative_to(ROOT))  # as people write it
    told["awx_setup_rings"] = ["pilot", "production"]
    of_rings = [one for one in told["awx_setup_schedules"] if one.get("ring") in (None, "pilot")]
    return {**told, "awx_setup_schedules": of_rings}


def test_a_look_at_an_empty_awx_tells_what_would_be_made_and_makes_nothing(site: Site) -> None:
    assert site.looked.returncode == 0, site.looked.output
    assert site.looked.stats["localhost"]["changed"] == 3, "types, credentials, schedules"
    assert site.before == set()


def test_a_setup_ends_with_the_name_of_the_credential_that_somebody_is_to_make(site: Site) -> None:
    assert site.stopped.returncode == 2
    assert "AWX has none of the name Patching: signing key" in site.stopped.output


def test_everything_is_made(site: Site) -> None:
    assert site.setup.returncode == 0, site.setup.output
    awx = site.awx
    assert {"Patching: fleet", "Patching: pilot", "Patching: production"} == set(awx.all("inventories"))
    (project,) = awx.all("projects").values()
    (source,) = (row for row in awx.all("inventory_sources").values() if row["source"] == "scm")
    assert (project["scm_type"], source["source_path"]) == ("git", "automate.yml")
    assert source["overwrite"]
    assert source["update_on_launch"]
    assert awx.all("inventory_sources")["Auto-created source for: Patching: pilot"]["limit"] == "ring_pilot"
    assert awx.list_of(awx.all("organizations")["MSP"], "galaxy_credentials") == ["Ansible Galaxy"]
    for row in awx.all("job_templates").values():
        assert (EXAMPLE / row["playbook"]).is_file(), row["name"]
        assert not row["ask_variables_on_launch"]


def test_somebody_is_told_of_what_nobody_was_watching(site: Site) -> None:
    awx, told = site.awx, ["Patching: told by AWX"]
    templates = awx.all("job_templates")
    scheduled = ("cycle", "ring", "verify", "report")
    unwatched = [
        *awx.all("projects").values(),
        *awx.all("inventory_sources").values(),
        *awx.all("workflow_job_templates").values(),
        *(templates[f"Patching: {name}"] for name in scheduled),
    ]
    assert len(unwatched) == 1 + 3 + 3 + 4
    for row in unwatched:
        assert awx.list_of(row, "notification_templates_error") == told, row["name"]
    assert awx.list_of(templates["Patching: approve"], "notification_templates_error") == []


def test_credentials_go_where_they_are_needed(site: Site) -> None:
    templates = site.awx.all("job_templates")
    shared = {"Patching: Automate", "Patching: PSA", "Patching: ledger", "Patching: signing key"}
    for name in ("cycle", "ring"):
        assert set(site.awx.list_of(templates[f"Patching: {name}"], "credentials")) == shared | {"Patching: WinRM"}
    for name in DECISIONS:
        assert set(site.awx.list_of(templates[f"Patching: {name}"], "credentials")) == shared


def test_surveys_offer_what_can_be_answered(site: Site) -> None:
    surveys = {
        name.removeprefix("Patching: "): {
            question["variable"]: question
            for question in site.awx.call("GET", row["related"]["survey_spec"]).get("spec", ())
        }
        for name, row in site.awx.all("job_templates").items()
    }
    assert surveys["ring"]["ring"]["choices"] == ["pilot", "production"]
    assert surveys["root cause"]["code"]["choices"] == ["DISK", "NETWORK", "UPDATE", "OTHER"]
    assert surveys["approve"]["client"]["choices"] == ["", "Acme Dental", "Bell Machining"]
    assert not any(variable.startswith("patching_") for survey in surveys.values() for variable in survey)
    for name in DECISIONS:
        assert all(survey["required"] for survey in surveys[name].values() if survey["variable"] in ("reason", "text"))
        assert "by" not in surveys[name]  # AWX knows who it is
    # nothing is said of the cycle that is open: a hold is met in whichever cycle it is
    assert surveys["release"]["cycle"]["question_description"] == "Such as 2026-11; empty for each in which it is held"
    (row,) = (row for name, row in site.awx.all("workflow_job_templates").items() if "second person" in name)
    asked = {one["variable"]: one for one in site.awx.call("GET", row["related"]["survey_spec"])["spec"]}
    assert {"client", "ring", "kind", "reason"} == set(asked) <= set(surveys["release"])
    assert all(asked[name] == surveys["release"][name] for name in asked)


def test_answers_that_cannot_be_are_refused_at_launch(site: Site) -> None:
    ring = site.awx.all("job_templates")["Patching: ring"]
    for answers in ({}, {"ring": "everything"}):
        refused = site.awx.call("POST", ring["related"]["launch"], {"extra_vars": answers})
        assert refused["refused"] == 400, answers


def test_each_workflow_waits_for_a_person(site: Site) -> None:
    workflows = site.awx.all("workflow_job_templates")
    assert len(workflows) == 3
    for name, row in workflows.items():
        found = site.awx.call("GET", f"/api/v2/workflow_job_template_nodes/?workflow_job_template={row['id']}")[
            "results"
        ]
        nodes = {node["identifier"]: node for node in found}
        after = {
            node: [one["identifier"] for one in site.awx.call("GET", row["related"]["success_nodes"])["results"]]
            for node, row in nodes.items()
        }
        assert after == {"look": ["approve"], "approve": ["decide"], "decide": ["act"], "act": []}, name
        approval = site.awx.call("GET", nodes["approve"]["related"]["unified_job_template"])
        assert approval["type"] == "workflow_approval_template"
        assert approval["timeout"] == 86400


def test_the_pilots_nights_are_those_after_patch_tuesday(site: Site) -> None:
    """By the library that AWX itself asks, for three years: 02:05 in New York, one, two and three days after."""
    rule = site.awx.all("schedules")["Patching: pilot"]["rrule"]
    nights = fires(rule, parse_instant("2026-01-01T00:00:00Z"), most=36 * 3)
    local = [night.astimezone(ZoneInfo("America/New_York")) for night in nights]
    months = [f"{year}-{month:02}" for year in (2026, 2027, 2028) for month in range(1, 13)]
    wanted = [date.fromisoformat(str(patch_tuesday(month))) + timedelta(days=n) for month in months for n in (1, 2, 3)]
    assert [one.date() for one in local] == wanted
    assert {f"{one:%H:%M}" for one in local} == {"02:05"}


def test_what_is_scheduled_answers_what_its_survey_asks(site: Site) -> None:
    schedules = site.awx.all("schedules")
    assert schedules["Patching: pilot"]["extra_data"] == {"ring": "pilot"}
    assert schedules["Patching: pilot"]["inventory"] == site.awx.all("inventories")["Patching: pilot"]["id"]
    assert all(row["next_run"] for row in schedules.values() if row["enabled"])


def test_secrets_are_nowhere_to_be_read(site: Site) -> None:
    automate = site.awx.all("credentials")["Patching: Automate"]
    assert automate["inputs"]["password"] == "$encrypted$"
    for secret in (site.lab.info["automate"]["password"], site.lab.info["winrm"]["password"], PASSWORD):
        assert secret not in site.setup.output


def test_a_second_setup_changes_nothing(site: Site) -> None:
    mark = max(entry["number"] for entry in site.lab.journal(limit=1))
    again = site.run("--tags", "credentials,templates,schedules")
    assert again.returncode == 0, again.output
    assert again.stats["localhost"]["changed"] == 0, again.output
    written = site.lab.journal(since=mark, limit=100_000, face="awx")
    assert [entry["path"] for entry in written if entry["method"] != "GET"] == []


def test_a_cycle_that_is_cancelled_is_gone_on_with(site: Site) -> None:
    """As AWX runs it: in a private data dir, beside its own callback. Cancelled in mid-install; again; then by ring."""
    lab = site.lab
    night = Night(lab, ansible_in(site.folder), site.folder, ledger_url=site.ledger_url)
    lab.speed(40)
    cut = site.job("first", "cycle")
    with cut.running() as process:
        wait_for(site.ledger_url, "install.started")
        ended = cut.cancel(process)
    assert ended["status"] == "canceled", cut.output
    assert not any(event["event"] == "playbook_on_stats" for event in cut.events())  # nobody gets the last word
    ledger = Ledger.open(site.ledger_url, create=False)
    ledger.verify()
    assert night.events("run.opened")
    assert not night.events("run.closed")

    second = site.job("second", "cycle", stdout_callback="msp.patching.progress")
    assert second.run() == {"status": "successful", "rc": 0}, second.output
    for machine in MACHINES:
        assert Counter(night.installed(machine)) == {BIG: 1, SMALL: 1}
        assert night.boots(machine) == 1
        assert night.bodies("validation.finished", machine)[-1]["healthy"]
    assert night.installed(ELSEWHERE) == []  # its updates soak
    assert {body["by"] for body in night.bodies("run.opened")} == {"admin"}
    assert any(event["event"] == "playbook_on_stats" for event in second.events())
    hosts = {event["event_data"].get("host") for event in second.events()} & {*MACHINES, ELSEWHERE}
    assert hosts == set(MACHINES)  # AWX's own callback saw them too
    # which is made of the callback that somebody has chosen: a log's lines, though it runs in a terminal
    assert re.search(rf"^\d\d:\d\d:\d\d  .*{MACHINES[0]}", second.output, re.MULTILINE), second.output
    assert "\nTASK [" not in second.output
    assert "\x1b[?25" not in second.output

    mark = night.mark()
    inventory = site.awx.all("inventories")["Patching: pilot"]["id"]
    ring = site.job("ring", "ring", inventory=inventory, extra_vars={"ring": "pilot"})
    assert set(ring.inventory["_meta"]["hostvars"]) == set(MACHINES)
    assert ring.run() == {"status": "successful", "rc": 0}, ring.output
    assert night.touched(mark) == set()
    ledger.verify()
    for job in (cut, second, ring):
        for file in job.left_behind():
            words = file.read_bytes()
            for secret in (
                lab.info["automate"]["password"],
                lab.info["psa"]["private_key"],
                lab.info["winrm"]["password"],
            ):
                assert secret.encode() not in words, file
            assert PASSWORD.encode() not in words, file


def test_who_looks_and_decides_needs_no_account_on_the_endpoints(site: Site) -> None:
    """The first job of each workflow, and a decision: with the project's variables, and none of the credential's."""
    look = site.job("look", "explain")
    assert "winrm_user" not in look.handed["extra_vars"]
    assert look.run() == {"status": "successful", "rc": 0}, look.output
    assert MACHINES[0] in look.output
    go = site.job("go", "authorize", extra_vars={"endpoint": MACHINES[0], "reason": "agreed with the office"})
    assert go.run() == {"status": "successful", "rc": 0}, go.output
    night = Night(site.lab, ansible_in(site.folder), site.folder, ledger_url=site.ledger_url)
    assert [body["by"] for body in night.bodies("authorization.given")] == ["admin"]


def wait_for(ledger_url: str, kind: str) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        with suppress(LedgerError):  # there may be no ledger yet
            if list(Ledger.open(ledger_url, create=False).events(kinds=(kind,))):
                return
        time.sleep(0.1)
    pytest.fail(f"no {kind} on the ledger")
