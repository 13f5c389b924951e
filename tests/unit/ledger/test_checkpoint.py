"""Checkpoints and their signatures: read strictly, signed by a known key, never by another."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firstline.ledger.checkpoint import Checkpoint, Signer, Untrue, Verifier, notes, opened, read

SIGNER = Signer("hub.example.com/ledger", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer("hub.example.com/ledger", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROOT = bytes(range(32))

# A note and its key from another implementation of C2SP's signed-note.
FOREIGN_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOREIGN_TEXT = "This is an example message.\n"
FOREIGN_SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="


def test_a_signed_checkpoint_is_read_again() -> None:
    note = SIGNER.sign(40, ROOT)
    assert opened(note, [SIGNER.verifier]) == Checkpoint("hub.example.com/ledger", 40, ROOT)
    assert note.startswith(
        "hub.example.com/ledger\n40\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— hub.example.com/ledger "
    )


def test_a_key_of_another_implementation_is_read_and_verifies_its_note() -> None:
    verifier = Verifier.parse(FOREIGN_KEY)
    signature = b64decode(FOREIGN_SIGNATURE)
    assert str(verifier) == FOREIGN_KEY
    assert signature[:4] == verifier.id
    assert verifier.verify(FOREIGN_TEXT.encode(), signature[4:])
    assert not verifier.verify(FOREIGN_TEXT.upper().encode(), signature[4:])


@pytest.mark.parametrize(
    "text", ["", "a", "a+b+c", FOREIGN_KEY[:-4], FOREIGN_KEY.replace("53", "54"), "x" + FOREIGN_KEY]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Untrue):
        Verifier.parse(text)


def test_a_note_of_another_key_of_the_same_name_is_refused() -> None:
    with pytest.raises(Untrue, match="not signed by a key that is known"):
        opened(OTHER.sign(40, ROOT), [SIGNER.verifier])


def test_another_signature_beside_ours_changes_nothing() -> None:
    witnessed = SIGNER.sign(40, ROOT) + "— witness.example " + FOREIGN_SIGNATURE + "\n"
    assert opened(witnessed, [SIGNER.verifier]).size == 40


@given(st.data())
def test_no_byte_of_a_note_can_be_changed(data: st.DataObject) -> None:
    note = SIGNER.sign(40, ROOT)
    place = data.draw(st.integers(0, len(note) - 2))  # the last line break is none of the signature's
    changed = (
        note[:place]
        + data.draw(st.characters(codec="utf-8").filter(lambda one: one != note[place]))
        + note[place + 1 :]
    )
    with pytest.raises(Untrue):
        opened(changed, [SIGNER.verifier])


@pytest.mark.parametrize("size", ["", "-1", "04", "4 ", "４", "9" * 30])
def test_a_size_that_is_no_number_is_refused(size: str) -> None:
    with pytest.raises(Untrue):
        read(SIGNER.sign(40, ROOT).replace("\n40\n", f"\n{size}\n"))


def test_the_notes_of_a_file_are_told_apart_and_what_is_none_is_given_too() -> None:
    first, second = SIGNER.sign(1, ROOT), SIGNER.sign(2, ROOT)
    assert list(notes(first + second)) == [first, second]
    assert list(notes(first + "\n" + second)) == [first, second]
    assert list(notes(first + second[:-40])) == [first, second[:-40]]
    assert list(notes("")) == []
