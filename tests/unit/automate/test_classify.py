# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records of the RMM mean: kind, groups and their precedence, expressions, and what is in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.automate.classify import Classifier
from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import OptionError, VisibilityError
from ansible_collections.msp.patching.plugins.plugin_utils.automate.snapshot import Snapshot
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint as EndpointRecord
from tests.unit.automate.fakes import Row, client, computer, location, server
from tests.unit.automate.fleets import ACME, OFFICE, SERVER, WORKSTATION, classifier, fleet, only, rules


def test_the_whole_record_of_a_workstation() -> None:
    row = computer(7, "ACME-WS07", LoggedInUsers=[{"LoggedInUserName": "ann"}])
    endpoint = only(fleet((row, (*WORKSTATION, "Patching.Criticality.P1", "Patching.Redundancy.Desk pair"))))
    assert endpoint.record == {
        "id": 7,
        "name": "ACME-WS07",
        "client": "Acme Dental",
        "location": "Main Office",
        "kind": "workstation",
        "os": "Microsoft Windows 11 Pro x64",
        "time_zone": "America/New_York",
        "policy_group": "auto",
        "ring": "pilot",
        "track": "overnight",
        "role": None,
        "criticality": "P1",
        "redundancy_group": "Desk pair",
        "location_disabled": False,
        "agent_disabled": False,
        "unattended_reboot": False,
        "online": True,
        "asleep": None,
        "user_logged_on": True,
        "last_contact": "2026-11-11T08:05:00+00:00",
        "client_servers": 0,
        "computer_name": "ACME-WS07",
    }
    assert endpoint.unclassified == {}
    assert endpoint.groups == [
        "ring_pilot",
        "track_overnight",
        "policy_auto",
        "kind_workstation",
        "location_acme_dental_main_office",
    ]


def test_the_core_takes_every_record() -> None:
    found = fleet(
        (computer(1), WORKSTATION),
        (server(2, Client=None, Location=None, OperatingSystemName=None, LoggedInUsers=None, Status="?"), ()),
        (computer(3, ComputerName=None, RemoteAgentLastContact="0001-01-01T00:00:00"), ("Patching.Disabled",)),
    )
    for endpoint in found.endpoints:
        assert EndpointRecord.parse(endpoint.record).id == endpoint.record["id"]


@pytest.mark.parametrize(
    ("type_", "os", "kind"),
    [
        ("Server", "Microsoft Windows Server 2019 Standard x64", "server"),
        ("Workstation", "Microsoft Windows 10 Pro", "workstation"),
        ("laptop", "Microsoft Windows 11 Pro", "workstation"),
        ("Server", None, "server"),
        ("Server", "Microsoft Hyper-V Server 2019 x64", "server"),
        (None, "Microsoft Azure Stack HCI", "server"),
        ("Workstation", "Microsoft Azure Stack HCI", None),
        ("Thin thing", "Microsoft Windows Server 2022", "server"),
        (None, "Microsoft Windows 11 Pro", "workstation"),
        ("Workstation", "Microsoft Windows Server 2022", None),
        ("Server", "Microsoft Windows 10 Pro", None),
        (None, None, None),
    ],
)
def test_kind(type_: str | None, os: str | None, kind: str | None) -> None:
    endpoint = only(fleet((computer(1, Type=type_, OperatingSystemName=os), (*WORKSTATION, *SERVER[1:]))))
    assert endpoint.record["kind"] == kind
    assert ("kind" in endpoint.unclassified) == (kind is None)


def test_what_does_not_run_windows_is_counted_and_left_out() -> None:
    found = fleet(
        (computer(1, OperatingSystemName="Ubuntu 24.04"), WORKSTATION),
        (computer(2, OperatingSystemName="macOS 15"), ()),
        (computer(3), WORKSTATION),
        (computer(4, OperatingSystemName=None), ()),
        (computer(5, OperatingSystemName="VMware ESXi 8.0.3"), ()),
        (computer(6, OperatingSystemName="Mac OS X 10.15.7"), ()),
        (computer(7, OperatingSystemName="Red Hat Enterprise Linux 9"), ()),
    )
    assert ([one.record["id"] for one in found.endpoints], found.computers, found.not_windows) == ([3, 4], 7, 5)
    assert not any("left out" in words for words in found.warnings)


