# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files: what they give, and what is said of a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.faults import Fault
from lab.fleet import FleetError, load_fleet
from tests.unit.lab.conftest import FLEETS


@pytest.mark.parametrize("path", sorted(FLEETS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_fleet_loads_with_valid_faults_and_unique_ids(path: Path) -> None:
    fleet = load_fleet(path)
    ids = [computer.id for computer in fleet.computers.values()]
    assert len(ids) == len(set(ids)) > 0
    for fault in fleet.faults:
        Fault.parse(fault)


def test_demo_holds_what_the_demonstration_needs() -> None:
    fleet = load_fleet(FLEETS / "demo.yml")
    computers = fleet.computers.values()
    rings = [computer.in_group("Patching.Ring.") for computer in computers]
    assert 8 <= rings.count("Pilot") <= 10
    assert {"MostTest", "Regular", "Production", None} <= set(rings)
    assert len({computer.time_zone for computer in computers}) == 3
    servers = [computer.client for computer in computers if computer.kind == "server"]
    assert any(servers.count(client) == 1 for client in servers)
    assert {computer.in_group("Patching.Track.") for computer in computers} == {"Overnight", "Daytime", None}
    assert "Do Not Patch" in {computer.in_group("Patching.Policy.") for computer in computers}
    assert any("Patching.Disabled" in computer.groups for computer in computers)
    assert any(location.edfs.get("Patching Disabled") for _client, location, _computer in fleet.walk())
    (fault,) = fleet.faults
    assert fleet.computers[str(fault["target"])].in_group("Patching.Ring.") == "Pilot"
    failing = {fleet.updates_by_id[update].kb for update in fleet.computers[str(fault["target"])].pending}
    assert fault["kb"] in failing


def test_sixty_is_one_pilot_ring_with_installs_of_twenty_seconds() -> None:
    fleet = load_fleet(FLEETS / "sixty.yml")
    assert len(fleet.computers) == 60
    assert {computer.in_group("Patching.Ring.") for computer in fleet.computers.values()} == {"Pilot"}
    assert {len(computer.pending) for computer in fleet.computers.values()} == {1}
    assert {update.install_seconds for update in fleet.updates} == {20}


def test_names_that_collide_between_clients_get_keys_of_their_own() -> None:
    fleet = load_fleet(FLEETS / "large.yml")
    assert len(fleet.computers) == 2000
    controllers = [key for key, computer in fleet.computers.items() if computer.name == "DC01"]
    assert len(controllers) > 1
    assert all(key.startswith("DC01.") for key in controllers)


def test_the_same_seed_gives_the_same_fleet_and_another_seed_another(tmp_path: Path) -> None:
    text = "seed: {}\nupdates: []\ngenerate: {{clients: 3, endpoints: 50}}\n"
    files = [tmp_path / name for name in ("one.yml", "two.yml", "other.yml")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        file.write_text(text.format(seed), encoding="utf-8")
    one, two, other = (list(load_fleet(file).computers.values()) for file in files)
    assert one == two != other


def test_updates_fit_by_words_of_the_system_and_release() -> None:
    fleet = load_fleet(FLEETS / "small.yml")
    pending = {
        name: {fleet.updates_by_id[update].kb for update in fleet.computers[name].pending}
        for name in ("ACME-WS01", "ACME-WS02", "ACME-FS01")
    }
    assert {"5091211", "2267602"} <= pending["ACME-WS01"]  # Windows 11 24H2
    assert "5091212" in pending["ACME-WS02"]  # Windows 11 23H2
    assert "5091211" not in pending["ACME-WS02"]
    assert {"5091203", "5091232"} <= pending["ACME-FS01"]  # Server 2019


def test_membership_of_a_group_with_a_search_sets_the_field_it_searches() -> None:
    fleet = load_fleet(FLEETS / "small.yml")
    assert fleet.computers["ACME-WS01"].edfs == {"Patching Ring": "Pilot", "Patching Track": "Overnight"}


CLIENT = "clients: [{name: A, locations: [{name: L, computers: [%s]}]}]\n"
PC = "{name: X, os: Microsoft Windows 11 Pro x64%s}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sead: 1\n" + CLIENT % PC % "", "sead is 1: it must be left out, or one of clients"),
        ("seed: x\n", "seed is 'x': it must be a number"),
        ("clients: []\n", "clients is None: it must be a list of at least one client"),
        (CLIENT % "{name: X, os: MS-DOS}", "computers[0].os is 'MS-DOS': it must be a name that contains one of"),
        (CLIENT % PC % ", groups: [Nope]", "computers[0].groups is 'Nope': it must be one of Patching.Ring.Pilot"),
        (CLIENT % PC % ", edfs: {Rung: Pilot}", "edfs.Rung is 'Pilot': it must be an EDF of a computer"),
        (CLIENT % PC % ", edfs: {Patching Ring: Pilots}", "is 'Pilots': it must be one of"),
        (CLIENT % PC % ", pending: ['1']", "pending is '1': it must be the KB, id or title"),
        (CLIENT % PC % ", online: 'yes'", "online is 'yes': it must be true or false"),
        (CLIENT % f"{PC % ', id: 3'}, {PC.replace('X', 'Y') % ', id: 3'}", "computers[1].id is 3: it must be unique"),
        ("updates: nowhere.yml\n", "nowhere.yml: cannot be read"),
        ("updates: [{kb: KB1, title: T, released: '2026-11-10T18:00:00Z', os: [W]}]\n", "it must be digits only"),
        ("updates: [{title: T, released: '2026-11-10T18:00:00', os: [W]}]\n", "an instant with an offset"),
        (CLIENT % PC % "" + "faults: [{target: Y, kind: hang}]\n", "faults[0].target is 'Y'"),
        ("generate: {endpoints: 0}\n", "generate.endpoints is 0: it must be a number from 1 to 100000"),
    ],
)
def test_a_wrong_file_is_told_with_its_path_value_and_what_is_right(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        load_fleet(file)
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)
