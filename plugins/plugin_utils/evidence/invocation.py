# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the settings of a run from the callback's options, the command line and the extra vars.

Nothing is raised: a callback that raises is only a warning to Ansible. What is wrong stands in
``Settings.problem``, which stops the run where it would start work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import automate
from ..authorities import own_authorities
from ..errors import PatchingError
from ..ledger.event import EventError, instant
from ..psa.layout import Layout, LayoutError
from ..requirements import yaml
from .settings import OnCallSettings, PsaSettings, Settings, SettingsError, TrackerTitles, ledger_url

PREFIX = "patching_"
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
ON_CALL_KINDS = ("pagerduty", "webhook")
PSA_NEEDS = ("company", "public_key", "private_key", "client_id", "board")

Option = Callable[[str], Any]
"""Gives the value of one of the callback's options."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How Ansible was called: `login` is the account that runs it, the others as on the command line."""

    extra_vars: Mapping[str, Any]
    limit: str | None
    check_mode: bool
    playbook: str | None
    core: str
    login: str


def read_settings(option: Option, call: Invocation) -> Settings:
    """The settings of the run; what is wrong with them is in their `problem`."""
    problems: list[str] = []
    policy = option("policy")
    return Settings(
        ledger=ledger_url(str(option("ledger"))),
        policy=Path(policy) if policy else None,
        spool=Path(option("spool")) if option("spool") else None,
        signing_key=Path(option("signing_key")) if option("signing_key") else None,
        signing_key_data=option("signing_key_data") or None,
        packages=_text(option("packages")),
        psa=_tried(problems, lambda: _psa(option)),
        automate=_tried(problems, lambda: _automate(option)),
        on_call=_tried(problems, lambda: _on_call(option)),
        tracker=_tried(problems, lambda: _tracker(option)),
        clock_url=option("clock_url") or None,
        as_of=_tried(problems, lambda: _as_of(call.extra_vars)),
        check_mode=call.check_mode,
        by=who(call.extra_vars, call.login),
        core=call.core,
        playbook=call.playbook,
        ring=_text(call.extra_vars.get("ring")),
        limit=call.limit,
        job=_text(call.extra_vars.get("awx_job_id") or call.extra_vars.get("tower_job_id")),
        problem="; ".join([*problems, *_overriding(call.extra_vars), *_torn(call.extra_vars)]) or None,
    )


def who(extra_vars: Mapping[str, Any], login: str) -> str:
    """Who runs this: AWX's user, or its schedule, or the account on the control node."""
    for prefix in ("awx_", "tower_"):
        user = extra_vars.get(f"{prefix}user_name")
        if user:
            return str(user)
        for of in ("", "parent_job_"):  # the second is that of the workflow
            schedule = extra_vars.get(f"{prefix}{of}schedule_name")
            if schedule:
                return f"schedule {schedule}"
    return login


def _tried(problems: list[str], read: Callable[[], Any]) -> Any:
    try:
        return read()
    except PatchingError as exc:
        problems.append(str(exc))
        return None


def _overriding(extra_vars: Mapping[str, Any]) -> list[str]:
    """Extra vars beat every host's own variables: one with our prefix would lie about all endpoints at once."""
    names = sorted(name for name in extra_vars if str(name).startswith(PREFIX))
    if not names:
        return []
    problem = (
        f"extra vars {', '.join(names)}: an extra var never begins with {PREFIX}, because it would override that "
        "variable on every host; set it in the inventory"
    )
    return [problem]


def _torn(extra_vars: Mapping[str, Any]) -> list[str]:
    """Ansible splits an extra var at its blanks, so that of a reason its first word alone would go on the ledger."""
    words = extra_vars.get("_raw_params")
    if not words:
        return []
    problem = (
        f"extra vars: {str(words)!r} belongs to no variable, for Ansible splits at blanks what one -e gives: "
        "write -e \"reason='two words'\""
    )
    return [problem]


