# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night with the ledger on PostgreSQL and the packages in a bucket, neither of which is on the node.

The connection is lost between a commit and its answer, addresses and passwords are wrong, and Ansible says all it can
(-vvv).

With a canary in every credential. It may be in nothing that is written or sent.
"""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]  # it ships no types
import pytest
from moto.server import ThreadedMotoServer

from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import read_public_keys, read_signing_key
from tests.postgres import Postgres

from .conftest import ansible_in, running_lab
from .ring import BIG, ROOT, SMALL, Night, sentence, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("afar")

REPORT = ROOT / "playbooks" / "report.yml"
VERIFY = ROOT / "playbooks" / "verify.yml"
DATABASE, BUCKET, SESSION, WRONG = (
    "c4nary/of@the:database",
    "c4nary/of+the/bucket",
    "c4nary-of-the-session",
    "c4nary-wr0ng",
)
CANARIES = (DATABASE, quote(DATABASE, safe=""), BUCKET, quote(BUCKET, safe=""), SESSION, WRONG)
LONGEST = 90.0


@dataclass
class Afar:
    """`said` is what each run put out; `codes` what it ended with."""

    night: Night
    key: Path
    s3: Any
    spool: Path
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int | None] = field(default_factory=dict)
    waited: list[str] = field(default_factory=list)
    cut_short: tuple[int, list[str]] = (0, [])

    def run(self, name: str, *words: str, **given: Any) -> None:
        with self.night.running("-vvv", *words, **given) as run:
            self.said[name] = run.communicate(timeout=240)[0]
        self.codes[name] = run.returncode


@pytest.fixture(scope="module")
def afar(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Afar]:
    folder = tmp_path_factory.mktemp("afar")
    postgres.guard("guarded", DATABASE)
    postgres.sql("CREATE SCHEMA afar AUTHORIZATION guarded")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with (
            postgres.losing_answers() as (port, losing),
            running_lab(folder / "lab", write_fleet(folder / "fleet.yml", {"Acme": {"WS01": workstation()}})) as lab,
        ):
            host, s3_port = server.get_host_and_port()
            store = f"http://{host}:{s3_port}"
            aws = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": BUCKET, "AWS_SESSION_TOKEN": SESSION}
            aws |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
            s3 = boto3.session.Session("AKIATEST", "test", region_name="us-east-1").client("s3", endpoint_url=store)
            s3.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True)

            def address(password: str, port: int = port) -> str:
                where = f"127.0.0.1:{port}/postgres?sslmode=disable&options=-csearch_path%3Dafar"
                return f"postgresql://guarded:{quote(password, safe='')}@{where}"

            environment = {
                "MSP_PATCHING_LEDGER": address(DATABASE),
                "MSP_PATCHING_SPOOL": str(folder / "spool.jsonl"),
                "MSP_PATCHING_SIGNING_KEY": str(folder / "ledger.key"),
                "MSP_PATCHING_PACKAGES": f"s3://evidence/2026?endpoint={store}&lock=governance",
                **aws,
            }
            night = Night(lab, ansible_in(folder), folder, ledger_url=address(DATABASE), environment=environment)
            found = Afar(night, folder / "ledger.key", s3, folder / "spool.jsonl")
            play(found, losing)
            lost = {"MSP_PATCHING_LEDGER": address(WRONG)}
            found.run("wrong password", env=lost)
            found.run("refused", env={"MSP_PATCHING_LEDGER": address(DATABASE, 1)})
            found.run("bad address", env={"MSP_PATCHING_LEDGER": f"postgresql://guarded:{DATABASE}@127.0.0.1:{port}/x"})
            anew = ("-e", "ring=pilot", "-e", f"dest={folder}/report")
            nowhere = {"MSP_PATCHING_PACKAGES": f"s3://nowhere/2026?endpoint={store}"}
            found.run("wrong bucket", *anew, playbook=REPORT, env=nowhere)
            away = {"MSP_PATCHING_PACKAGES": f"s3://evidence/2026?endpoint=http://x:{WRONG}@127.0.0.1:1"}
            found.run("secret endpoint", *anew, playbook=REPORT, env=away)
            away = {"MSP_PATCHING_PACKAGES": "s3://evidence/2026?endpoint=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
            found.run("no store", *anew, playbook=REPORT, env=away)
            found.run("verified", "-e", f"public_key={found.key}.pub", playbook=VERIFY)
            yield found
            s3.close()
    finally:
        server.stop()


def play(afar: Afar, losing: Any) -> None:
    """A night whose first run loses the connection, and whose second does the work."""
    night, end = afar.night, time.monotonic() + LONGEST
    with night.running("-vvv") as run:
        while not night.ledger_is_there() or night.decision("WS01")[0] != "install":
            assert run.poll() is None, run.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGSTOP)
        losing.set()
        os.killpg(run.pid, signal.SIGCONT)
        afar.said["cut short"] = run.communicate(timeout=200)[0]
    afar.codes["cut short"] = run.returncode
    losing.clear()
    afar.cut_short = night.boots("WS01"), night.installed("WS01")
    lines = afar.spool.read_text().splitlines()
    afar.waited = [event["kind"] for line in lines for event in json.loads(line)["events"]]
    afar.run("night")


def test_a_commit_whose_answer_is_lost_stops_the_run_and_enters_once(afar: Afar) -> None:
    night = afar.night
    assert afar.codes["cut short"] == 2
    assert f"has to wait in {afar.spool} for the next run" in sentence(afar.said["cut short"])
    assert afar.cut_short[0] == 0
    assert afar.waited
    assert afar.codes["night"] == 0, afar.said["night"]
    assert not afar.spool.exists()
    runs = [event.body for event in night.events("run.closed")]
    opened = night.events("run.opened")
    assert len(opened) == len(runs) >= 2
    night.agrees("WS01")
    assert (sorted(night.installed("WS01")), night.boots("WS01")) == ([BIG, SMALL], 1)


def test_the_package_is_in_the_bucket_locked_and_whole(afar: Afar, tmp_path: Path) -> None:
    bodies = afar.night.bodies("package.written")
    assert [body["where"].partition("?")[0] for body in bodies] == [
        f"s3://evidence/2026/{body['name']}" for body in bodies
    ]
    for body in bodies:
        key = f"2026/{body['name']}"
        kept = afar.s3.get_object(Bucket="evidence", Key=key)
        assert kept["ObjectLockMode"] == "GOVERNANCE"
        assert kept["ObjectLockRetainUntilDate"].year == 2032, "six years"
        (tmp_path / "package.zip").write_bytes(kept["Body"].read())
        checked = check_package(tmp_path / "package.zip", read_public_keys(Path(f"{afar.key}.pub")))
        assert checked.sha256 == body["sha256"]
    assert len(bodies) >= 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong password", 'password authentication failed for user "guarded"'),
        ("refused", "127.0.0.1:1/postgres"),
        ("bad address", "the ledger's address postgresql://… is no database URL"),
        ("wrong bucket", "there is no such bucket (NoSuchBucket)"),
        ("secret endpoint", "its endpoint has credentials in it"),
        ("no store", "Could not connect to the endpoint URL"),
    ],
)
def test_what_is_wrong_is_said(afar: Afar, name: str, words: str) -> None:
    assert afar.codes[name] == 2
    assert words in sentence(afar.said[name]), afar.said[name]


def test_the_ledger_is_verified_afar(afar: Afar) -> None:
    assert afar.codes["verified"] == 0, afar.said["verified"]
    assert "VERIFIED ledger: " in afar.said["verified"]


def test_no_credential_is_anywhere(afar: Afar) -> None:
    """In no output, table, file, package, nor in what the PSA and the store were sent."""
    night, s3 = afar.night, afar.s3
    info = night.lab.info
    secrets = [*CANARIES, *read_signing_key(afar.key).secrets, info["winrm"]["password"], info["automate"]["password"]]
    secrets += [info["psa"]["private_key"]]
    texts = {f"the output of {name}": said.encode() for name, said in afar.said.items()}
    with night.ledger.reading() as connection:
        for (table,) in connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'afar'").all():
            rows = connection.exec_driver_sql(f'SELECT t::text FROM afar."{table}" t').all()  # noqa: S608 -- our own tables
            texts[f"the table {table}"] = "\n".join(str(row[0]) for row in rows).encode()
    for entry in s3.list_objects_v2(Bucket="evidence")["Contents"]:
        found = s3.get_object(Bucket="evidence", Key=entry["Key"])
        texts[entry["Key"]] = json.dumps([entry["Key"], found["Metadata"]]).encode()
        with zipfile.ZipFile(io.BytesIO(found["Body"].read())) as archive:
            texts |= {f"{entry['Key']}/{name}": archive.read(name) for name in archive.namelist()}
    tickets = night.psa.all("service/tickets")
    texts["the PSA"] = json.dumps([[ticket, night.notes(ticket)] for ticket in tickets]).encode()
    for document in (
        one for row in tickets for one in night.psa.all("system/documents", recordType="Ticket", recordId=row["id"])
    ):
        texts[f"the PSA's {document['fileName']}"] = night.psa.download(f"system/documents/{document['id']}/download")
    for path in night.folder.rglob("*"):
        if path.is_file() and path != afar.key and not path.is_relative_to(night.folder / "lab"):
            texts[str(path)] = path.read_bytes()
    assert len(texts) > 60
    assert any("report" in name and name.endswith(".pdf") for name in texts)
    leaks = [(where, secret) for where, text in texts.items() for secret in secrets if secret.encode() in text]
    assert leaks == []
