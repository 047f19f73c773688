# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints and keys on the ledger: what an audit trusts, and what it finds."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, LedgerError
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.checkpoints import checkpointing, introducing
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.errors import TamperedError
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import GENESIS, chained
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey, SigningKeyError

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
KEY, NEXT, OTHER = (SigningKey.make() for dummy in range(3))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def ledger(url: str) -> Ledger:
    return Ledger.open(url)


def happens(ledger: Ledger, count: int = 3) -> None:
    ledger.append([Event("reminder.shown", f"WS{number}", NOW, {}) for number in range(count)], run="r1")


def sign(ledger: Ledger, key: SigningKey = KEY, at: datetime = NOW) -> int:
    first = introducing(key, at, by="j.doe", reason="first use")
    return ledger.append_made([first, checkpointing(key, at)], run="r1")


def tamper(url: str, *statements: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        for guard in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS events_no_{guard}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_the_head_is_signed_once(ledger: Ledger) -> None:
    happens(ledger)
    assert sign(ledger) == 2
    assert sign(ledger) == 0
    happens(ledger)
    assert sign(ledger) == 1
    audit = ledger.audit([KEY.public])
    assert (audit.seq, audit.checkpoints, audit.key) == (9, 2, KEY.public.id)
    assert audit.signed is not None
    assert (audit.signed.seq, audit.signed.previous) == (8, 4)
    assert audit.ledger == ledger.hash_at(1)


def test_nothing_to_sign(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="nothing to sign"):
        sign(ledger)
    assert ledger.verify()[0] == 0


def test_another_key_does_not_sign(ledger: Ledger) -> None:
    happens(ledger)
    sign(ledger)
    happens(ledger)
    with pytest.raises(
        SigningKeyError, match=f"the signing key {OTHER.public.id} is not this ledger's: .* {KEY.public.id}"
    ):
        sign(ledger, OTHER)
    assert ledger.head()[0] == 8


def rotate(ledger: Ledger, new: SigningKey, old: SigningKey | None) -> None:
    by = {"by": "j.doe", "reason": "every year"}
    made = introducing(new, NOW, old=old, lost=old is None, **by)
    ledger.append_made([made, checkpointing(new, NOW)], run="r1")


def test_a_key_that_vouches_for_the_next(ledger: Ledger) -> None:
    happens(ledger)
    sign(ledger)
    rotate(ledger, NEXT, KEY)
    happens(ledger)
    sign(ledger, NEXT)
    happens(ledger)
    with pytest.raises(SigningKeyError, match=f"{KEY.public.id} was this ledger's and has been replaced"):
        sign(ledger, KEY)
    for given in ([KEY.public], [NEXT.public], [KEY.public, NEXT.public], []):
        audit = ledger.audit(given)
        assert audit.signed is not None
        assert audit.signed.key == NEXT.public.id
        assert audit.lost == ()
    stranger = ledger.audit([OTHER.public])
    assert stranger.signed is None


def test_a_key_that_was_lost_is_vouched_for_by_nobody(ledger: Ledger) -> None:
    happens(ledger)
    sign(ledger)
    rotate(ledger, NEXT, None)
    audit = ledger.audit([KEY.public])
    assert audit.signed is not None
    assert (audit.signed.key, audit.key, audit.lost) == (KEY.public.id, NEXT.public.id, (NEXT.public.id,))
    assert ledger.audit([KEY.public, NEXT.public]).signed != audit.signed


@pytest.mark.parametrize(
    "since", ["UPDATE events SET endpoint = 'WS9' WHERE seq = 7", "DELETE FROM events WHERE seq = 8"]
)
def test_what_was_altered_since_the_last_checkpoint_is_not_signed(url: str, ledger: Ledger, since: str) -> None:
    happens(ledger)
    sign(ledger)
    happens(ledger)
    tamper(url, since)
    with pytest.raises(TamperedError) as found:
        sign(ledger)
    assert found.value.seq in (7, 8)


def test_a_chain_that_was_made_anew_has_no_signatures(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """Somebody with the whole database and without the key: he can make a chain, and not its checkpoints."""
    happens(ledger)
    sign(ledger)
    other = Ledger.open(f"sqlite:///{tmp_path / 'other.sqlite'}")
    happens(other, 2)
    copied = "INSERT INTO events SELECT * FROM other.events"
    attach = f"ATTACH '{tmp_path / 'other.sqlite'}' AS other"
    with pytest.raises(SigningKeyError):
        other.append_made([checkpointing(KEY, NOW)], run="r1")
    seq, head = other.head()
    point = sqlite3.connect(url.removeprefix("sqlite:///"))
    point.execute(attach)
    with point:
        for guard in ("update", "delete"):
            point.execute(f"DROP TRIGGER events_no_{guard}")
        point.execute("DELETE FROM events")
        point.execute(copied)
        point.execute("UPDATE head SET seq = ?, hash = ?", (seq, head))
    point.close()
    audit = ledger.audit([KEY.public])
    assert (audit.signed, audit.key) == (None, None), "nothing on it is signed"
    with pytest.raises(TamperedError, match=r"ends at event 2, and once had 4"):
        ledger.audit([KEY.public], [(4, "0" * 64)])


def test_a_tail_that_is_taken_off_shows_against_a_checkpoint_that_was_kept(url: str, ledger: Ledger) -> None:
    happens(ledger)
    sign(ledger)
    happens(ledger)
    sign(ledger)
    dummy, kept = ledger.signing()
    assert kept is not None
    before = ledger.hash_at(5)
    tamper(url, "DELETE FROM events WHERE seq > 5", f"UPDATE head SET seq = 5, hash = '{before}'")  # noqa: S608
    assert ledger.audit([KEY.public]).seq == 5, "alone, the ledger cannot tell"
    with pytest.raises(TamperedError, match="ends at event 5, and once had 8") as found:
        ledger.audit([KEY.public], [(kept.seq, kept.hash)])
    assert found.value.seq == 6


def test_a_checkpoint_between_two_others_cannot_be_left_out(ledger: Ledger) -> None:
    for hours in range(3):
        happens(ledger)
        sign(ledger, at=NOW + timedelta(hours=hours))
    points = [row["previous"] for row in ledger.rows("checkpoints")]
    assert points == [0, 4, 8]


def test_a_ledger_from_before_salts_is_followed_on(url: str, ledger: Ledger) -> None:
    happens(ledger)
    tamper(url, *OLDER)
    head = GENESIS
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        for seq, name in ((1, "WS0"), (2, "WS1"), (3, "WS2")):
            head = chained(head, seq, Event("reminder.shown", name, NOW, {}).canonical("r1"))
            connection.execute("UPDATE events SET hash = ? WHERE seq = ?", (head, seq))
        connection.execute("UPDATE head SET hash = ?", (head,))
    connection.close()
    older = Ledger.open(url)
    assert older.verify() == (3, head)
    happens(older)
    sign(older)
    assert older.audit([KEY.public]).seq == 8
    tamper(url, "UPDATE events SET endpoint = 'X' WHERE seq = 2")
    with pytest.raises(TamperedError, match="event 2 "):
        older.verify()


OLDER = (
    "ALTER TABLE events DROP COLUMN salt",
    "DROP TABLE blobs",
    "DELETE FROM version",
    "INSERT INTO version VALUES (3, '2026-11-01')",
)
"""What makes a ledger of this version one of the version before there were salts."""