def _as_of(extra_vars: Mapping[str, Any]) -> Any:
    given = extra_vars.get("as_of")
    if given in (None, ""):
        return None
    try:
        return instant(str(given))
    except EventError as exc:
        raise SettingsError(f"as_of: {exc}") from exc


def _automate(option: Option) -> automate.Settings | None:
    url = option("automate_url")
    if not url:
        return None
    user, password, client_id = (str(option(f"automate_{name}") or "") for name in ("user", "password", "client_id"))
    ca = own_authorities("automate_ca", option("automate_ca"))
    return automate.Settings(url, user, password, client_id, ca=ca)


def _psa(option: Option) -> PsaSettings | None:
    url = option("psa_url")
    if not url:
        return None
    values = {name: option(f"psa_{name}") for name in PSA_NEEDS}
    missing = [f"psa_{name}" for name, value in values.items() if not value]
    if missing:
        raise SettingsError(f"psa_url is set and {', '.join(missing)} is not: the PSA needs all of them")
    priorities = tuple(option("psa_priorities") or ())
    if priorities and len(priorities) != 3:
        raise SettingsError(f"psa_priorities names {len(priorities)} priorities; name three, for priority 1, 2 and 3")
    return PsaSettings(
        url=url,
        **values,
        ca=own_authorities("psa_ca", option("psa_ca")),
        companies=_companies(option("psa_companies")),
        priorities=priorities,
        on_call_board=option("psa_on_call_board"),
        own_company=option("psa_own_company"),
        layout=_layout(option("psa_layout")),
        bundle=bool(option("psa_bundle")),
        close_cured=bool(option("psa_close_cured")),
        rate=_rate(option("psa_rate")),
    )


def _rate(given: Any) -> int:
    rate = 60 if given is None else int(given)
    if rate < 1:
        raise SettingsError(f"psa_rate is {rate}: at least one request a minute is wanted")
    return rate


def _layout(path: str | None) -> Layout:
    if not path:
        return Layout({}, {})
    try:
        return Layout.parse(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SettingsError(f"psa_layout: {path} cannot be read: {exc}") from exc
    except LayoutError as exc:
        raise SettingsError(f"psa_layout: {path}: {exc}") from exc


def _on_call(option: Option) -> OnCallSettings | None:
    kind, url, key = str(option("on_call_kind") or "pagerduty"), option("on_call_url"), option("on_call_key")
    if not url and not key:
        return None
    if kind not in ON_CALL_KINDS:
        raise SettingsError(f"on_call_kind is {kind!r}; there is: {', '.join(ON_CALL_KINDS)}")
    if kind == "pagerduty" and not key:
        raise SettingsError("on_call_url is set and on_call_key is not: PagerDuty needs the routing key of a service")
    if kind == "webhook" and not url:
        raise SettingsError("on_call_key is set and on_call_url is not: a webhook needs its address")
    address = str(url or PAGERDUTY)
    parts = urlsplit(address)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.scheme not in (("http", "https") if local else ("https",)):
        # the address itself may be a secret
        raise SettingsError("on_call_url is no https:// address (http:// is for this machine alone)")
    return OnCallSettings(kind, address, key, own_authorities("on_call_ca", option("on_call_ca")))


def _tracker(option: Option) -> TrackerTitles | None:
    """None where the tracker is switched off by an empty list."""
    titles = option("tracker_titles")
    if titles is None:
        return TrackerTitles()
    if not titles:
        return None
    if len(titles) != 3 or not all(titles):
        raise SettingsError(
            f"tracker_titles names {len(titles)} titles; name three: of the cycle, its state, its closing"
        )
    return TrackerTitles(*titles)


def _companies(path: str | None) -> dict[str, str]:
    if not path:
        return {}
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SettingsError(f"psa_companies: {path} cannot be read: {exc}") from exc
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise SettingsError(f"psa_companies: {path} is no mapping of RMM client name to PSA company identifier")
    return {str(client): identifier for client, identifier in found.items()}


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)
