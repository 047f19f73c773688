# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assessment results: a result a client, in it a finding an objective, observations with figures, and risks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .common import (
    MEDIA_TYPE,
    assets,
    back_matter,
    catalog_resource,
    metadata,
    origins,
    party,
    resource,
    reviewed_controls,
)
from .judged import OBJECTIVES, Assessment, Closed, Evidence, Figure, Judged, Overdue, Verdict, target
from .words import Json, Names, filled, instant, line, prop, prose

WHOLE = "all of the client"
SPECIFIED = "ace"
"""The objectives that ask what is specified; the others ask what was done."""


def assessment_results(of: Assessment, catalog_sha256: str, plan_sha256: str) -> Json:
    """The results, as OSCAL's model `assessment-results`; they need one client at least."""
    names = Names(of.ledger)
    plan = resource(
        names,
        "plan",
        "Assessment plan",
        href=of.plan_name,
        media_type=MEDIA_TYPE,
        sha256=plan_sha256,
    )
    shown = [
        resource(names, _shown(one), one.title, href=one.href, media_type=one.media_type, sha256=one.sha256)
        for one in of.evidence
    ]
    return {
        "assessment-results": {
            "uuid": names.uuid("assessment-results", of.cycle, of.scope, of.head[1]),
            "metadata": metadata(names, of, f"Flaw remediation (3.14.1), {of.scope}"),
            "import-ap": {"href": "#" + names.uuid("resource", "plan")},
            "results": [_Result(names, of, judged).record() for judged in of.judged],
            "back-matter": back_matter([plan, catalog_resource(names, catalog_sha256), *shown]),
        }
    }


