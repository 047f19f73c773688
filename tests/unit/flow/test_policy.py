# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy document: defaults, overrides, and errors that name their path."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import PolicyError, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.policy import SCHEMA_FILE, defaults, schema
from ansible_collections.msp.patching.plugins.plugin_utils.flow.records import (
    CRITICALITIES,
    KINDS,
    RINGS,
    ROLES,
    SEVERITIES,
    TRACKS,
)
from tests.unit.flow.build import DEFAULTS, server, workstation

INTERFACE_KEYS = [
    "windows", "minimum_remaining", "scan_max_age", "reminder", "force_reboot_after", "approval", "soak",
    "authorization", "freezes", "criticality", "validation", "failure", "business_hours", "on_call",
]  # fmt: skip


def test_the_schema_is_valid_and_its_defaults_fit_it() -> None:
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema())
    validator(schema()).validate(defaults())
    assert set(INTERFACE_KEYS) <= set(defaults())


def test_every_figure_may_be_overridden_by_a_section() -> None:
    figures = schema()["$defs"]["figures"]["properties"]
    of_all = {"clock", "reason_codes", "evidence"}
    assert set(figures) == set(defaults()) - {"clients", "locations", "endpoints", *of_all}
    assert list(figures) == schema()["$defs"]["figureName"]["enum"]


def test_the_schema_says_the_words_of_the_records() -> None:
    words = schema()["$defs"]
    for name, known in [
        ("ring", RINGS),
        ("track", TRACKS),
        ("kind", KINDS),
        ("role", ROLES),
        ("criticality", CRITICALITIES),
    ]:
        assert words[name]["enum"] == list(known)
    assert words["rule"]["properties"]["match"]["properties"]["severity"]["items"]["enum"] == [*SEVERITIES, None]
    assert list(defaults()["criticality"]) == list(ROLES)


def test_every_key_of_the_schema_is_explained() -> None:
    assert [key for key, part in schema()["properties"].items() if not part.get("description")] == []
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema()


def test_the_defaults_are_the_models() -> None:
    figures = DEFAULTS.settings()
    assert figures.minimum_remaining == timedelta(minutes=30)
    assert figures.scan_max_age == timedelta(hours=24)
    assert figures.force_reboot_after == timedelta(days=3)
    assert (figures.soak, figures.soak_minimum_endpoints, figures.soak_minimum_healthy) == (timedelta(days=7), 1, 0.95)
    assert figures.soak_scope == {"server": "client", "workstation": "all"}
    assert figures.validation_deadline == timedelta(minutes=10)
    assert [rule.name for rule in figures.approval] == [
        "recorded",
        "drivers",
        "definitions",
        "microsoft-security",
        "review",
    ]
    assert DEFAULTS.clock == "real"
    tiers = {tier: [role for role, of in figures.criticality.items() if of == tier] for tier in ("P1", "P3")}
    assert tiers == {
        "P1": ["domain_controller", "sql_server", "app_server"],
        "P3": ["backup", "disaster_recovery"],
    }


LAYERS: dict[str, Any] = {
    "scan_max_age": "20h",
    "soak": {"days": 6},
    "clients": {"Acme": {"scan_max_age": "19h", "soak": {"days": 5, "minimum_endpoints": 2}}},
    "locations": {"Acme": {"Main": {"soak": {"days": 4}}}, "Other": {"Main": {"soak": {"days": 3}}}},
    "endpoints": {"ACME-FS01": {"soak": {"days": 2}}},
}


