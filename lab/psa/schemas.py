# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of each kind of record, with what they hold while nobody has said anything else."""

from __future__ import annotations

from typing import Any

from .table import Schema


def _nones(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split())


TICKET = Schema(
    name="ticket",
    path="/service/tickets",
    fields={
        "summary": None,
        "recordType": "ServiceTicket",
        **_nones("board status type subType item team owner company site contact contactName contactPhoneNumber"),
        **_nones("contactEmailAddress priority source serviceLocation requiredDate budgetHours agreement sla"),
        **_nones("externalXRef poNumber automaticEmailCc closedDate closedBy dateResolved dateResplan dateResponded"),
        **_nones("slaStatus resources parentTicketId mergedParentTicket location department mobileGuid"),
        "severity": "Medium",
        "impact": "Medium",
        "customerUpdatedFlag": False,
        "automaticEmailContactFlag": False,
        "automaticEmailResourceFlag": False,
        "automaticEmailCcFlag": False,
        "closedFlag": False,
        "isInSla": True,
        "hasChildTicket": False,
        "hasMergedChildTicketFlag": False,
        "integratorTags": [],
        "customFields": [],
    },
    required=("summary", "company"),
    limits={"summary": 100, "externalXRef": 100, "poNumber": 50, "automaticEmailCc": 1000},
    references={
        "board": "board",
        "status": "status",
        "type": "type",
        "subType": "subtype",
        "item": "item",
        "team": "team",
        "owner": "member",
        "company": "company",
        "contact": "contact",
        "priority": "priority",
        "source": "source",
    },
    write_only=frozenset(
        {
            "initialDescription",
            "initialInternalAnalysis",
            "initialResolution",
            "processNotifications",
            "skipCallback",
        }
    ),
    computed=frozenset(
        {
            "id",
            "_info",
            "closedFlag",
            "closedDate",
            "closedBy",
            "recordType",
            "hasChildTicket",
            "hasMergedChildTicketFlag",
            "parentTicketId",
            "mergedParentTicket",
            "isInSla",
            "slaStatus",
            "mobileGuid",
        }
    ),
)

NOTE = Schema(
    name="ticketNote",
    path="/service/notes",
    fields={
        "ticketId": None,
        "text": None,
        "detailDescriptionFlag": False,
        "internalAnalysisFlag": False,
        "resolutionFlag": False,
        "issueFlag": False,
        "member": None,
        "contact": None,
        "customerUpdatedFlag": False,
        "internalFlag": False,
        "externalFlag": False,
        "dateCreated": None,
        "createdBy": None,
    },
    required=("text",),
    references={"member": "member", "contact": "contact"},
    write_only=frozenset({"processNotifications"}),
    computed=frozenset({"id", "_info", "dateCreated", "createdBy"}),
)

COMPANY = Schema(
    name="company",
    path="/company/companies",
    fields={
        **_nones("identifier name status addressLine1 city state zip phoneNumber website territory market"),
        **_nones("defaultContact site timeZoneSetup externalId"),
        "types": [],
        "deletedFlag": False,
        "customFields": [],
    },
    required=("identifier", "name"),
    limits={"identifier": 25, "name": 50},
)

CONFIGURATION = Schema(
    name="configuration",
    path="/company/configurations",
    fields={
        **_nones("name type status company contact site deviceIdentifier serialNumber modelNumber tagNumber"),
        **_nones("macAddress ipAddress osType osInfo lastLoginName managementLink remoteLink notes vendorNotes"),
        **_nones("parentConfigurationId"),
        "activeFlag": True,
        "questions": [],
        "customFields": [],
    },
    required=("name", "type", "company"),
    limits={"name": 100, "deviceIdentifier": 100, "macAddress": 25},
    references={"type": "configurationType", "status": "configurationStatus", "company": "company"},
)

BOARD = Schema(
    name="board",
    path="/service/boards",
    fields={
        "name": None,
        "inactiveFlag": False,
        "projectFlag": False,
        "oncallMember": None,
        "dutyManagerMember": None,
        "autoCloseStatus": None,
    },
)