def test_who_is_left_out_without_being_known_to_run_something_else_is_named() -> None:
    found = fleet(
        (server(1, "ODD01", OperatingSystemName="Microsoft Nano OS x64"), SERVER),
        (server(2, "ODD02", OperatingSystemName="Microsoft Nano OS x64"), SERVER),
        *((computer(10 + number, f"X{number}", OperatingSystemName=f"Thing {number}"), ()) for number in range(3)),
        (computer(4), WORKSTATION),
    )
    (told,) = [words for words in found.warnings if "left out" in words]
    assert told.startswith("5 computer(s) left out")
    assert "ODD01 and others ('Microsoft Nano OS x64'), X0 ('Thing 0'), X1 ('Thing 1') and more" in told


def test_a_hypervisor_is_one_of_its_clients_servers() -> None:
    """Or the other one would be its client's only server, which goes without a pilot."""
    found = fleet((server(1, OperatingSystemName="Microsoft Hyper-V Server 2019"), SERVER), (server(2), SERVER))
    assert [one.record["client_servers"] for one in found.endpoints] == [2, 2]


@pytest.mark.parametrize("name", ["", "  ", None])
@pytest.mark.parametrize("key", ["Client", "Location"])
def test_a_client_or_location_without_a_name_is_null_and_holds(key: str, name: str | None) -> None:
    """Exceptions and freezes are for clients and locations by their names."""
    row = computer(1) | {key: {"Id": 1 if key == "Client" else 10, "Name": name}}
    clients, locations = ([{**one, "Name": name}] for one in (ACME, OFFICE))
    if key == "Client":
        endpoint = only(fleet((row, WORKSTATION), clients=clients))
    else:
        endpoint = only(fleet((row, WORKSTATION), locations=locations))
    assert endpoint.record[key.lower()] is None
    assert f"its {key.lower()} has no name" in endpoint.unclassified[key.lower()]
    assert EndpointRecord.parse(endpoint.record).time_zone is None


@pytest.mark.parametrize(
    "never", ["0001-01-01T00:00:00", "1899-12-30T00:00:00", "1969-12-31T18:00:00", "1970-01-01T00:00:00", "9999-12-31"]
)
def test_an_instant_that_says_never_is_null(never: str) -> None:
    endpoint = only(fleet((computer(1, RemoteAgentLastContact=never), WORKSTATION)))
    assert endpoint.record["last_contact"] is None
    assert not endpoint.unclassified
    assert EndpointRecord.parse(endpoint.record).ring == "pilot"


@pytest.mark.parametrize(
    ("row", "groups", "missing"),
    [
        (computer(1), (), {"ring", "policy_group", "track"}),
        (server(1), (), {"ring", "policy_group", "role"}),
        (server(1), ("Patching.Track.Overnight", *SERVER[:2]), {"policy_group"}),
        (computer(1), WORKSTATION[:2], {"policy_group"}),
        (computer(1, Location={"Id": 10, "Name": "x"}, Type=None, OperatingSystemName=None), WORKSTATION, {"kind"}),
    ],
)
def test_what_is_missing_is_named(row: Row, groups: tuple[str, ...], missing: set[str]) -> None:
    found = fleet((row, groups))
    endpoint = only(found)
    assert set(endpoint.unclassified) == missing
    assert endpoint.groups[-2] == "unclassified"
    assert found.warnings[-1].startswith("1 of 1 endpoints are not fully classified and will be held")


def test_keys_of_the_other_kind_are_null_and_not_missing() -> None:
    found = fleet(
        (server(1), (*SERVER, "Patching.Track.Daytime")), (computer(2), (*WORKSTATION, "Patching.Role.Backup"))
    )
    assert [(one.record["track"], one.record["role"]) for one in found.endpoints] == [
        (None, "backup"),
        ("overnight", None),
    ]
    assert not any(one.unclassified for one in found.endpoints)