class _Result:
    """One client's result."""

    def __init__(self, names: Names, of: Assessment, judged: Judged) -> None:
        self._names = names
        self._of = of
        self._judged = judged
        self._origins = origins(names, judged.client)

    def record(self) -> Json:
        judged, of = self._judged, self._of
        met = sum(verdict.satisfied for verdict in judged.verdicts)
        observations = [one for verdict in judged.verdicts for one in self._observations(verdict)]
        return filled(
            {
                "uuid": self._uuid("result"),
                "title": prose(f"{judged.client}, {of.cycle}"),
                "description": f"{met} of the {len(OBJECTIVES)} objectives of 3.14.1 are satisfied by what the ledger "
                f"shows of {judged.endpoints} endpoints.",
                "start": instant(min(of.start, of.at)),
                "end": instant(of.at),
                "props": [
                    prop("client", judged.client),
                    prop("endpoints", judged.endpoints),
                    prop("objectives-satisfied", met),
                ],
                "local-definitions": self._definitions(),
                "reviewed-controls": reviewed_controls(self._names),
                "assessment-log": filled({"entries": [self._closure(tier) for tier in judged.closed]}),
                "observations": observations + [self._seen(flaw) for flaw in judged.overdue],
                "risks": [self._risk(flaw) for flaw in judged.overdue],
                "findings": [self._finding(verdict) for verdict in judged.verdicts],
            }
        )

    def _uuid(self, kind: str, *more: str) -> str:
        return self._names.uuid(kind, self._of.cycle, self._judged.client, *more)

    def _risk_uuid(self, flaw: Overdue) -> str:
        """The same in every cycle in which it is open."""
        return self._names.uuid("risk", self._judged.client, flaw.update)

    def _definitions(self) -> Json:
        client, overdue = self._judged.client, self._judged.overdue
        left = sorted({left.endpoint for flaw in overdue for left in flaw.left})
        system = {
            "uuid": self._names.uuid("system", client),
            "type": "system",
            "title": prose(f"Windows endpoints of {client}"),
            "description": "Servers and workstations that the provider patches.",
            "status": {"state": "operational"},
            "responsible-roles": [{"role-id": "prepared-for", "party-uuids": [party(self._names, client)]}],
        }
        items = [
            {
                "uuid": self._endpoint(name),
                "description": prose(f"Windows endpoint {name}"),
                "props": [{"name": "asset-id", "value": line(name)}],
            }
            for name in left
        ]
        return filled(
            {"components": [system], "inventory-items": items, "assessment-assets": assets(self._names, client)}
        )

    def _endpoint(self, name: str) -> str:
        return self._names.uuid("endpoint", self._judged.client, name)

    def _closure(self, tier: Closed) -> Json:
        counts = ", ".join(f"{number} {place}" for place, number in tier.counts if number)
        return {
            "uuid": self._uuid("closure", tier.part, instant(tier.at)),
            "title": prose(f"The {tier.part} were closed with a proof"),
            "description": prose(f"Each endpoint stands in exactly one place: {counts or 'there was none'}."),
            "start": instant(tier.opened),
            "end": instant(tier.at),
        }

    def _finding(self, verdict: Verdict) -> Json:
        objective = verdict.objective
        seen = [one["uuid"] for one in self._observations(verdict)]
        flaws = self._judged.overdue if objective == "f" else ()
        remarks = "\n\n".join(prose(remark) for remark in verdict.remarks)
        status = {
            "state": "satisfied" if verdict.satisfied else "not-satisfied",
            "reason": "pass" if verdict.satisfied else "fail",
            "remarks": remarks or None,
        }
        return filled(
            {
                "uuid": self._uuid("finding", objective),
                "title": f"3.14.1\\[{objective}\\]: {OBJECTIVES[objective]}",
                "description": prose(verdict.shown),
                "origins": self._origins,
                "target": {"type": "objective-id", "target-id": target(objective), "status": filled(status)},
                "related-observations": [
                    {"observation-uuid": uuid} for uuid in [*seen, *(self._uuid("seen", flaw.update) for flaw in flaws)]
                ],
                "related-risks": [{"risk-uuid": self._risk_uuid(flaw)} for flaw in flaws],
            }
        )

    def _observations(self, verdict: Verdict) -> Iterator[Json]:
        """What is seen of an objective at the client as a whole, then of each of its tiers where it has several."""
        figures = verdict.figures
        total = Figure(WHOLE, sum(one.met for one in figures), sum(one.of for one in figures))
        yield self._observation(verdict, verdict.shown, total if figures else None)
        if len(figures) > 1:
            for figure in figures:
                yield self._observation(verdict, f"{figure.part}: {figure.met} of {figure.of}.", figure)

    def _observation(self, verdict: Verdict, shown: str, figure: Figure | None) -> Json:
        part = figure.part if figure else "policy" if verdict.objective in SPECIFIED else WHOLE
        facts = [prop("policy-sha256", self._of.policy)] if verdict.objective in SPECIFIED else []
        if figure:
            facts = [prop("part", part), prop("numerator", figure.met), prop("denominator", figure.of)]
        return filled(
            {
                "uuid": self._uuid("observation", verdict.objective, part),
                "title": prose(f"3.14.1[{verdict.objective}], {part}"),
                "description": prose(shown),
                "props": facts,
                "methods": ["EXAMINE"],
                "types": ["control-objective"],
                "origins": self._origins,
                "subjects": [
                    {"subject-uuid": self._names.uuid("system", self._judged.client), "type": "component"},
                ],
                "relevant-evidence": self._evidence(verdict.objective),
                "collected": instant(self._of.at),
            }
        )

    def _evidence(self, objective: str) -> list[Json]:
        return [
            {"href": "#" + self._names.uuid("resource", _shown(one)), "description": prose(one.title)}
            for one in self._of.evidence
            if objective in one.objectives
        ]

    def _seen(self, flaw: Overdue) -> Json:
        """The observation that names the endpoints on which a flaw is open past its deadline."""
        return filled(
            {
                "uuid": self._uuid("seen", flaw.update),
                "title": prose(f"{flaw.title} is open past its deadline"),
                "description": _listed(f"{left.endpoint}: {left.reason}" for left in flaw.left),
                "props": [prop("update", flaw.update), prop("endpoints", len(flaw.left))],
                "methods": ["EXAMINE"],
                "types": ["finding"],
                "origins": self._origins,
                "subjects": self._subjects(left.endpoint for left in flaw.left),
                "relevant-evidence": self._evidence("f"),
                "collected": instant(self._of.at),
            }
        )

    def _risk(self, flaw: Overdue) -> Json:
        excepted = [left for left in flaw.left if left.excepted]
        counted = f"{len(flaw.left)} endpoint{'s' if len(flaw.left) != 1 else ''}"
        factors = {
            "uuid": self._names.uuid("exception", self._judged.client, flaw.update),
            "description": _listed(f"{left.endpoint}: {left.reason}" for left in excepted),
            "subjects": self._subjects(left.endpoint for left in excepted),
        }
        facts = [prop("update", flaw.update), prop("severity", flaw.severity or "none")]
        if flaw.cvss is not None:
            facts.append(prop("cvss", flaw.cvss))
        return filled(
            {
                "uuid": self._risk_uuid(flaw),
                "title": prose(f"{flaw.title} is open past its deadline on {counted}"),
                "description": _listed(f"{left.endpoint}: {left.reason}" for left in flaw.left),
                "statement": "An endpoint without this update stays exposed to the flaws that it corrects.",
                "props": facts + [prop("cve", cve) for cve in dict.fromkeys(flaw.cves)],
                "status": "deviation-approved" if len(excepted) == len(flaw.left) else "open",
                "origins": self._origins,
                "mitigating-factors": [factors] if excepted else [],
                "deadline": instant(flaw.deadline),
                "related-observations": [{"observation-uuid": self._uuid("seen", flaw.update)}],
            }
        )

    def _subjects(self, names: Iterable[str]) -> list[Json]:
        return [{"subject-uuid": self._endpoint(name), "type": "inventory-item"} for name in dict.fromkeys(names)]


def _shown(evidence: Evidence) -> str:
    return f"evidence {evidence.href}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {prose(one)}" for one in lines)
