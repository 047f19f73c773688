# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files as others read them: trestle's validators, and what OSCAL says in prose that no schema checks."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from trestle.oscal.assessment_plan import Model as PlanModel
from trestle.oscal.assessment_results import Model as ResultsModel
from trestle.oscal.catalog import Model as CatalogModel

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Scope
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Policy, PolicyError, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kept import policy_events
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import (
    OBJECTIVES,
    Evidence,
    OscalError,
    assess,
    catalog,
    files,
    ledger_id,
)
from ansible_collections.msp.patching.plugins.plugin_utils.oscal.words import line, prose
from tests.examples import examples
from tests.unit.oscal.build import LEDGER, POLICY, START, account, day, endpoint, exception, flaw, left, tier
from tests.unit.oscal.strategies import accounts, evidence, named, texts

PLAN, RESULTS, CATALOG = "assessment-plan.json", "assessment-results.json", "sp800-171r2-si.json"
SHOWN = (
    Evidence("per endpoint/Acme & Sons.json", "Results of each endpoint", "aa" * 32, objectives="bdf"),
    Evidence("policy.json", "The policy in force", "bb" * 32, objectives="ace"),
)


def month() -> Account:
    """A month of two clients in which something of everything happened."""
    flaws = [
        flaw("S1"),
        flaw("S1", "u-2", identified=day(3)),
        left("S2", "excluded", "signed until spring"),
        left("S2", "held", "the tier is held: KB*1* failed", update="u-2"),
        left("B1", "open", client="Beta", reported=None, correct_due=day(40)),
    ]
    machines = [
        endpoint("S1"),
        endpoint("S2"),
        endpoint("B1", client="Beta"),
        endpoint("B2", client="Beta", searched=None),
    ]
    return account(machines, flaws, exceptions=(exception(endpoint="S2"),), tiers=(tier(), tier(None, ring="pilot")))


def made(given: Account, policy: Policy = POLICY, **other: Any) -> dict[str, Any]:
    """The three documents by file name."""
    found = files(assess(given, policy, ledger=LEDGER, **other))
    return {name: json.loads(content) for name, content in found.items()}


def results(given: Account, **other: Any) -> dict[str, Any]:
    found: dict[str, Any] = made(given, **other)[RESULTS]["assessment-results"]
    return found


def nodes(value: Any) -> Iterator[Any]:
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def mappings(document: Any) -> list[dict[str, Any]]:
    return [node for node in nodes(document) if isinstance(node, dict)]


