# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assessment plan that the results import: small, as everything in it is fixed but the scope.

OSCAL has results point to a plan and a plan to a system security plan. The client's security plan is the client's;
where its URL is not known, the plan points to a resource that says so.
"""

from __future__ import annotations

from .common import assets, back_matter, catalog_resource, metadata, reviewed_controls
from .judged import OBJECTIVES, Assessment
from .words import Json, Names

METHOD = {
    "a": "Satisfied where the policy in force sets a time to identify a flaw.",
    "b": "Of each flaw on each endpoint: the time from its release to the search that showed it there. Satisfied where "
    "each was identified in time and each endpoint was searched, those that are left out of patching too.",
    "c": "Satisfied where the policy in force sets a time to report a flaw.",
    "d": "Of each flaw on each endpoint: the time from its identification to the ticket on which it stands, with the "
    "number that the ticket system gave it. Satisfied where each was reported in time.",
    "e": "Satisfied where the policy in force sets a time to correct a flaw, by the flaw's severity and the machine's "
    "criticality.",
    "f": "Of each flaw on each endpoint: the time from its release to the validation that proved it corrected. "
    "Satisfied where each was corrected in time or has time left. One that is held, failed, out of reach or covered "
    "by a signed exception when its time ends is not corrected, and counts against the objective.",
}


def assessment_plan(of: Assessment, catalog_sha256: str) -> Json:
    """The plan, as OSCAL's model `assessment-plan`."""
    names = Names(of.ledger)
    resources = [catalog_resource(names, catalog_sha256)]
    if of.security_plan is None:
        resources.append(_no_security_plan(names))
    return {
        "assessment-plan": {
            "uuid": plan_uuid(names, of),
            "metadata": metadata(names, of, f"Assessment plan for flaw remediation, {of.scope}"),
            "import-ssp": {"href": of.security_plan or "#" + names.uuid("resource", "security-plan")},
            "terms-and-conditions": {"parts": [_method(names)]},
            "reviewed-controls": reviewed_controls(names),
            "assessment-subjects": [
                {
                    "type": "inventory-item",
                    "description": "Every managed Windows endpoint in the scope, none of them sampled.",
                    "include-all": {},
                }
            ],
            "assessment-assets": assets(names),
            "back-matter": back_matter(resources),
        }
    }


def plan_uuid(names: Names, of: Assessment) -> str:
    return names.uuid("assessment-plan", of.cycle, of.scope)


def _method(names: Names) -> Json:
    return {
        "uuid": names.uuid("method"),
        "name": "methodology",
        "title": "How each objective is determined",
        "prose": "\n\n".join(f"3.14.1\\[{name}\\], {words}. {METHOD[name]}" for name, words in OBJECTIVES.items()),
    }


def _no_security_plan(names: Names) -> Json:
    return {
        "uuid": names.uuid("resource", "security-plan"),
        "title": "System security plan",
        "description": "The client's own; it is not among these files.",
    }
