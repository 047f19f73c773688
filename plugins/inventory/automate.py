# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory from ConnectWise Automate: the adapter; the work is done in plugin_utils/automate."""

from __future__ import annotations

DOCUMENTATION = r"""
name: automate
short_description: Windows endpoints from ConnectWise Automate, classified for patching
version_added: 0.1.0
author:
  - the msp.patching contributors (@msp-patching)
description:
  - Reads the computers of a ConnectWise Automate server (the RMM) and makes each Windows endpoint a host, with its
    ring, track, role, policy group, time zone and flags, as RMM groups and extra data fields (EDFs) tell them.
  - The name of a source file ends in C(automate.yml) or C(automate.yaml).
  - Everything is read in bulk, in pages of up to 1,000, at most four at once, never a request for each computer.
    Machines come and go and change their groups meanwhile. So pages overlap, and a list whose pages do not fit
    together, or do not add up to the total that the server tells, is read once more, one page after the other; no row
    that is there all the time is left out. What does not fit then either is refused. Where anything fails, nothing is
    added to the inventory; set C(any_unparsed_is_failed) in C(ansible.cfg) so that the run stops there too.
  - Built from ConnectWise's published API description and from what clients of live servers report.
  - B(Host variables.) Each key of the endpoint record becomes a variable with the prefix C(patching_), null where
    it is not known. The record is C(patching_id), C(patching_name), C(patching_client), C(patching_location),
    C(patching_kind), C(patching_os), C(patching_time_zone), C(patching_policy_group), C(patching_ring),
    C(patching_track), C(patching_role), C(patching_criticality), C(patching_redundancy_group),
    C(patching_location_disabled), C(patching_agent_disabled), C(patching_unattended_reboot), C(patching_online),
    C(patching_asleep), C(patching_user_logged_on), C(patching_last_contact), C(patching_client_servers) and
    C(patching_computer_name). No other variable bears that prefix.
  - C(patching_computer_name) is the name that Windows itself has, C(ComputerName), also where the host is called
    otherwise. Nothing is done on a machine that answers by another one; its endpoint counts as unreachable. Other
    inventories may set it too. Where it is null, in C(host_vars) for example, nobody is asked for a name.
  - Automate does not tell a machine asleep from one switched off, so C(patching_asleep) is null unless O(fields)
    gives it.
  - B(Unclassified endpoints.) An endpoint that lacks what the flow needs (kind, ring, time zone, policy group, a
    server's role, a workstation's track), or for which the RMM says two things at once, is in the inventory all the
    same, in the group C(unclassified), with C(automate_unclassified), a dictionary of the keys in question and the
    reasons. It is held, not patched. Where something else than a needed key is in doubt, for example the flag that
    disables patching at its location, or the name of its client or location, C(patching_time_zone) is null to that
    end. One warning counts them.
  - The variable C(automate_mac) has the MAC address that Automate tells, for Wake-on-LAN.
  - B(Groups.) C(ring_RING), C(track_TRACK), C(role_ROLE), C(policy_POLICY_GROUP), C(kind_KIND), C(client_SLUG) and
    below it C(location_CLIENTSLUG_SLUG), and C(unclassified). A slug is the name in lower case, with C(_) for what
    is no letter or digit. Where two clients, or two locations, give the same, all concerned get the RMM's id at the
    end.
  - B(Host names) are the computer names. Where a name occurs twice, in any case of letters, all concerned become
    C(NAME.CLIENTSLUG), and C(NAME.CLIENTSLUG.ID) where one client has it twice. O(qualify_names) makes that the
    rule for all, so that a new client's C(DC01) does not rename another's. What stands on record of an endpoint
    (failures, its last search) is by its name and does not follow when that changes; an exception does, unsigned, so
    that the endpoint is held. Of two sources, the second is refused where it has another computer of a name that the
    first has given, also of another server; both need O(qualify_names=always) then.
  - B(Precedence.) For each key, the first source that says something settles it, and what is there and wrong does
    not fall through to the next. (1) The expression in O(fields). (2) RMM groups; of several that say different
    things, the one lower in Patch Manager's list of groups wins (the greater C(Priority)), as Automate applies
    policies, and a group in that list wins over one that is not; where the list does not settle it, the endpoint is
    unclassified. Policy groups that do not exist for the endpoint's kind do not count. (3) EDFs, entered at the
    location, then at the client, then their default values. (4) For the time zone, O(time_zones_by_utc_offset),
    then O(default_time_zone).
  - Computers whose operating system is known and is not Windows are left out; C(-v) tells how many. Hyper-V Server and
    Azure Stack HCI are Windows servers. Where an operating system is neither Windows nor one that is known to be
    another, a warning names those that are left out.
  - Text from the RMM is never a template, whatever it looks like. Text that holds a brace is exported by
    C(ansible-inventory) as C(__ansible_unsafe).
requirements:
  - requests
  - jmespath
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Names this plugin.
    type: str
    required: true
    choices: [msp.patching.automate]
  url:
    description:
      - Address of the server, such as V(https://example.hostedrmm.com). The API's path is added.
      - Unencrypted C(http) is refused but for a loopback address.
      - O(url), O(user), O(password), O(client_id) and O(ca) may be templates, for example with a lookup.
    type: str
    required: true
    env: [{name: AUTOMATE_URL}]
  user:
    description:
      - Account of the API. Its user class needs Integrator ticked (no two-factor passcode), and the permissions
        Clients Read and Show All, Computers Show All, Locations Show All, Groups Read, Patch Manager Read.
      - A missing permission shows up as an empty list, which is refused where it cannot be true.
    type: str
    required: true
    aliases: [username]
    env: [{name: AUTOMATE_USER}]
  password:
    description: The account's password. May be vaulted.
    type: str
    required: true
    env: [{name: AUTOMATE_PASSWORD}]
  client_id:
    description: The GUID that ConnectWise registered for your integration; the server refuses requests without one.
    type: str
    required: true
    env: [{name: AUTOMATE_CLIENT_ID}]
  validate_certs:
    description: Whether the server's certificate must be valid.
    type: bool
    default: true
    env: [{name: AUTOMATE_VALIDATE_CERTS}]
  ca:
    description:
      - File (or folder) of the CA certificates to trust, PEM, in place of the usual ones. Relative to the source file.
    type: str
    env: [{name: AUTOMATE_CA}]
  timeout:
    description: Seconds to wait for a connection, and for the next piece of an answer.
    type: float
    default: 30
    env: [{name: AUTOMATE_TIMEOUT}]
  retries:
    description:
      - How often a request is repeated that met a passing error - a lost connection, status 429 or 5xx.
      - A C(Retry-After) of the server is kept up to 60 seconds; a longer one ends the run.
    type: int
    default: 3
    env: [{name: AUTOMATE_RETRIES}]
  clients:
    description:
      - Only these clients, by the names they have in Automate. All computers are read all the same, since names and
        C(patching_client_servers) are those of the whole fleet.
    type: list
    elements: str
    default: []
  rings:
    description:
      - Full names of RMM groups, and the ring that their members are in.
      - In this and the following options names are compared in any case, C(*) stands for anything and every other
        character for itself, the first that fits a group counts, and what you write replaces the default as a whole.
        V({}) means that groups do not tell it.
      - A warning tells of names that no group has, as one that was renamed or is misspelt here. Of those of a default
        it tells only where a group that no option knows is in the same place.
      - Where the source names a group that keeps its members from being patched (O(agent_disabled_groups),
        V(do_not_patch) in O(policy_groups)) and there is none, nothing is read, for they would be patched. A name with
        C(*) is only warned of.
    type: dict
    default:
      Patching.Ring.Pilot: pilot
      Patching.Ring.MostTest: mosttest
      Patching.Ring.Regular: regular
      Patching.Ring.Production: production
  tracks:
    description: Full names of RMM groups, and the track of the workstations in them.
    type: dict
    default:
      Patching.Track.Overnight: overnight
      Patching.Track.Daytime: daytime
  policy_groups:
    description: Full names of RMM groups, and the policy group of their members.
    type: dict
    default:
      Patching.Policy.Do Not Patch: do_not_patch
      Patching.Policy.Manual: manual
      Patching.Policy.Auto Install Manual Reboot: auto_install_manual_reboot
      Patching.Policy.Auto Install Auto Reboot: auto_install_auto_reboot
      Patching.Policy.Auto: auto
  roles:
    description: Full names of RMM groups, and the role of the servers in them.
    type: dict
    default:
      Patching.Role.Domain Controller: domain_controller
      Patching.Role.SQL Server: sql_server
      Patching.Role.App Server: app_server
      Patching.Role.File Server: file_server
      Patching.Role.Web Server: web_server
      Patching.Role.Utility: utility
      Patching.Role.Infrastructure: infrastructure
      Patching.Role.Backup: backup
      Patching.Role.Disaster Recovery: disaster_recovery
      Patching.Role.Virtualization Host: virtualization_host
      Patching.Role.Exchange: exchange
      Patching.Role.SMTP: smtp
      Patching.Role.Management: management
  criticalities:
    description: Full names of RMM groups, and the criticality of their members. Without one it follows from the role.
    type: dict
    default:
      Patching.Criticality.P1: P1
      Patching.Criticality.P2: P2
      Patching.Criticality.P3: P3
  redundancy_group_prefix:
    description:
      - RMM groups whose full names begin so are redundancy groups, named by what follows. Their members are never
        rebooted at once. Empty for none.
    type: str
    default: Patching.Redundancy.
  agent_disabled_groups:
    description: Full names of the RMM groups whose members have patching disabled.
    type: list
    elements: str
    default: [Patching.Disabled]
  unattended_reboot_groups:
    description: Full names of the RMM groups whose members have the approval for unattended reboots on record.
    type: list
    elements: str
    default: [Patching.Unattended Reboot]
  extra_fields:
    description:
      - Titles of the EDFs of locations and clients that tell a key of the record, by that key without C(patching_).
      - Unless you write otherwise here, V(Time Zone) tells C(time_zone) and V(Patching Disabled) tells
        C(location_disabled). V(null) means that no field tells it.
      - Where two tabs have a field of one title, write C(tab/title). A title that no client and no location has is
        warned of; one that you write for C(location_disabled) has to be there, or nothing is read.
      - Text is taken as people write it, so V(Auto Install Auto Reboot) is V(auto_install_auto_reboot).
    type: dict
    default: {}
  client_extra_fields:
    description:
      - Whether to read the EDFs of clients. Automate has no bulk read for them; that is a request for each client.
      - Those of locations come with the list of locations at no cost. Turn this off if clients' fields say nothing
        of interest.
    type: bool
    default: true
  fields:
    description:
      - JMESPath expressions over the raw record of a computer, by the key of the endpoint record they give. One
        that gives null leaves the key to groups and EDFs. For a tenant that keeps things in other places.
      - >-
        The raw record has C(computer) (the row of /Computers), C(client) and C(location) (their rows), C(client_fields)
        and C(location_fields) (EDF values by title), C(groups) (full names of all its RMM groups, in Patch Manager's
        order, the one that wins last) and C(patching) (the row of /GroupPatchingPolicies of that last one).
      - C(id), C(client), C(location) and C(client_servers) are Automate's own to tell.
    type: dict
    default: {}
  computer_fields:
    description:
      - Fields of /Computers to read for O(fields), O(compose), O(groups) and O(keyed_groups), beside C(Id),
        C(ComputerName), C(Client), C(Location), C(Type), C(OperatingSystemName), C(OperatingSystemVersion),
        C(Status), C(RemoteAgentLastContact), C(LoggedInUsers), C(UTCOffset), C(LocalIPAddress), C(MACAddress),
        C(DomainName) and C(Comment).
    type: list
    elements: str
    default: []
  time_zone_aliases:
    description:
      - IANA zones by other names that people put into the EDF, such as Windows' own (V(Eastern Standard Time)).
      - A zone is V(AREA/PLACE), or V(UTC). Abbreviations are none, also those that the zone database has for the sake
        of old programs (V(EST) there knows no summer), unless they are told here.
    type: dict
    default: {}
  time_zones_by_utc_offset:
    description:
      - IANA zones by Automate's C(UTCOffset), where no EDF tells the zone. An offset is not a zone (V(-420) is
        Denver in winter, Phoenix all year and Los Angeles in summer), so nothing is assumed unless you say so.
    type: dict
    default: {}
  default_time_zone:
    description: IANA zone of the endpoints for which nothing else tells one. Without it they are unclassified.
    type: str
  qualify_names:
    description: Which host names bear the client's slug.
    type: str
    choices:
      on_collision: Those that occur twice.
      always: All.
    default: on_collision
  compose:
    description:
      - Variables from Jinja2 expressions. They see the variables of the host, and as C(automate) the raw record of
        O(fields), which is no variable of the host. So do O(groups) and O(keyed_groups).
"""

