# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extra data fields of locations and clients say, and the time zone."""

from __future__ import annotations

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import OptionError
from tests.unit.automate.fakes import Row, checkbox, client, computer, dropdown, location, text_field
from tests.unit.automate.fleets import WORKSTATION, fleet, only

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
        (checkbox("Patching Disabled", checked=True), checkbox("Patching Disabled", checked=False), True),
        (checkbox("Patching Disabled", checked=False), checkbox("Patching Disabled", checked=True), True),
        (
            checkbox("Patching Disabled", checked=False, default=False),
            checkbox("Patching Disabled", checked=True),
            False,
        ),
        (checkbox("Patching Disabled", checked=False), checkbox("Patching Disabled", checked=False), False),
        (text_field("Patching Disabled", "yes"), checkbox("Patching Disabled", checked=False), True),
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


def test_a_field_of_the_source_that_keeps_locations_from_being_patched_has_to_be_there() -> None:
    """One that was renamed in Automate would let them be patched. The default's a tenant need not have."""
    refused = (
        r"^option extra_fields.location_disabled: no location and no client has an extra data field 'Frozen', so that "
        "whom it keeps from being patched would be; set the option to the title it has in Automate, or to null$"
    )
    with pytest.raises(OptionError, match=refused):
        fleet((computer(1), WORKSTATION), extra_fields={"location_disabled": "Frozen"})
    assert fleet((computer(1), WORKSTATION), extra_fields={"location_disabled": None}).endpoints
    assert fleet((computer(1), WORKSTATION)).endpoints


def test_one_title_in_two_tabs_needs_the_tab() -> None:
    fields = (text_field("Time Zone", "America/Denver", section="Old"), text_field("Time Zone", "America/Chicago"))
    at = [location(10, "Main Office", 1, *fields)]
    with pytest.raises(OptionError, match=r"option extra_fields.time_zone: .*'Old/Time Zone' or 'Patching/Time Zone'"):
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


@pytest.mark.parametrize("offset", [-420, "-420"])
def test_an_offset_is_no_zone_unless_an_option_says_so(offset: object) -> None:
    row = computer(1, UTCOffset=offset)
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


@pytest.mark.parametrize(
    "word", ["EST", "MST", "GMT", "Japan", "localtime", "posixrules", "Factory", "right/America/New_York", "Mars/Base"]
)
def test_a_word_that_is_no_place_is_no_zone(word: str) -> None:
    """EST knows no summer, and localtime is the zone of the control node."""
    at = [location(10, "Main Office", 1, text_field("Time Zone", word))]
    endpoint = only(fleet((computer(1), WORKSTATION), locations=at))
    assert endpoint.record["time_zone"] is None
    assert f"{word!r} is no IANA time zone" in endpoint.unclassified["time_zone"]
    assert "option time_zone_aliases may say" in endpoint.unclassified["time_zone"]
    mapped = fleet((computer(1), WORKSTATION), locations=at, time_zone_aliases={f" {word}": "America/New_York"})
    assert only(mapped).record["time_zone"] == "America/New_York"


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Etc/GMT+5", "US/Eastern", "America/Argentina/Ushuaia"])
def test_a_place_and_utc_are_zones(zone: str) -> None:
    at = [location(10, "Main Office", 1, text_field("Time Zone", zone))]
    assert only(fleet((computer(1), WORKSTATION), locations=at)).record["time_zone"] == zone
