"""A real account that pam_faillock has locked, after wrong passwords given to PAM itself."""

import ctypes
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.acceptance.packs.conftest import Bench

from firstline.declaration import Json
from firstline.testing.patience import eventually
from firstline.testing.peer import need, without

pytestmark = pytest.mark.anyio

SCRIPT = "identity/account-unlock"
PASSWORD = "correct horse"
STACK = """
auth required pam_faillock.so preauth silent deny=3 dir={tally}
auth [success=1 default=ignore] pam_unix.so nodelay
auth [default=die] pam_faillock.so authfail nodelay deny=3 dir={tally}
auth sufficient pam_faillock.so authsucc deny=3 dir={tally}
account required pam_permit.so
"""


class _Message(ctypes.Structure):
    _fields_ = (("style", ctypes.c_int), ("text", ctypes.c_char_p))


class _Response(ctypes.Structure):
    _fields_ = (("text", ctypes.c_void_p), ("code", ctypes.c_int))


_Converse = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(_Message)),
    ctypes.POINTER(ctypes.POINTER(_Response)),
    ctypes.c_void_p,
)


_Delay = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)  # how long a failure takes
PAM_RHOST, PAM_FAIL_DELAY = 4, 10


class _Conversation(ctypes.Structure):
    _fields_ = (("converse", _Converse), ("own", ctypes.c_void_p))


class Pam:
    """The library itself (pam_start_confdir(3), pam_authenticate(3)), with a stack of the test's own."""

    def __init__(self, stacks: Path) -> None:
        self._stacks = stacks
        self._pam = ctypes.CDLL("libpam.so.0")
        self._libc = ctypes.CDLL("libc.so.6")
        self._libc.calloc.restype = self._libc.strdup.restype = ctypes.c_void_p

    def admits(self, account: str, password: str, source: str) -> bool:
        answers = []  # PAM frees what it is given; what gives it must live as long

        def converse(count: int, _: object, responses: object, __: object) -> int:
            made = self._libc.calloc(count, ctypes.sizeof(_Response))
            answers.append(made)
            for each in (_Response * count).from_address(made):
                each.text = self._libc.strdup(password.encode())
            responses[0] = ctypes.cast(made, ctypes.POINTER(_Response))  # type: ignore[index]
            return 0

        at_once = _Delay(lambda *_: None)
        conversation = _Conversation(_Converse(converse), None)
        handle = ctypes.c_void_p()
        began = self._pam.pam_start_confdir(
            b"pack", account.encode(), ctypes.byref(conversation), str(self._stacks).encode(), ctypes.byref(handle)
        )
        assert began == 0
        self._pam.pam_set_item(handle, PAM_RHOST, source.encode())
        self._pam.pam_set_item(handle, PAM_FAIL_DELAY, at_once)
        result = int(self._pam.pam_authenticate(handle, 0))
        self._pam.pam_end(handle, result)
        return result == 0


class Account:
    def __init__(self, folder: Path) -> None:
        need("faillock", package="libpam-modules-bin")
        self.name = f"pack{uuid4().hex[:8]}"
        self.tally = folder / "tally"
        self.tally.mkdir()
        (folder / "pam.d").mkdir()
        (folder / "pam.d" / "pack").write_text(STACK.format(tally=self.tally))
        self._pam = Pam(folder / "pam.d")
        self.inputs: dict[str, Json] = {"host": "login-1", "account": self.name, "folder": str(self.tally)}

    def admits(self, password: str = PASSWORD, source: str = "192.0.2.1") -> bool:
        return self._pam.admits(self.name, password, source)

    def lock(self, *sources: str) -> None:
        for source in sources or ("192.0.2.1",) * 3:
            assert not self.admits("a guess", source)
        assert not self.admits()

    def change(self, *command: str) -> None:
        run([*command, self.name])


def run(command: list[str], given: str = "") -> None:
    """Run a tool that changes accounts, when no other does: they lock each other out."""
    program = need(command[0], package="passwd")

    def ran() -> subprocess.CompletedProcess[str] | None:
        done = subprocess.run([program, *command[1:]], input=given, text=True, check=False, capture_output=True)
        return None if "lock" in done.stderr and done.returncode else done

    eventually(ran).check_returncode()


@pytest.fixture
def account(root: None) -> Iterator[Account]:
    with tempfile.TemporaryDirectory(prefix="pack-") as folder:
        made = Account(Path(folder))
        try:
            run(["useradd", "--no-create-home", "--shell", "/bin/sh", made.name])
        except subprocess.CalledProcessError as error:
            without(f"no account can be made here: {error.stderr}")
        try:
            run(["chpasswd"], f"{made.name}:{PASSWORD}")
            assert made.admits()
            yield made
        finally:
            run(["userdel", made.name])


async def test_an_account_is_open_again_with_the_password_it_had(bench: Bench, account: Account) -> None:
    account.lock()
    played = await bench.play(SCRIPT, **account.inputs)
    assert played.outcome == "proved", played
    assert account.admits()
    assert not account.admits("a guess")


async def test_failures_from_many_places_are_for_security(bench: Bench, account: Account) -> None:
    account.lock("192.0.2.1", "198.51.100.7", "203.0.113.9")
    played = await bench.play(SCRIPT, **account.inputs)
    assert played.outcome == "failed"
    assert "somebody may be guessing" in played.said["make sure that it may be unlocked"]
    assert not account.admits()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("passwd", "--lock"), "was disabled by somebody"),
        (("chage", "--expiredate", "2020-01-01"), "has expired"),
        (("usermod", "--append", "--groups", "adm"), "privileged accounts are for a person"),
        (("usermod", "--shell", "/usr/sbin/nologin"), "may not sign in at all"),
    ],
    ids=["disabled", "expired", "privileged", "no shell"],
)
async def test_what_somebody_decided_is_not_undone(
    bench: Bench, account: Account, change: tuple[str, ...], why: str
) -> None:
    account.lock()
    account.change(*change)
    played = await bench.play(SCRIPT, **account.inputs)
    assert played.outcome == "failed"
    assert why in played.said["make sure that it may be unlocked"]
    assert "unlock it" not in played.said


async def test_an_account_that_is_open_needs_nothing(bench: Bench, account: Account) -> None:
    assert not account.admits("a guess")
    assert (await bench.play(SCRIPT, **account.inputs)).outcome == "not_needed"


async def test_failures_that_can_not_be_read_are_not_taken_for_none(bench: Bench, account: Account) -> None:
    (account.tally / account.name).unlink(missing_ok=True)
    (account.tally / account.name).mkdir()
    played = await bench.play(SCRIPT, **account.inputs)
    assert played.outcome == "blind"
    assert "can't be read" in played.said["it is locked"]
