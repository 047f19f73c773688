# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records of the RMM mean: kind, groups and their precedence, fields, zones, and what is in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.msp.patching.plugins.plugin_utils.automate.classify import Classifier, Endpoint, Fleet
from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import OptionError, VisibilityError
from ansible_collections.msp.patching.plugins.plugin_utils.automate.rules import Rules
from ansible_collections.msp.patching.plugins.plugin_utils.automate.snapshot import Snapshot
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint as EndpointRecord

from tests.unit.automate.fakes import Row, checkbox, client, computer, dropdown, location, server, text_field

OPTIONS: dict[str, Any] = {
    "rings": {"Patching.Ring.Pilot": "pilot", "Patching.Ring.Regular": "regular", "Waves.*.Last": "Production"},
    "tracks": {"Patching.Track.Overnight": "overnight", "Patching.Track.Daytime": "daytime"},
    "policy_groups": {
        "Patching.Policy.Do Not Patch": "do_not_patch",
        "Patching.Policy.Manual": "manual",
        "Patching.Policy.Auto": "auto",
    },
    "roles": {"Patching.Role.SQL Server": "sql_server", "Patching.Role.Backup": "backup"},
    "criticalities": {"Patching.Criticality.P1": "P1"},
    "redundancy_group_prefix": "Patching.Redundancy.",
    "agent_disabled_groups": ["Patching.Disabled"],
    "unattended_reboot_groups": ["Patching.Unattended Reboot"],
    "extra_fields": {},
    "fields": {},
    "time_zone_aliases": {},
    "time_zones_by_utc_offset": {},
    "default_time_zone": None,
    "clients": [],
    "qualify_names": "on_collision",
}
WORKSTATION = ("Patching.Ring.Pilot", "Patching.Track.Overnight", "Patching.Policy.Auto")
SERVER = ("Patching.Ring.Pilot", "Patching.Role.Backup", "Patching.Policy.Manual")
ACME = client(1, "Acme Dental", text_field("Time Zone", ""), checkbox("Patching Disabled", False))
OFFICE = location(
    10, "Main Office", 1, text_field("Time Zone", "America/New_York"), checkbox("Patching Disabled", False)
)


def rules(**options: Any) -> Rules:
    return Rules.parse({**OPTIONS, **options})


def fleet(
    *computers: tuple[Row, tuple[str, ...]],
    clients: list[Row] | None = None,
    locations: list[Row] | None = None,
    priorities: dict[str, int] | None = None,
    **options: Any,
) -> Fleet:
    """Computers, each with the full names of its groups, read by the rules."""
    return classifier(*computers, clients=clients, locations=locations, priorities=priorities, **options).fleet()


def classifier(
    *computers: tuple[Row, tuple[str, ...]],
    clients: list[Row] | None = None,
    locations: list[Row] | None = None,
    priorities: dict[str, int] | None = None,
    only_clients: list[str] | None = None,
    **options: Any,
) -> Classifier:
    names = sorted({name for _row, groups in computers for name in groups} | {"Standing"})
    ids = {name: number for number, name in enumerate(names, start=100)}
    members = [(row, name) for row, groups in computers for name in (*groups, "Standing")]
    snapshot = Snapshot(
        computers=[row for row, _groups in computers],
        clients=[ACME] if clients is None else clients,
        locations=[OFFICE] if locations is None else locations,
        groups=[{"Id": str(number), "FullName": name} for name, number in ids.items()],
        group_computers=[
            {"Id": str(number), "GroupId": str(ids[name]), "ComputerId": row["Id"]}
            for number, (row, name) in enumerate(members, start=1)
        ],
        group_patching_policies=[
            {"GroupId": ids[name], "Priority": priority} for name, priority in (priorities or {}).items()
        ],
    )
    return Classifier(snapshot, rules(clients=only_clients or [], **options))


def only(found: Fleet) -> Endpoint:
    (endpoint,) = found.endpoints
    return endpoint


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
    )
    assert ([one.record["id"] for one in found.endpoints], found.computers, found.not_windows) == ([3, 4], 4, 2)


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
    other = {"Client": {"Id": 2, "Name": "Other"}, "Location": {"Id": "20", "Name": "There"}}
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


# -- fields -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_location", "at_client", "zone"),
    [
        (text_field("Time Zone", "America/Denver"), text_field("Time Zone", "America/Chicago"), "America/Denver"),
        (text_field("Time Zone", ""), text_field("Time Zone", "America/Chicago"), "America/Chicago"),
        (text_field("Time Zone", None), text_field("time zone", " America/Chicago "), "America/Chicago"),
        (
            text_field("Time Zone", "America/Denver", default=True),
            text_field("Time Zone", "America/Chicago"),
            "America/Chicago",
        ),
        (text_field("Time Zone", "America/Denver", default=True), text_field("Time Zone", ""), "America/Denver"),
        (dropdown("Time Zone", "3", {"3": "America/Phoenix"}), text_field("Time Zone", ""), "America/Phoenix"),
        (text_field("Time Zone", "America/New_Yrok"), text_field("Time Zone", "America/Chicago"), None),
        (text_field("Time Zone", ""), text_field("Time Zone", ""), None),
    ],
)
def test_the_locations_field_then_the_clients_then_defaults(at_location: Row, at_client: Row, zone: str | None) -> None:
    endpoint = only(
        fleet(
            (computer(1), WORKSTATION),
            clients=[client(1, "Acme Dental", at_client)],
            locations=[location(10, "Main Office", 1, at_location)],
        )
    )
    assert endpoint.record["time_zone"] == zone
    assert ("time_zone" in endpoint.unclassified) == (zone is None)