@pytest.mark.parametrize(
    ("changes", "days", "endpoints", "hours"),
    [
        ({"client": "Third"}, 6, 1, 20),
        ({"client": "Acme", "location": "Branch"}, 5, 2, 19),
        ({"client": "Acme", "location": "Main"}, 4, 2, 19),
        ({"client": "Other", "location": "Main"}, 3, 1, 20),
        ({"client": "Acme", "location": "Main", "name": "ACME-FS01"}, 2, 2, 19),
        ({"client": "Third", "name": "ACME-FS01"}, 2, 1, 20),
    ],
)
def test_the_order_is_document_client_location_endpoint(
    changes: dict[str, str], days: int, endpoints: int, hours: int
) -> None:
    figures = load_policy(LAYERS).settings(workstation(**{"name": "WS", **changes}))
    assert (figures.soak.days, figures.soak_minimum_endpoints) == (days, endpoints)
    assert figures.scan_max_age == timedelta(hours=hours)


def test_figures_are_worked_out_once_for_all_that_share_them() -> None:
    policy = load_policy(LAYERS)
    one, other = workstation(name="A", location="Main"), server(name="B", location="Main")
    assert policy.settings(one) is policy.settings(other)
    assert policy.settings(one) is not policy.settings(workstation(location="Branch"))


def test_a_list_is_replaced_and_a_mapping_merged() -> None:
    figures = load_policy({"windows": {"server": {"start": "22:00"}}, "authorization": {"criticality": []}}).settings()
    assert (figures.server.start.hour, figures.server.end.hour) == (22, 3)
    assert figures.authorization_criticality == frozenset()
    assert figures.authorization_rings == {"pilot"}


@pytest.mark.parametrize(
    ("document", "section", "scopes"),
    [
        ("client", {"workstation": "all"}, {"server": "client", "workstation": "all"}),
        ("all", {"server": "client"}, {"server": "client", "workstation": "all"}),
        ({"server": "all"}, "client", {"server": "client", "workstation": "client"}),
        ({"server": "all"}, {"workstation": "client"}, {"server": "all", "workstation": "client"}),
    ],
)
def test_a_soaks_scope_for_both_kinds_is_overridden_for_one(
    document: Any, section: Any, scopes: dict[str, str]
) -> None:
    policy = load_policy({"soak": {"scope": document}, "clients": {"Acme": {"soak": {"scope": section}}}})
    assert dict(policy.settings(server()).soak_scope) == scopes


def test_the_daytime_window_follows_the_business_hours() -> None:
    late = {"business_hours": {"start": "10:00"}}
    figures = load_policy(late).settings()
    assert (figures.daytime.start.hour, figures.daytime.end.hour, figures.daytime.days) == (10, 17, frozenset(range(5)))
    own = load_policy({**late, "windows": {"workstation_daytime": {"end": "15:00"}}}).settings()
    assert (own.daytime.start.hour, own.daytime.end.hour) == (10, 15)


