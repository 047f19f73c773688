# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin against the lab's Automate: what ansible-inventory says, and what it asked of the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.msp.patching.plugins.inventory.automate import EXAMPLES
from ansible_collections.msp.patching.plugins.plugin_utils.automate import AutomateClient, Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from lab.client import LabClient
from tests.integration.inventories import Reader, Reading, counted, defective

LISTS = ["Computers", "Clients", "Locations", "Groups", "GroupComputers", "GroupPatchingPolicies"]
CLIENT_FIELDS = [(f"Clients/{number}/ExtraFields", "1") for number in (1, 2)]


@pytest.fixture
def read(shared_lab: LabClient, tmp_path: Path) -> Reader:
    return Reader(shared_lab, tmp_path)


def good(reading: Reading) -> Reading:
    assert reading.returncode == 0, reading.told
    return reading


def test_the_small_fleet(read: Reader) -> None:
    found = good(read())
    assert sorted(found.hosts) == ["ACME-DC01", "ACME-FS01", "ACME-WS01", "ACME-WS02", "CLAW-WS01", "CLAW-WS02"]
    variables = found.hosts["ACME-DC01"]
    told = {key: variables[f"patching_{key}"] for key in ("kind", "ring", "role", "policy_group", "time_zone")}
    assert told == {
        "kind": "server",
        "ring": "pilot",
        "role": "domain_controller",
        "policy_group": "auto_install_auto_reboot",
        "time_zone": "America/New_York",
    }
    assert variables["patching_client_servers"] == 2
    assert variables["patching_unattended_reboot"] is True
    assert found.groups["role_domain_controller"]["hosts"] == ["ACME-DC01"]
    assert found.groups["client_acme_dental"]["children"] == ["location_acme_dental_main_office"]
    assert "ACME-WS01" in found.groups["location_acme_dental_main_office"]["hosts"]


def test_the_core_takes_every_host_as_an_endpoint(read: Reader) -> None:
    for name, variables in good(read()).hosts.items():
        record = {
            key.removeprefix("patching_"): value for key, value in variables.items() if key.startswith("patching_")
        }
        endpoint = Endpoint.parse(record)
        assert endpoint.name == name
        assert set(record) == set(endpoint.as_record())


def test_the_graph_shows_locations_below_their_client(read: Reader) -> None:
    lines = good(read("--graph", "client_acme_dental")).output.splitlines()
    assert lines[:3] == ["@client_acme_dental:", "  |--@location_acme_dental_main_office:", "  |  |--ACME-DC01"]


def test_what_the_lab_writes_for_its_users_is_read(read: Reader) -> None:
    assert len(good(read(path=read.lab.inventory)).hosts) == 6


def test_one_login_one_request_a_page_and_one_a_client(read: Reader) -> None:
    good(read())
    pages = [(name, "1") for name in LISTS]
    assert sorted(read.requests()) == sorted([("apitoken", "-"), *pages, *CLIENT_FIELDS])


def test_without_clients_fields_there_is_no_request_a_client(read: Reader) -> None:
    good(read(client_extra_fields=False))
    assert [name for name, _page in read.requests()] == ["apitoken", *LISTS]


def cache_in(folder: Path) -> dict[str, Any]:
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}


def test_the_cache_spares_the_server(read: Reader) -> None:
    cache: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(read.folder / "cache"),
    }
    first = good(read(**cache))
    asked = len(read.requests())
    assert asked > 0
    assert good(read(**cache)).groups == first.groups
    assert len(read.requests()) == asked
    assert good(read("--list", "--flush-cache", **cache)).groups.keys() == first.groups.keys()
    assert len(read.requests()) == 2 * asked


def test_a_cache_that_was_read_with_less_is_not_used(read: Reader) -> None:
    cache: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(read.folder / "cache"),
    }
    good(read(**cache))
    more = good(read(**cache, computer_fields=["AssetTag"], compose={"tag": "automate.computer.AssetTag"}))
    assert "LAB000001" in json.dumps(more.hosts["ACME-DC01"]["tag"])


def test_no_password_reaches_the_cache(read: Reader) -> None:
    folder = read.folder / "cache"
    good(read(**cache_in(folder)))
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "ACME-DC01" in text
    assert read.lab.info["automate"]["password"] not in text