@pytest.mark.slow
def test_trestle_finds_the_files_valid(tmp_path: Path) -> None:
    """The command itself, in a workspace, as an assessor's tool chain would run it."""

    def trestle(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trestle", *arguments]
        everything = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # tests/absent, too
        return subprocess.run(command, cwd=tmp_path, env=everything, capture_output=True, text=True, check=False)

    assert trestle("init", "--local").returncode == 0
    found = files(assess(month(), POLICY, ledger=LEDGER, evidence=SHOWN))
    folders = {CATALOG: "catalogs", PLAN: "assessment-plans", RESULTS: "assessment-results"}
    for name, content in found.items():
        model = name if name != CATALOG else "catalog.json"
        place = tmp_path / folders[name] / "month" / model
        place.parent.mkdir()
        place.write_bytes(content)
    told = trestle("validate", "--all")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("VALID") == 3
    assert "INVALID" not in told.stdout


@pytest.mark.parametrize("key", ["observations", "findings", "risks"])
def test_trestles_models_do_refuse(key: str) -> None:
    """Or the tests that rest on them would prove nothing."""
    document = made(month())[RESULTS]
    ResultsModel.model_validate(document)
    document["assessment-results"]["results"][0][key] = []
    with pytest.raises(ValidationError):
        ResultsModel.model_validate(document)


def test_a_finding_for_each_objective_of_each_client() -> None:
    first, second = results(month())["results"]
    states = [
        [(one["target"]["target-id"], one["target"]["status"]["state"]) for one in result["findings"]]
        for result in (first, second)
    ]
    said = ["satisfied", "not-satisfied", "satisfied", "satisfied", "satisfied", "not-satisfied"]
    ids = [f"si-3.14.1_obj.{objective}" for objective in OBJECTIVES]
    assert states[0] == list(zip(ids, said, strict=True))
    assert states[1] == list(
        zip(
            ids, ["satisfied", "not-satisfied", "satisfied", "not-satisfied", "satisfied", "not-satisfied"], strict=True
        )
    )
    assert first["findings"][5]["target"]["status"]["remarks"] == (
        "1 flaw is past its deadline, excluded (KBu-1 on S2).\n\n1 flaw is past its deadline, held (KBu-2 on S2)."
    )


def test_objectives_are_those_of_the_catalog() -> None:
    found = json.loads(catalog())["catalog"]["groups"][0]["controls"]
    assert [control["id"] for control in found] == [f"si-3.14.{number}" for number in range(1, 8)]
    parts = {node["id"]: node for node in mappings(found) if node.get("name") == "assessment-objective"}
    used = {node["target-id"] for node in mappings(results(month())) if "target-id" in node}
    assert used == {f"si-3.14.1_obj.{objective}" for objective in OBJECTIVES}
    for objective, words in OBJECTIVES.items():
        assert parts[f"si-3.14.1_obj.{objective}"]["prose"].lower() == words + "."
    CatalogModel.model_validate(json.loads(catalog()))


def test_figures_are_told_as_so_many_of_so_many_by_tier() -> None:
    flaws = [flaw("S1"), flaw("S2", ring="pilot"), flaw("S2", "u-2", ring="pilot", identified=day(3))]
    (result,) = results(account([endpoint("S1"), endpoint("S2", ring="pilot")], flaws))["results"]
    told = [
        {prop["name"]: prop["value"] for prop in one["props"]}
        for one in result["observations"]
        if one["title"].startswith("3.14.1\\[b\\]")
    ]
    assert told == [
        {"part": "all of the client", "numerator": "2", "denominator": "3"},
        {"part": "pilot servers", "numerator": "1", "denominator": "2"},
        {"part": "production servers", "numerator": "1", "denominator": "1"},
    ]


def test_a_risk_for_each_flaw_that_is_open_past_its_deadline() -> None:
    first, second = results(month())["results"]
    assert [(one["title"], one["status"]) for one in first["risks"]] == [
        ("KBu-1 is open past its deadline on 1 endpoint", "deviation-approved"),
        ("KBu-2 is open past its deadline on 1 endpoint", "open"),
    ]
    assert first["risks"][1]["description"] == "- S2: held, the tier is held: KB\\*1\\* failed"
    assert first["risks"][0]["deadline"] == "2026-11-24T18:00:00Z"
    assert [one["risk-uuid"] for one in first["findings"][5]["related-risks"]] == [
        one["uuid"] for one in first["risks"]
    ]
    assert "risks" not in second


def test_the_policy_is_told_by_the_hash_that_it_has_on_the_ledger() -> None:
    (event,) = policy_events(Ledger.open("sqlite://"), POLICY.document, START)
    told = [node["value"] for node in mappings(results(month())) if node.get("name") == "policy-sha256"]
    assert told == [event.body["sha256"]] * 6, "[a], [c] and [e] of two clients"


def test_evidence_is_linked_by_objective_with_its_hash() -> None:
    document = results(month(), evidence=SHOWN)
    resources = {one["uuid"]: one for one in document["back-matter"]["resources"]}
    for observation in document["results"][0]["observations"]:
        if "control-objective" in observation["types"]:
            (shown,) = observation["relevant-evidence"]
            title = resources[shown["href"].removeprefix("#")]["title"]
            about = observation["title"].split("[")[1][0] if "[" in observation["title"] else ""
            assert title == ("The policy in force" if about in "ace" else "Results of each endpoint"), about
    (rlink,) = next(one for one in resources.values() if one["title"] == "Results of each endpoint")["rlinks"]
    assert rlink["href"] == "per%20endpoint/Acme%20%26%20Sons.json"
    assert rlink["hashes"] == [{"algorithm": "SHA-256", "value": "aa" * 32}]


def test_the_closing_of_each_tier_is_in_the_log() -> None:
    first, second = results(month())["results"]
    assert [
        (one["title"], one["description"], one["start"], one["end"]) for one in first["assessment-log"]["entries"]
    ] == [
        (
            "The production servers were closed with a proof",
            "Each endpoint stands in exactly one place: 1 patched, 1 held.",
            "2026-11-10T18:00:00Z",
            "2026-12-08T18:00:00Z",
        )
    ]
    assert "assessment-log" not in second


def test_files_of_several_scopes_may_lie_in_one_folder() -> None:
    found = files(assess(month(), POLICY, ledger=LEDGER, stem="acme-"))
    assert list(found) == [CATALOG, f"acme-{PLAN}", f"acme-{RESULTS}"]
    resources = json.loads(found[f"acme-{RESULTS}"])["assessment-results"]["back-matter"]["resources"]
    assert resources[0]["rlinks"][0]["href"] == f"acme-{PLAN}"


def test_the_files_bear_each_others_hashes() -> None:
    found = files(assess(month(), POLICY, ledger=LEDGER))
    for name, root in ((PLAN, "assessment-plan"), (RESULTS, "assessment-results")):
        for one in json.loads(found[name])[root]["back-matter"]["resources"]:
            for rlink in one.get("rlinks", ()):
                assert rlink["hashes"][0]["value"] == hashlib.sha256(found[rlink["href"]]).hexdigest()


def test_the_policy_says_who_patches_and_where_the_clients_security_plan_is() -> None:
    plans = {"Acme": "https://acme.example/ssp.json", "Beta": "https://beta.example/ssp"}
    clients = {client: {"assessment": {"security_plan": url}} for client, url in plans.items()}
    policy = load_policy({"assessment": {"provider": "Example MSP"}, "clients": clients})
    one = made(account([endpoint("S1")]), policy)[PLAN]["assessment-plan"]
    assert one["import-ssp"] == {"href": "https://acme.example/ssp.json"}
    assert one["metadata"]["parties"][0]["name"] == "Example MSP"
    PlanModel.model_validate({"assessment-plan": one})
    both = made(month(), policy)[PLAN]["assessment-plan"]
    assert both["import-ssp"]["href"].startswith("#"), "of two plans, neither is that of both"


@pytest.mark.parametrize("url", ["acme.example", "", "https://acme.example/a b", 7])
def test_a_security_plan_that_is_no_url_is_refused(url: object) -> None:
    with pytest.raises(PolicyError, match=r"assessment\.security_plan"):
        load_policy({"assessment": {"security_plan": url}})


def test_an_account_of_nothing_makes_no_files() -> None:
    with pytest.raises(OscalError, match=r"there is nothing to assess: no endpoint of 2026-11 stands on the ledger"):
        files(assess(account([]), POLICY, ledger=LEDGER))


def test_a_ledger_is_told_from_another_by_its_first_event() -> None:
    one, other = Ledger.open("sqlite://"), Ledger.open("sqlite://")
    assert ledger_id(one) == "0" * 64
    for ledger, client in ((one, "Acme"), (other, "Beta")):
        ledger.append([Event("run.opened", None, START, {"by": client, "simulated": True})], run="r")
    before = ledger_id(one)
    one.append([Event("run.closed", None, START, {"hosts": {}})], run="r")
    assert ledger_id(one) == before != ledger_id(other)

    def uuids(ledger: Ledger) -> set[str]:
        made = json.loads(files(assess(month(), POLICY, ledger=ledger_id(ledger)))[RESULTS])
        return {node["uuid"] for node in mappings(made) if "uuid" in node}

    assert not uuids(one) & uuids(other)


def test_things_keep_their_uuids_when_the_account_goes_on() -> None:
    """A later account of the same cycle is another document about the same findings."""
    before, after = results(month()), results(account(month().endpoints, month().flaws, events=43, head="cd" * 32))
    assert before["uuid"] != after["uuid"]
    for kind in ("findings", "observations"):
        assert [one["uuid"] for one in before["results"][0][kind]] == [one["uuid"] for one in after["results"][0][kind]]


def test_a_risk_is_the_same_one_in_the_next_cycle() -> None:
    november, december = (results(replace(month(), scope=Scope(cycle))) for cycle in ("2026-11", "2026-12"))
    risks = [[one["uuid"] for one in found["results"][0]["risks"]] for found in (november, december)]
    assert risks[0] == risks[1]
    assert november["results"][0]["findings"][0]["uuid"] != december["results"][0]["findings"][0]["uuid"]


@settings(max_examples=examples(20))
@given(accounts(), evidence, named)
def test_whatever_the_account_the_files_are_valid(given_: Account, shown: list[Evidence], provider: str) -> None:
    policy = load_policy({"assessment": {"provider": provider}})

    def documents() -> dict[str, bytes]:
        return files(assess(given_, policy, ledger=LEDGER, evidence=shown))

    found = documents()
    assert found == documents()
    for name, model in ((CATALOG, CatalogModel), (PLAN, PlanModel), (RESULTS, ResultsModel)):
        document = json.loads(found[name])
        model.model_validate(document)
        assert not [node for node in nodes(document) if node is None or node in ([], "")]
        uuids = [node["uuid"] for node in mappings(document) if "uuid" in node]
        assert len(uuids) == len(set(uuids))
        assert referred(document) <= set(uuids)
    judged = json.loads(found[RESULTS])["assessment-results"]["results"]
    assert len(judged) == len({endpoint.client for endpoint in given_.endpoints})
    for result in judged:
        met = sum(one["target"]["status"]["state"] == "satisfied" for one in result["findings"])
        assert result["props"][-1] == {
            "name": "objectives-satisfied",
            "ns": result["props"][-1]["ns"],
            "value": str(met),
        }


def referred(document: Any) -> set[str]:
    """Every uuid that is referred to, by whatever key; ours never point outside their file."""
    found = set()
    for node in mappings(document):
        for key, value in node.items():
            if key.endswith("-uuid"):
                found.add(value)
            elif key.endswith("-uuids"):
                found.update(value)
            elif key == "href" and value.startswith("#"):
                found.add(value[1:])
    return found


@given(texts)
def test_any_text_is_a_line(text: str) -> None:
    assert len(line(text).splitlines()) == 1
    assert line(text) == line(text).strip() != ""


@given(st.text("ab _*[]()<>#-1.\\`|~^&{}+=\n", max_size=12))
def test_no_text_of_a_ledger_becomes_markup(text: str) -> None:
    shown = prose(text)
    assert not shown.startswith(("#", "- ", "+ ", "* ", "=", "`", ">", "|"))
    for mark in "*[]<`|~^{}":
        assert shown.replace("\\\\", "").replace("\\" + mark, "").count(mark) == 0
