"""The store's file, with real processes that write it and die."""

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import Rejected
from firstline.secret.store import Key, Store, key, new_key

OLD, NEW = key(new_key()), key(new_key())


def store_in(folder: Path, *keys: Key) -> Store:
    return Store(folder / "state" / "secrets.json", lambda: keys or (OLD,))


def test_what_is_kept_is_there_and_each_write_is_a_version(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.set("db", "correct-horse") == 1
    assert store.set("api", "battery-staple") == 2
    assert store.set("db", "correct-horse-2") == 3
    assert store_in(tmp_path).get("db") == "correct-horse-2"
    assert list(store.names()) == ["api", "db"]


def test_no_value_stands_in_the_file_which_its_owner_alone_may_read(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.set("db", "correct-horse")
    assert b"correct-horse" not in store.path.read_bytes()
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in store.path.parent.iterdir()} == {"secrets.json", ".secrets.json.lock"}


def test_a_version_is_not_given_again_to_a_name_that_was_removed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.set("db", "correct-horse")
    store.remove("db")
    assert store.set("db", "correct-horse") == 3
    with pytest.raises(Rejected, match="not in the store"):
        store.remove("api")
    with pytest.raises(Rejected, match="not in the store"):
        store.get("api")


def test_a_value_put_in_anothers_place_does_not_open(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.set("db", "correct-horse")
    store.set("api", "battery-staple")
    content = json.loads(store.path.read_text())
    content["secrets"]["db"] = content["secrets"]["api"]
    store.path.write_text(json.dumps(content))
    with pytest.raises(Rejected, match="does not open"):
        store.get("db")
    assert store.get("api") == "battery-staple"


def test_while_the_key_is_rotated_old_and_new_are_read_and_then_the_new_alone(tmp_path: Path) -> None:
    before = store_in(tmp_path, OLD)
    before.set("db", "correct-horse")
    both = store_in(tmp_path, NEW, OLD)
    both.set("api", "battery-staple")
    assert both.get("db") == "correct-horse"
    assert both.rotate() == ["db"]
    assert both.rotate() == []
    assert store_in(tmp_path, NEW).get("db") == "correct-horse"
    with pytest.raises(Rejected, match=f"wrapped with the key {NEW.id}"):
        before.get("db")


def test_a_rotation_that_cannot_open_one_changes_none(tmp_path: Path) -> None:
    store_in(tmp_path, OLD).set("db", "correct-horse")
    store_in(tmp_path, key(new_key()), OLD).set("lost", "battery-staple")
    with pytest.raises(Rejected, match="wrapped with the key"):
        store_in(tmp_path, NEW, OLD).rotate()
    assert store_in(tmp_path, OLD).get("db") == "correct-horse"


@pytest.mark.parametrize("name", ["", "../db", "a b", ".hidden", "x" * 101])
def test_a_name_is_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(Rejected, match="a name has"):
        store_in(tmp_path).set(name, "correct-horse")


def test_a_file_that_is_no_store_is_said_and_left_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.set("db", "correct-horse")
    store.path.write_text('{"secrets": "gone"}')
    for act in (store.names, lambda: store.set("db", "x" * 9), lambda: store.get("db")):
        with pytest.raises(Rejected, match="is no store"):
            act()
    assert store.path.read_text() == '{"secrets": "gone"}'


def _write(folder: Path, who: int, ready: Any) -> None:
    store = store_in(folder)
    ready.wait()
    for at in range(10):
        store.set(f"of-{who}-{at}", f"value-{who}-{at}")


def test_of_two_who_write_at_once_neither_is_lost(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(3)
    writers = [context.Process(target=_write, args=(tmp_path, who, ready)) for who in range(3)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(30)
    store = store_in(tmp_path)
    assert len(store.names()) == 30
    assert store.get("of-2-9") == "value-2-9"


def _die_at(folder: Path, call: str) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    if call == "replace":
        Path.replace = killed  # type: ignore[method-assign]
    else:
        setattr(os, call, killed)
    store_in(folder, NEW, OLD).rotate()


@pytest.mark.parametrize("call", ["fdopen", "fsync", "replace"])
def test_who_dies_while_rotating_leaves_all_readable_and_the_next_goes_on(tmp_path: Path, call: str) -> None:
    store_in(tmp_path, OLD).set("db", "correct-horse")
    dying = multiprocessing.get_context("fork").Process(target=_die_at, args=(tmp_path, call))
    dying.start()
    dying.join(30)
    assert dying.exitcode == -signal.SIGKILL
    both = store_in(tmp_path, NEW, OLD)
    assert both.get("db") == "correct-horse"
    both.rotate()
    assert store_in(tmp_path, NEW).get("db") == "correct-horse"
    assert {path.name for path in both.path.parent.iterdir()} == {"secrets.json", ".secrets.json.lock"}