# -- groups -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priorities", "ring"),
    [
        ({"Patching.Ring.Pilot": 3, "Patching.Ring.Regular": 8}, "regular"),
        ({"Patching.Ring.Pilot": 8, "Patching.Ring.Regular": 3}, "pilot"),
        ({"Patching.Ring.Pilot": 10, "Patching.Ring.Regular": 9}, "pilot"),
        ({"Patching.Ring.Regular": 1}, "regular"),
        ({"Patching.Ring.Pilot": 5, "Patching.Ring.Regular": 5}, None),
        ({}, None),
    ],
)
def test_the_group_lower_in_the_list_wins_and_a_tie_is_a_doubt(priorities: dict[str, int], ring: str | None) -> None:
    endpoint = only(fleet((computer(1), (*WORKSTATION, "Patching.Ring.Regular")), priorities=priorities))
    assert endpoint.record["ring"] == ring
    if ring is None:
        assert "'Patching.Ring.Pilot' and 'Patching.Ring.Regular'" in endpoint.unclassified["ring"]
        assert endpoint.record["time_zone"] == "America/New_York"


def test_a_policy_group_that_is_not_for_the_kind_does_not_count() -> None:
    both = ("Patching.Policy.Auto", "Patching.Policy.Manual")
    found = fleet(
        (server(1), (*SERVER, *both[:1])),
        (computer(2), (*WORKSTATION[:2], both[1])),
        priorities={both[0]: 9, both[1]: 1},
    )
    assert found.endpoints[0].record["policy_group"] == "manual"
    assert found.endpoints[1].record["policy_group"] is None
    assert "is not for a workstation" in found.endpoints[1].unclassified["policy_group"]


def test_group_names_are_compared_in_any_case_and_may_hold_a_star() -> None:
    endpoint = only(fleet((computer(1), ("waves.Client 7.LAST", "PATCHING.TRACK.overnight", "Patching.Policy.Auto"))))
    assert (endpoint.record["ring"], endpoint.record["track"]) == ("production", "overnight")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*.[VIP] No Patching", True),
        ("Clients.Acme.[VIP] No Patching", True),
        ("clients.*.[vip]*", True),
        ("Clients.Acme.?VIP] No Patching", False),
        ("Clients.Acme.[[]VIP] No Patching", False),
    ],
)
def test_a_star_is_the_only_wildcard(pattern: str, fits: bool) -> None:
    groups = (*WORKSTATION, "Clients.Acme.[VIP] No Patching")
    endpoint = only(fleet((computer(1), groups), unattended_reboot_groups=[pattern]))
    assert endpoint.record["unattended_reboot"] is fits


def test_a_key_in_doubt_that_the_flow_does_not_need_withholds_the_zone() -> None:
    endpoint = only(
        fleet(
            (computer(1), (*WORKSTATION, "Patching.Redundancy.A", "Patching.Redundancy.B")),
        )
    )
    assert set(endpoint.unclassified) == {"redundancy_group"}
    assert endpoint.record["time_zone"] is None


def test_flags_are_memberships() -> None:
    endpoint = only(fleet((computer(1), (*WORKSTATION, "Patching.Disabled", "Patching.Unattended Reboot"))))
    assert endpoint.record["agent_disabled"] is True
    assert endpoint.record["unattended_reboot"] is True


def test_servers_are_counted_by_client() -> None:
    other: dict[str, Any] = {"Client": {"Id": 2, "Name": "Other"}, "Location": {"Id": "20", "Name": "There"}}
    clients, locations = [ACME, client(2, "Other")], [OFFICE, location(20, "There", 2)]
    found = fleet(
        (server(1), SERVER),
        (server(2), ()),
        (computer(3), WORKSTATION),
        (server(4, **other), SERVER),
        clients=clients,
        locations=locations,
    )
    assert [one.record["client_servers"] for one in found.endpoints] == [2, 2, 2, 1]


@pytest.mark.parametrize(("servers", "told"), [(0, None), (1, None), (2, 2)])
def test_beside_what_may_be_a_server_no_server_is_its_clients_only_one(servers: int, told: int | None) -> None:
    """Its only one would go without a pilot (section 5)."""
    doubtful = (server(9, OperatingSystemName=None, Type=None), ())
    found = fleet(doubtful, *((server(number), SERVER) for number in range(1, servers + 1)))
    assert found.endpoints[0].record["kind"] is None
    assert {one.record["client_servers"] for one in found.endpoints} == {told}


# -- expressions --------------------------------------------------------------------------------------------


def test_an_expression_comes_first_and_null_leaves_it_to_the_others() -> None:
    expression = "contains(computer.Comment, 'first') && 'Regular' || null"
    found = fleet((computer(1, Comment="first"), WORKSTATION), (computer(2), WORKSTATION), fields={"ring": expression})
    assert [one.record["ring"] for one in found.endpoints] == ["regular", "pilot"]


