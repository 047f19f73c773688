# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key that is replaced vouches for its successor; one that is lost does not; nothing is half done for long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.errors import PatchingError
from ansible_collections.msp.patching.plugins.plugin_utils.evidence import rotation as room
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.rotation import Rotation
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.verifying import verify_ledger
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import (
    SigningKey,
    SigningKeyError,
    public_file,
    read_public_keys,
    read_signing_key,
)

from .test_signer import run

YEARLY = Rotation(None, lost=False, by="t.brandt", reason="every year")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="j.doe")
    run(made).checkpoint()
    return made


def test_the_old_key_vouches_for_the_new(settings: Settings) -> None:
    path = settings.signing_key_path()
    old = read_signing_key(path).public
    recorder = Recorder(settings)
    told = recorder.rotate_key(YEARLY)
    new = read_signing_key(path).public
    assert told.startswith(f"key {old.id} is replaced by {new.id}; copy {path} ")
    assert read_public_keys(public_file(path)) == [new, old]
    assert read_signing_key(path.with_name(f"{path.name}.{old.id[:12]}.old")).public == old
    assert sorted(file.name.removeprefix(path.name) for file in path.parent.glob("*.key*")) == [
        "",
        f".{old.id[:12]}.old",
        ".pub",
        ".seen",
    ]
    assert recorder.opened()
    assert run(settings).checkpoint() is not None
    for given in ([old], [new]):
        assert verify_ledger(recorder.ledger, given).audit.key == new.id


def test_check_mode_replaces_nothing(settings: Settings) -> None:
    before = settings.signing_key_path().read_bytes()
    told = Recorder(replace(settings, check_mode=True)).rotate_key(YEARLY)
    assert "would be replaced" in told
    assert settings.signing_key_path().read_bytes() == before


def test_killed_before_the_new_key_was_in_its_place(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, "_put", killed)
        with pytest.raises(KeyboardInterrupt):
            Recorder(settings).rotate_key(YEARLY)
    with pytest.raises(SigningKeyError, match="has been replaced"):
        run(settings).checkpoint()
    Recorder(settings).rotate_key(YEARLY)
    assert run(settings).checkpoint() is not None
    introduced = Recorder(settings).ledger.rows("keys")
    assert len(introduced) == 2


def test_a_key_from_the_environment(settings: Settings, tmp_path: Path) -> None:
    key = read_signing_key(settings.signing_key_path())
    given = replace(settings, signing_key_data=key.secrets[1])
    with pytest.raises(SigningKeyError, match="name the file of the new one: new_key"):
        Recorder(given).rotate_key(YEARLY)
    recorder = Recorder(given)
    told = recorder.rotate_key(replace(YEARLY, new_key=tmp_path / "next"))
    assert f"set MSP_PATCHING_SIGNING_KEY_DATA to what {tmp_path / 'next'} holds" in told
    assert recorder.checkpoint() is not None, "the run itself goes on with the new one"
    after = replace(settings, signing_key_data=(tmp_path / "next").read_text())
    assert run(after).checkpoint() is not None


def test_a_key_that_is_lost(settings: Settings) -> None:
    path = settings.signing_key_path()
    old = read_signing_key(path).public
    with pytest.raises(PatchingError, match=f"the key {old.id} is not lost"):
        Recorder(settings).rotate_key(replace(YEARLY, lost=True))
    path.unlink()
    with pytest.raises(SigningKeyError, match="cannot be read: No such file"):
        Recorder(settings).rotate_key(YEARLY)
    recorder = Recorder(settings)
    recorder.rotate_key(replace(YEARLY, lost=True, reason="the disk died"))
    new = read_signing_key(path).public
    with pytest.raises(
        PatchingError, match=f"is signed with the key {new.id}, which was introduced when the one before"
    ):
        verify_ledger(recorder.ledger, [old])
    assert verify_ledger(recorder.ledger, [old, new]).audit.lost == (new.id,)


def test_a_stranger_cannot_rotate(settings: Settings) -> None:
    stranger = replace(settings, signing_key_data=SigningKey.make().secrets[1])
    with pytest.raises(SigningKeyError, match="is not this ledger's"):
        Recorder(stranger).rotate_key(replace(YEARLY, new_key=settings.signing_key_path().with_name("x")))
