# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client and a computer are called something else in the RMM from one night to the next: what kept them from being
patched keeps them from it, until somebody has said more."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import ansible_in, running_lab
from .ring import BIG, ROOT, SMALL, Night, sentence, workstation, write_fleet

BEFORE = {
    "Acme": {"CNC": workstation(), "DESK": workstation()},
    "Birch": {"MILL": workstation(), "B1": workstation()},
}
AFTER = {
    "Acme Dental": {"CNC": workstation(), "DESK": workstation()},
    "Birch": {"MILL-OLD": workstation(), "B1": workstation()},
}
EXPLAIN = ROOT / "playbooks" / "explain.yml"
SIGNED = {
    "code": "VENDOR",
    "reason": "no later build",
    "expires": "2027-03-31T00:00:00Z",
    "signed_by": "M. Keller",
    "signed_at": "2026-11-10T09:00:00Z",
}


def test_what_is_excepted_is_held_under_its_new_name(tmp_path: Path) -> None:
    before = write_fleet(tmp_path / "before.yml", BEFORE)
    with running_lab(tmp_path / "monday", before) as lab:
        night = Night(lab, ansible_in(tmp_path), tmp_path)
        night.decide("except", client="Acme", **SIGNED)
        night.decide("except", endpoint="MILL", **SIGNED)
        night.run().ok()
        assert night.touched() == {"B1"}

    after = write_fleet(tmp_path / "after.yml", AFTER)
    with running_lab(tmp_path / "tuesday", after, "--start", "2026-11-12T07:01:00Z") as lab:
        night = Night(lab, night.ansible, tmp_path)
        head = night.ledger.head()

        checked = night.run("--check").ok()
        explained = night.run("-l", "CNC", playbook=EXPLAIN).ok()

        assert night.ledger.head() == head
        for said in (
            "the exception for client Acme Dental, which holds until the client has signed for that name",
            "the exception for endpoint MILL-OLD, which holds",
        ):
            assert said in sentence(checked.output)
        assert "scope.exception_unsigned" in checked.output
        assert "the exception VENDOR for client Acme Dental stands without the client's signed approval" in sentence(
            explained.output
        )

        night.run().ok()
        night.run().ok()

        assert night.touched() <= {"B1"}
        for name in ("CNC", "DESK", "MILL-OLD"):
            (decision,) = [body["decision"] for body in night.bodies("plan.decided", name)][-1:]
            assert (decision["action"], decision["node"]) == ("hold", "scope.exception_unsigned")
        followed = [row for row in night.ledger.rows("exceptions") if row["follows"]]
        assert sorted(json.loads(row["scope"]).popitem()[1] for row in followed) == ["Acme Dental", "MILL-OLD"]
        tickets = [one for one in night.psa.all("service/tickets") if "/exception/" in one["externalXRef"]]
        assert {one["company"]["identifier"]: one["summary"] for one in tickets} == {
            "ACMEDENTAL": "Patching: exception for client Acme Dental awaits the client's signature",
            "BIRCH": "Patching: exception for endpoint MILL-OLD awaits the client's signature",
        }

        night.decide("except", client="Acme Dental", **SIGNED)
        night.decide("except", endpoint="MILL-OLD", state="absent", reason="the successor does its work")
        night.run().ok()

        night.agrees("MILL-OLD")
        assert sorted(night.installed("MILL-OLD")) == [BIG, SMALL]
        assert night.installed("CNC") == night.installed("DESK") == []
        (decision,) = [body["decision"] for body in night.bodies("plan.decided", "CNC")][-1:]
        assert decision["node"] == "scope.excluded"