def test_compose_and_groups_see_the_raw_record(read: Reader) -> None:
    found = good(
        read(
            strict=True,
            compose={"ansible_host": "automate.computer.LocalIPAddress", "zone": "patching_time_zone"},
            groups={"acme": "automate.client.Name == 'Acme Dental'"},
            keyed_groups=[{"prefix": "os", "key": "automate.computer.OperatingSystemVersion"}],
        )
    )
    assert "automate" not in found.hosts["ACME-DC01"]
    assert "10." in json.dumps(found.hosts["ACME-DC01"]["ansible_host"])
    assert len(found.groups["acme"]["hosts"]) == 4
    assert "os_10_0_20348" in found.groups


def test_text_of_the_rmm_is_no_template(read: Reader) -> None:
    """Not in the variables, not through compose, not out of the cache."""
    trap = "{{ 7 * 191 }}"

    def mangle(name: str, _query: Mapping[str, str], answer: Any) -> Any:
        if name == "computers":
            answer[0] |= {"Comment": trap, "OperatingSystemName": f"Windows {trap}", "ComputerName": trap}
            answer[0]["Location"]["Name"] = trap
        return answer

    cache: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(read.folder / "cache"),
    }
    compose = {"comment": "automate.computer.Comment", "again": "patching_os"}
    with defective(read.lab, mangle) as url:
        for _time in range(2):
            found = good(read(url=url, compose=compose, **cache))
            assert "1337" not in found.output
            (name,) = set(found.hosts) - {"ACME-FS01", "ACME-WS01", "ACME-WS02", "CLAW-WS01", "CLAW-WS02"}
            assert name == "7_191"
            assert found.hosts[name]["patching_os"] == {"__ansible_unsafe": f"Windows {trap}"}
            assert found.hosts[name]["comment"] == {"__ansible_unsafe": trap}
        told = read("--host", "7_191", url=url, compose=compose, **cache)
        assert trap in told.output


def test_names_that_collide_bear_the_client_and_the_groups_their_id(read: Reader) -> None:
    def mangle(name: str, _query: Mapping[str, str], answer: Any) -> Any:
        if name == "computers":
            for row in answer:
                row["ComputerName"] = {"1": "DC01", "5": "dc01"}.get(row["Id"], row["ComputerName"])
        return answer

    with defective(read.lab, mangle) as url:
        hosts = good(read(url=url)).hosts
        assert {"DC01.acme_dental", "dc01.cascade_law"} < set(hosts)
        assert hosts["DC01.acme_dental"]["patching_name"] == "DC01.acme_dental"
        always = good(read(url=url, qualify_names="always", clients=["Cascade Law"])).hosts
        assert sorted(always) == ["CLAW-WS02.cascade_law", "dc01.cascade_law"]


def test_what_is_not_classified_is_there_and_told_once(read: Reader) -> None:
    found = good(read(rings={"Patching.Ring.Pilot": "pilot"}))
    unclassified = found.groups["unclassified"]["hosts"]
    assert "ACME-FS01" in unclassified
    assert list(found.hosts["ACME-FS01"]["automate_unclassified"]) == ["ring"]
    assert found.hosts["ACME-FS01"]["patching_ring"] is None
    assert found.sentence.count("[WARNING]") == 1
    assert f"{len(unclassified)} of 6 endpoints are not fully classified" in found.sentence


def test_other_systems_are_counted_and_left_out(read: Reader) -> None:
    def mangle(name: str, _query: Mapping[str, str], answer: Any) -> Any:
        if name == "computers":
            answer[1]["OperatingSystemName"] = "Ubuntu 24.04 LTS"
        return answer

    with defective(read.lab, mangle) as url:
        found = read("--list", "-v", url=url)
    assert "ACME-FS01" not in found.output
    assert "6 computers read, 1 left out that do not run Windows, 5 endpoints" in " ".join(
        (found.output + found.told).split()
    )


def test_ids_of_the_other_kind_make_no_difference(read: Reader) -> None:
    def mangle(_name: str, _query: Mapping[str, str], answer: Any) -> Any:
        for row in answer:
            for key in ("Id", "GroupId", "ComputerId"):
                if key in row:
                    row[key] = int(row[key]) if isinstance(row[key], str) else str(row[key])
        return answer

    with defective(read.lab, mangle) as url:
        mangled, plain = (good(read(url=address)).groups for address in (url, read.lab.info["automate"]["url"]))
    assert {**mangled, "_meta": None} == {**plain, "_meta": None}


# -- where options come from --------------------------------------------------------------------------------