@pytest.mark.parametrize(
    ("key", "expression", "value"),
    [
        ("time_zone", 'location_fields."Time Zone"', "America/New_York"),
        ("redundancy_group", "join(' ', [client.Name, location.Name])", "Acme Dental Main Office"),
        ("ring", "groups[?contains(@, 'Ring')] | [0] == 'Patching.Ring.Pilot' && 'mosttest'", "mosttest"),
        ("asleep", "computer.Status != 'Online'", False),
        ("criticality", "join('', ['p', to_string(patching.Priority)])", "P2"),
        ("name", "computer.FriendlyName", "Front_desk"),
        ("kind", "'server'", "server"),
        ("last_contact", "computer.Seen", "2026-01-02T03:04:05+00:00"),
    ],
)
def test_an_expression_sees_the_raw_record(key: str, expression: str, value: Any) -> None:
    row = computer(1, FriendlyName="Front desk", Seen="2026-01-02T03:04:05")
    groups = (*WORKSTATION, *SERVER[1:])
    found = fleet((row, groups), priorities={"Standing": 2}, fields={key: expression})
    assert only(found).record[key] == value


def test_a_value_that_an_expression_may_not_give_is_a_doubt() -> None:
    endpoint = only(fleet((computer(1), WORKSTATION), fields={"ring": "computer.Status"}))
    assert endpoint.record["ring"] is None
    assert "option fields.ring: 'Online' is none of pilot, mosttest" in endpoint.unclassified["ring"]


def test_an_expression_that_fails_names_itself_and_the_computer() -> None:
    with pytest.raises(OptionError, match=r"option fields.ring: 'length\(computer.UTCOffset\)' fails for .*'PC01'"):
        fleet((computer(1), WORKSTATION), fields={"ring": "length(computer.UTCOffset)"})


# -- options and visibility ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rings": {"A": "first"}}, r"option rings\['A'\]: 'first' is none of pilot, mosttest, regular, production"),
        ({"roles": {"A": "dc"}}, r"option roles\['A'\]: 'dc' is none of domain_controller"),
        ({"default_time_zone": "Mars/Base"}, "option default_time_zone: 'Mars/Base' is no IANA time zone such as"),
        ({"time_zone_aliases": {"EST": "America"}}, r"option time_zone_aliases\['EST'\]: 'America' is no IANA"),
        ({"time_zones_by_utc_offset": {"5h": "Asia/Tokyo"}}, "option time_zones_by_utc_offset.*whole number"),
        ({"fields": {"rnig": "a"}}, "option fields: 'rnig' is no key .* that can be set; those are name, kind"),
        ({"fields": {"id": "a"}}, "option fields: 'id' is no key"),
        ({"fields": {"ring": "a["}}, r"option fields.ring: 'a\[' is no JMESPath expression"),
        ({"extra_fields": {"zone": "Time Zone"}}, "option extra_fields: 'zone' is no key"),
        ({"extra_fields": {"ring": 7}}, "option extra_fields.ring: 7 is no title"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        rules(**options)


def test_a_client_that_is_not_there_is_named() -> None:
    reader = classifier((computer(1), WORKSTATION), only_clients=["Acme"])
    with pytest.raises(OptionError, match="option clients: Automate shows no client 'Acme'"):
        reader.fleet()


@pytest.mark.parametrize("empty", ["groups", "group_computers"])
def test_groups_that_are_not_shown_are_an_error_where_they_classify(empty: str) -> None:
    lists: dict[str, list[Row]] = {
        "computers": [computer(1)],
        "clients": [ACME],
        "locations": [OFFICE],
        "groups": [{"Id": "1", "FullName": "x"}],
        "group_computers": [{"Id": "1", "GroupId": "1", "ComputerId": "1"}],
        "group_patching_policies": [],
    }
    lists[empty] = []
    with pytest.raises(VisibilityError, match="user class lacks the permission 'Groups: Read'"):
        Classifier(Snapshot(**lists), rules())
    none: dict[str, Any] = {name: {} for name in ("rings", "tracks", "policy_groups", "roles", "criticalities")}
    none |= {"redundancy_group_prefix": "", "agent_disabled_groups": [], "unattended_reboot_groups": []}
    assert len(Classifier(Snapshot(**lists), rules(**none)).fleet().endpoints) == 1