EXAMPLES = r"""
---
# The default layout of groups and fields. The account is in the environment:
# AUTOMATE_USER, AUTOMATE_PASSWORD, AUTOMATE_CLIENT_ID.
plugin: msp.patching.automate
url: https://example.hostedrmm.com
---
# The password from a vault, an internal CA, and a cache of ten minutes for many short commands in a row.
# (Who is online is as old as the cache.)
plugin: msp.patching.automate
url: https://rmm.example.net
user: ansible
password: "{{ lookup('ansible.builtin.env', 'RMM_PASSWORD') }}"
client_id: 00000000-0000-4000-8000-000000000000
ca: rmm-ca.pem
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/msp.patching
cache_timeout: 600
---
# A tenant with its own groups: rings in the service plans, and the policy group in a field of the location.
plugin: msp.patching.automate
url: https://example.hostedrmm.com
rings:
  Service Plans.*.Patch Wave 0: pilot
  Service Plans.*.Patch Wave 1: mosttest
  Service Plans.*.Patch Wave 2: regular
  Service Plans.*.Patch Wave 3: production
extra_fields:
  policy_group: Patch Policy
  time_zone: Site Time Zone
time_zone_aliases:
  Eastern Standard Time: America/New_York
  Pacific Standard Time: America/Los_Angeles
---
# Expressions, where neither groups nor fields will do: the role from the name, the agent's flag from its comment.
plugin: msp.patching.automate
url: https://example.hostedrmm.com
computer_fields: [FriendlyName]
fields:
  name: computer.FriendlyName
  role: "(starts_with(computer.ComputerName, 'SQL') && 'sql_server') || null"
  agent_disabled: "contains(computer.Comment || '', 'no patching') || null"
---
# One client only, addresses from the RMM, and groups of one's own.
plugin: msp.patching.automate
url: https://example.hostedrmm.com
clients: [Acme Dental]
compose:
  ansible_host: automate.computer.LocalIPAddress
groups:
  domain_acme: automate.computer.DomainName == 'acme.example'
keyed_groups:
  - prefix: os
    key: automate.computer.OperatingSystemVersion
strict: true
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ..plugin_utils.authorities import own_authorities
from ..plugin_utils.automate.classify import Classifier, Endpoint, Fleet
from ..plugin_utils.automate.client import AutomateClient
from ..plugin_utils.automate.errors import OptionError
from ..plugin_utils.automate.rules import Rules
from ..plugin_utils.automate.settings import Settings
from ..plugin_utils.automate.snapshot import Snapshot, read_snapshot
from ..plugin_utils.automate.sources import Source, refuse_taken, tell_source
from ..plugin_utils.errors import PatchingError

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads, classifies, and only then writes: a source gives its whole inventory or none."""

    NAME = "msp.patching.automate"

    def verify_file(self, path: str) -> bool:
        valid = super().verify_file(path)  # type: ignore[no-untyped-call]
        return bool(valid) and path.endswith(("automate.yml", "automate.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._check_names(config)
            rules = Rules.parse({name: self.get_option(name) for name in _RULES}, config)
            settings = self._settings(path)
            snapshot = self._snapshot(path, settings, use_cache=cache)
            classifier = Classifier(snapshot, rules)
            fleet = classifier.fleet()
            source = Source(settings.api, path)
            refuse_taken(inventory, fleet.endpoints, source)
        except PatchingError as exc:
            raise AnsibleParserError(f"{self.NAME}: {exc}") from exc
        self._write(inventory, fleet, classifier)
        tell_source(inventory, fleet.endpoints, source)
        self.display.v(
            f"{self.NAME}: {fleet.computers} computers read, {fleet.not_windows} left out that do not run Windows, "
            f"{len(fleet.endpoints)} endpoints in the inventory"
        )
        for warning in fleet.warnings:
            self.display.warning(f"{self.NAME}: {warning}")

    def _check_names(self, config: Mapping[str, Any]) -> None:
        """Ansible takes no notice of options that do not exist; a misspelt one would change what is patched."""
        definitions = self.option_definitions
        known = {*definitions, *(alias for one in definitions.values() for alias in one.get("aliases") or ())}
        for name in config:
            if name not in known:
                nearest = get_close_matches(str(name), known, 1)
                raise OptionError(str(name), f"does not exist{f'; {nearest[0]} does' if nearest else ''}")

    def _settings(self, path: str) -> Settings:
        ca = self._text("ca")
        return Settings(
            url=self._text("url"),
            user=self._text("user"),
            password=self._text("password"),
            client_id=self._text("client_id"),
            validate_certs=self.get_option("validate_certs"),
            ca=own_authorities("ca", str(Path(path).parent / Path(ca).expanduser()) if ca else None),
            timeout=self.get_option("timeout"),
            retries=self.get_option("retries"),
        )

    def _text(self, option: str) -> str:
        """The option as plain text: a template evaluated, a vaulted value decrypted."""
        try:
            value = self.templar.template(self.get_option(option))
        except Exception as exc:  # whatever a lookup raises
            raise OptionError(option, f"its template fails: {exc}") from exc
        return "" if value is None else str(value)

    def _snapshot(self, path: str, settings: Settings, *, use_cache: bool) -> Snapshot:
        """From the cache, if that was read from the same server with the same reach; else from the server."""
        reach: dict[str, Any] = {
            "computer_fields": sorted(self.get_option("computer_fields")),
            "client_extra_fields": self.get_option("client_extra_fields"),
        }
        source = {"url": settings.api, "user": settings.user, **reach}
        caching, key = self.get_option("cache"), self.get_cache_key(path)
        if caching and use_cache:
            try:
                stored = self._cache[key]
            except KeyError:
                stored = {}
            if stored.get("source") == source:
                return Snapshot.from_json(stored["lists"])
        with AutomateClient(settings) as client:
            snapshot = read_snapshot(client, **reach)
        if caching:
            self._cache[key] = {"source": source, "lists": snapshot.as_json()}
        return snapshot

    def _write(self, inventory: InventoryData, fleet: Fleet, classifier: Classifier) -> None:
        """The only part that can fail is an expression under ``strict``; then everything is taken back."""
        hosts_before, groups_before = set(inventory.hosts), set(inventory.groups)
        constructed = any(self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        kept: dict[str, str] = {}
        try:
            _add_groups(inventory, fleet)
            for endpoint in fleet.endpoints:
                variables = _add_endpoint(inventory, endpoint, kept)
                if constructed:
                    self._construct(endpoint, {**variables, "automate": classifier.raw(endpoint.computer)})
        except Exception:
            for name in set(inventory.hosts) - hosts_before:
                inventory.remove_host(inventory.hosts[name])
            for name in set(inventory.groups) - groups_before:
                inventory.remove_group(inventory.groups[name])
            raise

    def _construct(self, endpoint: Endpoint, variables: dict[str, Any]) -> None:
        name, strict = endpoint.record["name"], self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)


def _add_groups(inventory: InventoryData, fleet: Fleet) -> None:
    for name in sorted({name for endpoint in fleet.endpoints for name in endpoint.groups}):
        inventory.add_group(name)
        if name in fleet.locations:
            client = inventory.add_group(fleet.locations[name])
            inventory.add_child(client, name)


def _add_endpoint(inventory: InventoryData, endpoint: Endpoint, kept: dict[str, str]) -> dict[str, Any]:
    """``kept`` has the texts of endpoints before this one as Ansible keeps them, marked with where they come from.

    To mark a text is most of what a variable costs, and the same few words are said of every endpoint.
    """
    name = endpoint.record["name"]
    variables = {f"patching_{key}": value for key, value in endpoint.record.items()}
    if endpoint.unclassified:
        variables["automate_unclassified"] = {key: _exportable(why) for key, why in endpoint.unclassified.items()}
    mac = endpoint.computer.get("MACAddress")
    if mac:
        variables["automate_mac"] = str(mac)
    inventory.add_host(name)
    stored = inventory.hosts[name].vars
    for variable, value in variables.items():
        if isinstance(value, str):
            inventory.set_variable(name, variable, kept.get(value) or _exportable(value))
            kept[value] = stored[variable]
        else:
            inventory.set_variable(name, variable, value)
    for group in endpoint.groups:
        inventory.add_child(group, name)
    return variables


def _exportable(text: str) -> str:
    """Text without a brace, which no template is, marked as checked: ``ansible-inventory --list`` then prints it plain.

    All other text stays what a plugin's text is, untrusted: never evaluated, and printed as ``__ansible_unsafe``.
    """
    return text if "{" in text else trust_as_template(text)


_RULES = (
    "rings",
    "tracks",
    "policy_groups",
    "roles",
    "criticalities",
    "redundancy_group_prefix",
    "agent_disabled_groups",
    "unattended_reboot_groups",
    "extra_fields",
    "fields",
    "time_zone_aliases",
    "time_zones_by_utc_offset",
    "default_time_zone",
    "clients",
    "qualify_names",
)