def test_the_account_comes_from_the_environment(read: Reader) -> None:
    automate = read.lab.info["automate"]
    env = {
        "AUTOMATE_URL": automate["url"],
        "AUTOMATE_USER": automate["user"],
        "AUTOMATE_PASSWORD": automate["password"],
        "AUTOMATE_CLIENT_ID": automate["client_id"],
    }
    assert len(good(read(env=env, url=None, user=None, password=None, client_id=None)).hosts) == 6


def test_an_option_may_be_a_template(read: Reader) -> None:
    env = {"SECRET": read.lab.info["automate"]["password"]}
    assert len(good(read(env=env, password="{{ lookup('ansible.builtin.env', 'SECRET') }}")).hosts) == 6


def test_the_password_may_be_vaulted(read: Reader) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    secret = VaultLib([("default", VaultSecret(b"opener"))]).encrypt(read.lab.info["automate"]["password"])
    path = read.write(password=None)
    lines = "".join(f"  {line}\n" for line in secret.decode().splitlines())
    path.write_text(f"{path.read_text(encoding='utf-8')}password: !vault |\n{lines}", encoding="utf-8")
    (read.folder / "vault-password").write_text("opener", encoding="utf-8")
    found = good(read("--list", "--vault-password-file", str(read.folder / "vault-password"), path=path))
    assert len(found.hosts) == 6


def test_tls_with_the_labs_own_ca(read: Reader) -> None:
    (read.folder / "lab-ca.pem").write_text(Path(read.lab.info["ca"]).read_text(encoding="utf-8"), encoding="utf-8")
    url = read.lab.info["automate"]["https_url"]
    assert len(good(read(url=url, ca="lab-ca.pem")).hosts) == 6
    refused = read(url=url, env={"REQUESTS_CA_BUNDLE": ""})
    assert refused.returncode != 0
    assert "TLS failed" in refused.sentence
    assert "option ca" in refused.sentence


@pytest.mark.parametrize("number", range(EXAMPLES.count("\nplugin:")))
def test_every_example_is_read(read: Reader, number: int) -> None:
    example = list(yaml.safe_load_all(EXAMPLES))[number]
    assert example["plugin"] == "msp.patching.automate"
    automate = read.lab.info["automate"]
    for key in ("url", "user", "password", "client_id"):
        if key in example or key == "url":
            example[key] = automate[key]
    if "cache_connection" in example:
        example["cache_connection"] = str(read.folder / "cache")
    if "ca" in example:
        example["ca"] = read.lab.info["ca"]
    env = {"AUTOMATE_USER": automate["user"], "AUTOMATE_PASSWORD": automate["password"]}
    env |= {"AUTOMATE_CLIENT_ID": automate["client_id"]}
    path = read.folder / "automate.yml"
    path.write_text(yaml.safe_dump(example), encoding="utf-8")
    assert good(read(path=path, env=env)).hosts


def test_the_example_source_of_the_repository_is_read(read: Reader) -> None:
    automate = read.lab.info["automate"]
    env = {f"AUTOMATE_{key.upper()}": automate[key] for key in ("url", "user", "password", "client_id")}
    source = Path(__file__).parent.parent.parent / "inventories" / "automate.yml"
    assert len(good(read(path=source, env=env)).hosts) == 6


# -- the client for others ----------------------------------------------------------------------------------


def test_last_contacts_in_bulk(shared_lab: LabClient) -> None:
    automate = shared_lab.info["automate"]
    settings = Settings(**{key: automate[key] for key in ("url", "user", "password", "client_id")})
    with AutomateClient(settings) as client:
        found = client.computers(fields=["Status", "RemoteAgentLastContact"], ids=[1, 3, 999])
    assert [(row["Id"], sorted(row)) for row in found] == [
        ("1", ["Id", "RemoteAgentLastContact", "Status"]),
        ("3", ["Id", "RemoteAgentLastContact", "Status"]),
    ]


def test_no_template_is_worked_out_for_a_host_unless_one_is_asked_for(read: Reader) -> None:
    """Groups and variables of ten thousand hosts are made in Python."""

    def templates(**options: Any) -> int:
        kept = read.folder / "counted"
        kept.unlink(missing_ok=True)
        good(read(env=counted(kept), **options))
        return kept.read_text().splitlines().count("template")

    hosts, plain = 6, templates()
    assert plain < hosts
    assert templates(groups={"acme": "patching_client == 'Acme Dental'"}) >= plain + hosts
