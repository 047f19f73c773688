# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A month in which chance decides what breaks and who answers: what holds whatever happens.

``MONTH_SEEDS=1-20`` (or ``3,7``) plays these months and not the one of every day; of one that ends wrong the
whole course is told.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from lab.month.account import Account

from .chance import CYCLE, FLEET, START, UPDATES, Chance
from .conftest import ansible_in, running_lab
from .ring import POLICY, Night, write_fleet

pytestmark = pytest.mark.month


def seeds(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, dummy, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@dataclass
class Month:
    chance: Chance
    account: Account

    def fine(self, problems: Iterable[str]) -> None:
        found = list(problems)
        assert not found, "\n".join([f"seed {self.chance.seed}:", *found, self.chance.told()])


@pytest.fixture(scope="module", params=seeds(os.environ.get("MONTH_SEEDS", "1")))
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp(f"month-{request.param}")
    fleet = write_fleet(folder / "fleet.yml", FLEET, updates=UPDATES, speed=0)
    with running_lab(folder / "lab", fleet, "--start", START.instant.isoformat()) as lab:
        chance = Chance(request.param, Night(lab, ansible_in(folder), folder, policy=POLICY))
        try:
            chance.play()
        finally:
            (folder / "course.txt").write_text(chance.told())
            for number, (_line, run) in enumerate(chance.runs):
                if run is not None:
                    (folder / f"{number:03d}.log").write_text(run.output)
        yield Month(chance, Account(lab, chance.stage.decided, f"sqlite:///{chance.night.ledger_file}"))


def test_nothing_is_installed_or_restarted_outside_a_window(month: Month) -> None:
    month.fine(month.account.outside_a_window())


def test_every_install_was_approved_soaked_and_let_go(month: Month) -> None:
    month.fine(month.account.not_due())


def test_two_of_one_role_are_never_down_at_once(month: Month) -> None:
    month.fine(month.account.twice_at_once())


def test_the_ledger_tells_what_the_machines_tell(month: Month) -> None:
    month.fine(month.account.ledger_and_machines())


def test_no_ticket_is_lost_or_doubled(month: Month) -> None:
    month.fine(month.account.ledger_and_psa())


def test_the_rmm_is_told_how_far_the_month_is(month: Month) -> None:
    month.fine(month.account.ledger_and_rmm())


def test_on_call_is_woken_once_for_an_incident(month: Month) -> None:
    month.fine(month.account.ledger_and_on_call())


def test_every_endpoint_stands_in_exactly_one_place(month: Month) -> None:
    month.fine(month.account.incomplete(CYCLE))


def test_the_ledger_holds_together_and_can_be_rebuilt(month: Month) -> None:
    month.fine(month.account.broken_ledger())


def test_nothing_was_asked_of_the_lab_that_it_cannot_do(month: Month) -> None:
    month.fine(month.account.unsimulated())
