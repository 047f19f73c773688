# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the assessment plan and the assessment results have in common: metadata, controls, the tool, resources."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from .judged import CONTROL, OBJECTIVES, Assessment, target
from .words import VERSION, Json, Names, filled, instant, line, prop, prose

OWN = (
    "These are the provider's own records of its patching, worked out by the tool from an append-only, hash-chained "
    "ledger. They are evidence for an assessor, who determines; they are not the assessor's determination."
)

CATALOG_NAME = "sp800-171r2-si.json"
MEDIA_TYPE = "application/oscal+json"


def metadata(names: Names, of: Assessment, title: str) -> Json:
    """Who says this, to whom, and up to which event of the ledger."""
    clients = [judged.client for judged in of.judged]
    parties = [{"uuid": provider(names, of), "type": "organization", "name": line(of.provider)}]
    parties += [{"uuid": party(names, client), "type": "organization", "name": line(client)} for client in clients]
    responsible = [{"role-id": "prepared-by", "party-uuids": [provider(names, of)]}]
    if clients:
        to = {"role-id": "prepared-for", "party-uuids": [party(names, client) for client in clients]}
        responsible.append(to)
    return {
        "title": prose(title),
        "last-modified": instant(of.at),
        "version": f"event-{of.head[0]}",
        "oscal-version": VERSION,
        "props": [
            prop("cycle", of.cycle),
            prop("scope", of.scope),
            prop("ledger-events", of.head[0]),
            prop("ledger-head", of.head[1]),
        ],
        "roles": [{"id": "prepared-by", "title": "Prepared by"}, {"id": "prepared-for", "title": "Prepared for"}],
        "parties": parties,
        "responsible-parties": responsible,
        "remarks": OWN,
    }


def provider(names: Names, of: Assessment) -> str:
    return names.uuid("provider", line(of.provider))


def party(names: Names, client: str) -> str:
    return names.uuid("client", client)


def reviewed_controls(names: Names) -> Json:
    """3.14.1 with its six objectives, and where its catalog is."""
    return {
        "description": "SP 800-171 Revision 2, 3.14.1 (CMMC SI.L2-3.14.1), all of its assessment objectives.",
        "links": [{"href": "#" + names.uuid("resource", "catalog"), "rel": "reference"}],
        "control-selections": [{"include-controls": [{"control-id": CONTROL}]}],
        "control-objective-selections": [
            {"include-objectives": [{"objective-id": target(objective)} for objective in OBJECTIVES]}
        ],
    }


def assets(names: Names, *part: str) -> Json:
    """The collection, which does the patching, keeps the ledger, and works out what is said here.

    A uuid is defined once in a file, so each `part` (a client's result) has its own.
    """
    return {
        "components": [
            {
                "uuid": names.uuid("tool", *part),
                "type": "software",
                "title": "msp.patching",
                "description": "The Ansible collection that patches, keeps the ledger and works these results out.",
                "status": {"state": "operational"},
            }
        ],
        "assessment-platforms": [
            {
                "uuid": names.uuid("platform", *part),
                "title": "Control node of msp.patching",
                "uses-components": [{"component-uuid": names.uuid("tool", *part)}],
            }
        ],
    }


def origins(names: Names, *part: str) -> list[Json]:
    return [{"actors": [{"type": "tool", "actor-uuid": names.uuid("tool", *part)}]}]


def resource(names: Names, name: str, title: str, *, href: str, media_type: str, sha256: str) -> Json:
    """A file that lies beside this one, and its hash."""
    rlink = {"href": quote(href), "media-type": media_type, "hashes": [{"algorithm": "SHA-256", "value": sha256}]}
    return {"uuid": names.uuid("resource", name), "title": prose(title), "rlinks": [rlink]}


def catalog_resource(names: Names, sha256: str) -> Json:
    title = "Catalog of NIST SP 800-171 Revision 2, family 3.14, in short"
    return resource(names, "catalog", title, href=CATALOG_NAME, media_type=MEDIA_TYPE, sha256=sha256)


def back_matter(resources: Iterable[Json]) -> Json:
    return {"resources": [filled(one) for one in resources]}