ERRORS: list[tuple[dict[Any, Any], str]] = [
    ({"sock": {}}, r"^sock: unknown key; did you mean soak\?$"),
    ({"soak": {"day": 7}}, r"^soak\.day: unknown key; did you mean days\?$"),
    ({"soak": {"days": "7"}}, r'^soak\.days is "7": number is wanted'),
    ({"soak": {"days": -1}}, r"^soak\.days is -1: "),
    ({"soak": {"scope": "clients"}}, r"^soak\.scope is .*did you mean client\?"),
    ({"soak": {"scope": {"server": "everything"}}}, r"^soak\.scope\.server is "),
    ({"minimum_remaining": 30}, r"^minimum_remaining is 30: string is wanted.*30m"),
    ({"minimum_remaining": "half an hour"}, r"^minimum_remaining is .*30m"),
    ({"force_reboot_after": "9999999d"}, r"^force_reboot_after is .*at most 99999d"),  # no calendar has that day
    ({"minimum_remaining": "99999999999999s"}, r"^minimum_remaining is .*at most 99999d"),
    ({"windows": {"server": {"start": 1280}}}, r"^windows\.server\.start is 1280: .*quotes"),  # YAML's 21:20
    ({"windows": {"server": {"start": "24:00"}}}, r"^windows\.server\.start is "),
    ({"windows": {"server": {"days": ["monday"]}}}, r"^windows\.server\.days\[0\] is .*did you mean mon\?"),
    ({"windows": {"workstation_daytime": "office hours"}}, r"^windows\.workstation_daytime is .*business_hours"),
    ({"clients": {"Acme": {"clock": "simulated"}}}, r"^clients\.Acme\.clock: unknown key"),
    ({"locations": {"Acme": {"soka": {"days": 3}}}}, r"^locations\.Acme\.soka\.days: unknown key"),
    ({"locations": {"Main": {"soak": {"days": -3}}}}, r"^locations\.Main\.soak\.days is -3"),
    ({"criticality": {"sqlserver": "P1"}}, r"^criticality\.sqlserver: unknown key.*did you mean sql_server"),
    ({"endpoints": {"WS": {"soak": {"days": None}}}}, r"^endpoints\.WS\.soak\.days is null"),
    ({"approval": [{"name": "x"}]}, r"^approval\[0\] is .*decision is missing"),
    ({"approval": [{"name": "x", "decision": "held", "match": {"title": "("}}]},
     r"^approval\[0\]\.match\.title is '\('"),
    ({"clients": {"Acme": {"freezes": [{"name": "x", "start": "2026-11-12", "end": "2026-11-11"}]}}},
     r"^clients\.Acme\.freezes\[0\]\.end"),
    ({"freezes": [{"name": "x"}]}, r"^freezes\[0\] is .*either ics, or start and end"),
    ({"criticality": {"printer": "P1"}}, r"printer"),
    ({"validation": {"checks": {"web": {"type": "http"}}}}, r"^validation\.checks\.web is .*url is missing"),
    ({"failure": {"priority": {"P1": 4}}}, r"^failure\.priority\.P1 is 4"),
    ({1: {}}, r"the key 1 is no text"),
    ({"freezes": [{"name": object()}]}, r"^freezes\[0\]\.name is "),
]  # fmt: skip


@pytest.mark.parametrize(("document", "message"), ERRORS)
def test_what_is_not_right_is_named_by_its_path(document: dict[Any, Any], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        load_policy(document)


LANE = {
    "cycle": "2026-11-oob1", "start": "2026-11-11T00:00:00Z", "end": "2026-11-14T00:00:00Z",
    "updates": ["KB1"], "soak_days": 1, "by": "Chief", "reason": "exploited",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"end": "2026-11-10T00:00:00Z"}, r"^out_of_band\[0\]\.end"),
        ({"cycle": "2026-11"}, r"^out_of_band\[0\]\.cycle"),
        ({"start": "2026-11-11T00:00:00"}, r"^out_of_band\[0\]\.start"),
        ({"start": "2026-11-31T00:00:00Z"}, r"^out_of_band\[0\]\.start"),
        ({"reason": ""}, r"^out_of_band\[0\]\.reason"),
    ],
)
def test_an_emergency_lane_that_is_not_right_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        load_policy({"out_of_band": [LANE | change]})


def test_dates_that_yaml_has_read_are_dates() -> None:
    rows = [{"name": "x", "start": date(2026, 12, 20), "end": datetime(2027, 1, 2, tzinfo=UTC)}]
    assert load_policy({"freezes": rows}).settings().freezes[0].span == (date(2026, 12, 20), rows[0]["end"])


def test_a_default_check_is_switched_off_with_null() -> None:
    names = [check.probe["name"] for check in load_policy({"validation": {"checks": {"dns": None}}}).settings().checks]
    assert names == [check.probe["name"] for check in DEFAULTS.settings().checks if check.probe["name"] != "dns"]


def test_reason_codes_are_listed_with_their_meaning() -> None:
    assert load_policy({}).reason_codes == {}
    assert load_policy({"reason_codes": {"except": {"VENDOR": "no later build"}}}).reason_codes["except"]
    with pytest.raises(PolicyError, match="reason_codes"):
        load_policy({"reason_codes": {"excpt": {"A": "a"}}})