STATUS = Schema(
    name="boardStatus",
    path="/service/statuses",
    fields={
        "name": None,
        "board": None,
        "sortOrder": 0,
        "closedStatus": False,
        "defaultFlag": False,
        "inactive": False,
        "timeEntryNotAllowed": False,
        "escalationStatus": "NotResponded",
    },
)


def named(name: str, path: str, **more: Any) -> Schema:
    """A list of names to choose from."""
    return Schema(name=name, path=path, fields={"name": None, "inactiveFlag": False, **more}, required=("name",))


TYPE = named("boardType", "/service/types", board=None, defaultFlag=False)
SUBTYPE = named("boardSubType", "/service/subtypes", board=None)
ITEM = named("boardItem", "/service/items", board=None)
TEAM = named("boardTeam", "/service/teams", board=None, defaultFlag=False)
PRIORITY = named("priority", "/service/priorities", color=None, sortOrder=0, defaultFlag=False)
SOURCE = named("source", "/service/sources", defaultFlag=False)
CONFIGURATION_TYPE = named("configurationType", "/company/configurations/types")
CONFIGURATION_STATUS = named("configurationStatus", "/company/configurations/statuses", defaultFlag=False)
MEMBER = Schema(
    name="member",
    path="/system/members",
    fields={**_nones("identifier firstName lastName primaryEmail licenseClass timeZone"), "inactiveFlag": False},
    required=("identifier",),
)
CONTACT = Schema(
    name="contact",
    path="/company/contacts",
    fields={
        **_nones("firstName lastName company title"),
        "inactiveFlag": False,
        "communicationItems": [],
        "customFields": [],
    },
    required=("firstName",),
    references={"company": "company"},
)
CALLBACK = Schema(
    name="callbackEntry",
    path="/system/callbacks",
    fields={
        **_nones("description url objectId type level memberId"),
        "inactiveFlag": False,
        "isSelfSuppressedFlag": False,
    },
    required=("url", "type", "level"),
    limits={"description": 100},
)
TIME_ENTRY = Schema(
    name="timeEntry",
    path="/time/entries",
    fields={
        **_nones("company chargeToId chargeToType member timeStart timeEnd actualHours notes workType workRole"),
        "billableOption": "Billable",
        "addToDetailDescriptionFlag": False,
        "addToInternalAnalysisFlag": False,
        "addToResolutionFlag": False,
    },
    required=("timeStart",),
    references={"member": "member"},
)
SCHEDULE_ENTRY = Schema(
    name="scheduleEntry",
    path="/schedule/entries",
    fields={
        **_nones("objectId type member dateStart dateEnd where status name"),
        "doneFlag": False,
        "allowScheduleConflictsFlag": False,
    },
    required=("objectId", "type"),
    references={"member": "member"},
)
DOCUMENT = Schema(
    name="documentInfo",
    path="/system/documents",
    fields={
        **_nones("title fileName serverFileName owner size guid recordType recordId url"),
        "linkFlag": False,
        "imageFlag": False,
        "publicFlag": True,
        "readOnlyFlag": False,
        "urlFlag": False,
    },
)

ALL = {
    "ticket": TICKET,
    "note": NOTE,
    "company": COMPANY,
    "configuration": CONFIGURATION,
    "board": BOARD,
    "status": STATUS,
    "type": TYPE,
    "subtype": SUBTYPE,
    "item": ITEM,
    "team": TEAM,
    "priority": PRIORITY,
    "source": SOURCE,
    "configurationType": CONFIGURATION_TYPE,
    "configurationStatus": CONFIGURATION_STATUS,
    "member": MEMBER,
    "contact": CONTACT,
    "callback": CALLBACK,
    "timeEntry": TIME_ENTRY,
    "scheduleEntry": SCHEDULE_ENTRY,
    "document": DOCUMENT,
}