@pytest.mark.parametrize(
    ("at_location", "at_client", "disabled"),
    [
        (checkbox("Patching Disabled", True), checkbox("Patching Disabled", False), True),
        (checkbox("Patching Disabled", False), checkbox("Patching Disabled", True), True),
        (checkbox("Patching Disabled", False, default=False), checkbox("Patching Disabled", True), False),
        (checkbox("Patching Disabled", False), checkbox("Patching Disabled", False), False),
        (text_field("Patching Disabled", "yes"), checkbox("Patching Disabled", False), True),
    ],
)
def test_location_disabled(at_location: Row, at_client: Row, disabled: bool) -> None:
    zone = text_field("Time Zone", "America/Denver")
    endpoint = only(
        fleet(
            (computer(1), WORKSTATION),
            clients=[client(1, "Acme Dental", at_client)],
            locations=[location(10, "Main Office", 1, zone, at_location)],
        )
    )
    assert endpoint.record["location_disabled"] is disabled
    assert not endpoint.unclassified


def test_a_flag_that_cannot_be_read_holds_the_endpoint() -> None:
    fields = (text_field("Time Zone", "America/Denver"), text_field("Patching Disabled", "perhaps"))
    endpoint = only(fleet((computer(1), WORKSTATION), locations=[location(10, "Main Office", 1, *fields)]))
    assert "'perhaps' is neither true nor false" in endpoint.unclassified["location_disabled"]
    assert endpoint.record["time_zone"] is None


def test_a_location_that_is_not_shown_holds_its_endpoints() -> None:
    """What it would have said, patching disabled for one, is not known."""
    row = computer(1, Location={"Id": 99, "Name": "Elsewhere"})
    endpoint = only(fleet((row, WORKSTATION), default_time_zone="America/Denver"))
    assert "Locations: Show All" in endpoint.unclassified["location"]
    assert endpoint.record["time_zone"] is None
    assert endpoint.record["location_disabled"] is None
    assert endpoint.record["location"] == "Elsewhere"


def test_an_option_that_names_no_field_at_all_is_told() -> None:
    warnings = fleet((computer(1), WORKSTATION), extra_fields={"ring": "Wave"}).warnings
    assert any("extra_fields.ring: no location and no client has an extra data field 'Wave'" in one for one in warnings)


def test_one_title_in_two_tabs_needs_the_tab() -> None:
    fields = (text_field("Time Zone", "America/Denver", section="Old"), text_field("Time Zone", "America/Chicago"))
    at = [location(10, "Main Office", 1, *fields)]
    with pytest.raises(OptionError, match="option extra_fields.time_zone: .*'Old/Time Zone' or 'Patching/Time Zone'"):
        fleet((computer(1), WORKSTATION), locations=at)
    endpoint = only(fleet((computer(1), WORKSTATION), locations=at, extra_fields={"time_zone": "old/Time Zone"}))
    assert endpoint.record["time_zone"] == "America/Denver"


def test_fields_can_tell_what_groups_do_not() -> None:
    fields = (text_field("Wave", "Pilot"), text_field("Policy", "Do Not Patch"), text_field("Time Zone", "Asia/Tokyo"))
    endpoint = only(
        fleet(
            (computer(1), ("Patching.Track.Daytime",)),
            locations=[location(10, "Main Office", 1, *fields)],
            extra_fields={"ring": "Wave", "policy_group": "Policy"},
        )
    )
    assert (endpoint.record["ring"], endpoint.record["policy_group"]) == ("pilot", "do_not_patch")
    assert not endpoint.unclassified


# -- zones --------------------------------------------------------------------------------------------------

NO_ZONE = [location(10, "Main Office", 1, text_field("Time Zone", ""))]


def test_an_offset_is_no_zone_unless_an_option_says_so() -> None:
    row = computer(1, UTCOffset=-420)
    assert only(fleet((row, WORKSTATION), locations=NO_ZONE)).record["time_zone"] is None
    mapped = fleet((row, WORKSTATION), locations=NO_ZONE, time_zones_by_utc_offset={"-420": "America/Phoenix"})
    assert only(mapped).record["time_zone"] == "America/Phoenix"
    default = fleet((row, WORKSTATION), locations=NO_ZONE, default_time_zone="America/Denver")
    assert only(default).record["time_zone"] == "America/Denver"


def test_aliases_of_zones() -> None:
    at = [location(10, "Main Office", 1, text_field("Time Zone", "eastern standard TIME"))]
    found = fleet(
        (computer(1), WORKSTATION), locations=at, time_zone_aliases={"Eastern Standard Time": "America/New_York"}
    )
    assert only(found).record["time_zone"] == "America/New_York"


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
    none = dict.fromkeys(("rings", "tracks", "policy_groups", "roles", "criticalities"), {})
    none |= {"redundancy_group_prefix": "", "agent_disabled_groups": [], "unattended_reboot_groups": []}
    assert len(Classifier(Snapshot(**lists), rules(**none)).fleet().endpoints) == 1
