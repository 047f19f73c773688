# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package has what is its scope's and nothing of anybody else, is the same every time, and is checked offline."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import posixpath
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.deadlines import Deadlines
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Opening, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import ledger_id
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.make import making, name_of
from ansible_collections.msp.patching.plugins.plugin_utils.packages.members import EVIDENCE
from ansible_collections.msp.patching.plugins.plugin_utils.packages.seal import PackageError
from ansible_collections.msp.patching.plugins.plugin_utils.report.compose import view_of
from ansible_collections.msp.patching.plugins.plugin_utils.report.tabular import tables
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey
from tests.unit.account.story import CYCLE, DAY, HOUR, Story

from .ledgers import ACME, ALL, KEY, SECRET_OF_BETA, TIER, goes_on, made, sign, told


@pytest.fixture(scope="module")
def story() -> Story:
    return told()


@pytest.mark.parametrize("scope", [TIER, ACME, ALL], ids=str)
def test_it_is_checked_with_a_public_key_alone(story: Story, scope: Scope, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    package = made(story, scope, path)
    checked = check_package(path, [KEY.public])
    point = package.checkpoint
    assert (checked.sha256, checked.seq, checked.hash) == (package.sha256, point.seq, point.hash)
    assert checked.scope == {key: value for key, value in scope.as_record().items() if value}
    assert checked.hidden == 0 if scope == ALL else checked.hidden > 0
    assert "whole and unaltered" in checked.in_words()


@pytest.mark.parametrize("scope", [TIER, ACME, ALL], ids=str)
def test_the_same_ledger_gives_the_same_bytes(story: Story, scope: Scope, tmp_path: Path) -> None:
    made(story, scope, tmp_path / "one")
    made(told_again := told(), scope, tmp_path / "other")
    made(story, scope, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert told_again.ledger.head()[1] != story.ledger.head()[1], "salts are drawn"


def test_the_readme_tells_whether_the_cycle_is_over(tmp_path: Path) -> None:
    """One whose tiers are still open when it is over does not go on."""
    story = told()
    assert "; the cycle goes on" in _readme(story, tmp_path)
    story.scan("WS01", 30 * DAY)
    sign(story, 30 * DAY + HOUR)
    readme = _readme(story, tmp_path)
    assert "; the cycle is over, and tiers are still open" in readme
    assert "goes on" not in readme


def _readme(story: Story, folder: Path) -> str:
    made(story, ALL, folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip") as archive:
        return archive.read("README.txt").decode()


def test_a_closed_tier_has_one_package_whatever_happens_later(tmp_path: Path) -> None:
    story = told()
    first = made(story, TIER, tmp_path / "one")
    goes_on(story, 3 * DAY)
    story.scan(SECRET_OF_BETA, 3 * DAY)
    sign(story, 4 * DAY)
    assert made(story, TIER, tmp_path / "two").sha256 == first.sha256
    assert made(story, ALL, tmp_path / "all").checkpoint.seq > first.checkpoint.seq


def test_nothing_of_another_client_is_in_it(story: Story, tmp_path: Path) -> None:
    for scope in (TIER, ACME):
        made(story, scope, tmp_path / "package.zip")
        with zipfile.ZipFile(tmp_path / "package.zip") as archive:
            for name in archive.namelist():
                content = archive.read(name)
                assert SECRET_OF_BETA.encode() not in content, name
                assert b"Beta" not in content, name
    made(story, ALL, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert SECRET_OF_BETA.encode() in archive.read("events.jsonl")


def test_a_machine_that_is_filed_under_another_client_takes_nothing_of_it_along(tmp_path: Path) -> None:
    """Acme's tier is closed, another of its tiers is not, and what the machine does from then on is Beta's."""
    story = told()
    story.tier("WS02", after=2 * DAY, ring="regular")
    story.endpoint("WS01", client="Beta", location="Beta HQ")
    story.decide("WS01", 3 * DAY, "install", "deploy.install", reason="a reason of Beta's")
    story.fail("WS01", 3 * DAY, None, text="a failure at Beta")
    story.ticket("WS01", 3 * DAY, 3 * DAY, 9, "a ticket of Beta's", client="Beta", xref="msp.patching/Beta/WS01")
    sign(story, 3 * DAY)
    for scope in (TIER, ACME):
        made(story, scope, tmp_path / "package.zip")
        with zipfile.ZipFile(tmp_path / "package.zip") as archive:
            assert [name for name in archive.namelist() if b"Beta" in archive.read(name)] == []
        assert check_package(tmp_path / "package.zip", [KEY.public]).events


def test_what_was_excepted_by_a_clients_former_name_is_in_it(tmp_path: Path) -> None:
    story = told()
    given = {"expires": None, "code": "APP", "reason": "old till", "by": "a.kern"}
    story.tell("exception.granted", 2 * DAY, id="e-1", scope={"client": "Acme Tools"}, **given)
    story.tell("exception.signed", 2 * DAY, id="e-1", signed_by="J. Roe", signed_at=text_of(story.start), by="a.kern")
    story.tell("exception.granted", 2 * DAY, id="e-9", scope={"client": "Gone"}, **given)
    story.tell("exception.granted", 2 * DAY + HOUR, id="e-2", scope={"client": "Acme"}, follows="e-1", **given)
    story.scan("WS01", 2 * DAY + HOUR)
    story.close(3 * DAY, {"WS01": ("held", "unsigned")})
    sign(story, 3 * DAY)
    made(story, ACME, tmp_path / "acme.zip")
    with zipfile.ZipFile(tmp_path / "acme.zip") as archive:
        events = [json.loads(line) for line in archive.read("events.jsonl").decode().splitlines()]
        rows = list(csv.DictReader(io.StringIO(archive.read("tables/exceptions.csv").decode())))
    shown = [(event["kind"], event["body"]["id"]) for event in events if event["kind"].startswith("exception.")]
    assert shown == [("exception.granted", "e-1"), ("exception.signed", "e-1"), ("exception.granted", "e-2")]
    assert len(rows) == 2
    assert check_package(tmp_path / "acme.zip", [KEY.public]).events


def test_a_run_for_some_of_one_client_and_all_of_another_shows_nothing_of_the_other(tmp_path: Path) -> None:
    story = told()
    story.tell("run.planned", 2 * DAY, clients={"Beta": ["production"]}, endpoints=["WS01"])
    story.scan("WS01", 2 * DAY + HOUR)
    story.close(3 * DAY, {"WS01": ("patched", "nothing is left")})
    sign(story, 3 * DAY)
    made(story, ACME, tmp_path / "acme.zip")
    with zipfile.ZipFile(tmp_path / "acme.zip") as archive:
        assert [name for name in archive.namelist() if b"Beta" in archive.read(name)] == []


def test_what_is_said_of_another_client_where_everybody_is_meant(tmp_path: Path) -> None:
    """Emergencies, freezes and runs of one client: on the ledger, and not shown."""
    story = told()
    freezes = [
        {"name": "at Beta", "start": "2026-12-20", "end": "2027-01-03", "client": "Beta"},
        {"name": "at the HQ", "start": "2026-12-20", "end": "2027-01-03", "location": "Beta HQ"},
        {"name": "for all", "start": "2026-12-24", "end": "2026-12-27"},
    ]
    story.policy = load_policy({"freezes": freezes, "clients": {"Beta": {"minimum_remaining": "45m"}}})
    bare = {**story.policy.document, "clients": {}}
    story.tell("policy.in_force", 2 * DAY, sha256="1" * 64, document=dict(bare))
    at = {"start": text_of(story.start), "end": text_of(story.end)}
    story.tell("cycle.opened", 2 * DAY, cycle=f"{CYCLE}-oob1", **at, by="j.doe", reason="Beta was hit", client="Beta")
    opening = Opening(story.start + 2 * DAY, {"by": "j.doe", "limit": SECRET_OF_BETA, "simulated": True})
    story.ledger.append(
        [Event("run.closed", None, opening.at, {"hosts": {SECRET_OF_BETA: {}}})], run="run-3", opening=opening
    )
    hold = {"id": "h-1", "scope": {"client": "Beta", "ring": "production"}, "reason": "Beta", "failure": "f-1"}
    story.tell("hold.placed", 2 * DAY, **hold)
    gap = {"id": "g-1", "aspect": "role", "value": "Beta", "kind": "server", "client": None, "endpoints": 3}
    story.tell("coverage.gap_opened", 2 * DAY, **gap)
    story.scan("WS01", 2 * DAY + HOUR)
    story.close(3 * DAY, {"WS01": ("patched", "nothing is left")})
    sign(story, 3 * DAY)
    for scope in (TIER, ACME):
        made(story, scope, tmp_path / "package.zip")
        with zipfile.ZipFile(tmp_path / "package.zip") as archive:
            for name in archive.namelist():
                assert b"Beta" not in archive.read(name), name
                assert SECRET_OF_BETA.encode() not in archive.read(name), name
            assert "for all" in archive.read("policy.json").decode()
        check_package(tmp_path / "package.zip", [KEY.public])


def test_the_blocks_of_others_are_left_out(story: Story, tmp_path: Path) -> None:
    made(story, TIER, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        chain = archive.read("chain.txt").decode().splitlines()
        points = [json.loads(line) for line in archive.read("checkpoints.jsonl").splitlines()]
    jumps = [line for line in chain if line.startswith("@")]
    heads = [point["seq"] for point in points]
    assert jumps == ["@ 0", f"@ {heads[1]}"], "the second run was of Beta alone"
    assert len(points) == 3


def test_what_an_assessor_reads(story: Story, tmp_path: Path) -> None:
    made(story, ACME, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    listed = [row["name"] for row in json.loads(files["manifest.json"])["members"]]
    assert [*listed, "manifest.json", "manifest.sig"] == list(files)
    readme = files["README.txt"].decode()
    for name in set(listed) - {"README.txt"}:
        assert name in readme or name.split("/")[0] + "/" in readme, name
    assert [line for line in readme.splitlines() if len(line) > 120] == []
    flaws = list(csv.DictReader(io.StringIO(files["tables/flaws.csv"].decode("utf-8-sig"))))
    assert [(row["endpoint"], row["label"], row["state"]) for row in flaws] == [
        ("WS01", "KB5001", "corrected"),
        ("WS01", "KB5002", "corrected"),
    ]
    assert all(row["boot.boot_id"] == "boot-2" for row in flaws)
    limits = Deadlines.of(json.loads(files["policy.json"])["deadlines"])
    for row in flaws:
        assert datetime.fromisoformat(row["since"]) + limits.identify == datetime.fromisoformat(row["identify.due"])
    (boot,) = csv.DictReader(io.StringIO(files["tables/boots.csv"].decode("utf-8-sig")))
    assert (boot["endpoint"], boot["boot_id"]) == ("WS01", "boot-2")
    (proof,) = csv.DictReader(io.StringIO(files["tables/closure.csv"].decode("utf-8-sig")))
    assert (proof["endpoint"], proof["stands"]) == ("WS01", "patched")
    assert json.loads(files["policy.json"])["deadlines"]


def test_what_the_report_sends_one_to_is_there(story: Story, tmp_path: Path) -> None:
    """A list that is cut says where the whole is: beside the report where that was asked for, and in the package."""
    account = story.account(2 * DAY)
    named = {table.beside for section in view_of(account).sections for table in section.tables} - {None}
    assert named == {name for name, dummy in tables(account)}
    made(story, ACME, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert {f"tables/{name}.csv" for name in named} <= set(archive.namelist())


def test_it_is_checked_by_hand_as_it_says(story: Story, tmp_path: Path) -> None:
    made(story, ACME, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        archive.extractall(tmp_path)
    readme = (tmp_path / "README.txt").read_text().splitlines()
    commands = [line.strip() for line in readme if line.strip().startswith(("base64 -d", "openssl "))]
    (tmp_path / "PUBLIC.pem").write_text(KEY.public.pem())
    done = subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully"), done.stderr


def test_a_key_that_nobody_vouches_for(story: Story, tmp_path: Path) -> None:
    made(story, ACME, tmp_path / "package.zip")
    other = SigningKey.make().public
    with pytest.raises(PackageError, match=rf"the key {KEY.public.id} is none of those given \({other.id}\)"):
        check_package(tmp_path / "package.zip", [other])
    with pytest.raises(PackageError, match="none is given"):
        check_package(tmp_path / "package.zip", [])


def test_files_that_are_no_package(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with pytest.raises(PackageError, match=r"cannot be read: No such file"):
        check_package(path, [KEY.public])
    path.write_text("hello")
    with pytest.raises(PackageError, match=r"package.zip is not as it was made: .* cannot be read: File is not a zip"):
        check_package(path, [KEY.public])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.jpg", b"")
    with pytest.raises(PackageError, match=r"manifest.json is missing"):
        check_package(path, [KEY.public])


def test_nothing_is_made_of_what_is_not_signed() -> None:
    story = Story()
    story.tier("WS01")
    with (
        pytest.raises(PackageError, match="the ledger has no checkpoint yet"),
        making(story.ledger, story.policy, ACME, KEY),
    ):
        pass


def test_names_stay_names() -> None:
    assert name_of(Scope(CYCLE), "a" * 64) == f"{CYCLE}/all-clients_{'a' * 12}.zip"
    assert name_of(Scope(CYCLE, "../Ä & B", "pilot", "server"), "b" * 64) == f"{CYCLE}/Ä-B_pilot_server_{'b' * 12}.zip"


@pytest.mark.parametrize("scope", [TIER, ACME, ALL], ids=str)
def test_the_assessment_results_point_to_its_files_by_their_hashes(story: Story, scope: Scope, tmp_path: Path) -> None:
    made(story, scope, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        document = json.loads(archive.read("oscal/assessment-results.json"))["assessment-results"]
        pointed = {}
        for one in document["back-matter"]["resources"]:
            for rlink in one["rlinks"]:
                name = posixpath.normpath(posixpath.join("oscal", unquote(rlink["href"])))
                pointed[name] = rlink["hashes"][0]["value"]
        assert pointed == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in pointed}
    assert {name for name, *dummy in EVIDENCE} < set(pointed), "all that is said to be evidence is there"
    assert len(document["results"]) == (2 if scope == ALL else 1)
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["ledger"] == ledger_id(story.ledger)
