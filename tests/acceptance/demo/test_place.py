"""The demo's folder and processes: nobody else's things are touched, and nothing is left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from firstline.demo.place import held, render
from firstline.demo.process import Processes, marked
from firstline.errors import Misdeclared


def test_a_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    with held(tmp_path / ".demo") as place:
        (place.hub / "state").mkdir(parents=True)
        (place.root / "stray").write_text("old")
    with held(tmp_path / ".demo") as place:
        assert not place.hub.exists()
        assert not (place.root / "stray").exists()
        assert place.shop.is_dir()


def test_a_folder_with_somebody_elses_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Misdeclared, match="is not the demo's"), held(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_demos_in_one_folder_are_refused(tmp_path: Path) -> None:
    with held(tmp_path / ".demo") as place:
        (place.shop / "kept").write_text("by the first")
        with pytest.raises(Misdeclared, match="another demo is running"), held(tmp_path / ".demo"):
            pass
        assert (place.shop / "kept").exists()


def test_the_template_gets_the_ports_and_paths_of_this_run(tmp_path: Path) -> None:
    root = tmp_path / 'a "b" c'
    with held(root) as place:
        render(place, {8085: 40001, 8480: 40002})
        assert 'listen = "127.0.0.1:40002"' in (place.hub / "firstline.toml").read_text()
        mapping = (place.hub / "mappings/shop/mapping.yaml").read_text()
        assert "port: 40001" in mapping
        assert 'a \\"b\\" c/shop' in mapping
        assert "/srv/" not in mapping


def test_scripts_are_executable_wherever_the_template_comes_from(tmp_path: Path) -> None:
    with held(tmp_path / ".demo") as place:
        render(place, {})
        assert (place.hub / "mappings/shop/runbooks/restart-web/stop").stat().st_mode & 0o111
        assert not (place.hub / "mappings/shop/mapping.yaml").stat().st_mode & 0o111


def test_stopping_ends_what_a_process_has_left_in_another_session(tmp_path: Path) -> None:
    processes = Processes(tmp_path, tmp_path)
    leaver = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True); print('left', flush=True)"
    processes.start("leaver", [sys.executable, "-c", leaver])
    processes.running["leaver"].wait()
    assert list(marked(tmp_path))
    processes.stop_all()
    assert not list(marked(tmp_path))


def test_stopping_ends_a_process_that_does_not_want_to(tmp_path: Path) -> None:
    processes = Processes(tmp_path, tmp_path)
    processes.start("deaf", ["sh", "-c", "trap '' TERM; while :; do sleep 60; done"])
    processes.stop_all(grace=0.2)
    assert not list(marked(tmp_path))


def test_the_next_start_ends_what_a_killed_demo_has_left(tmp_path: Path) -> None:
    root = tmp_path / ".demo"
    with held(root) as place:
        left = subprocess.Popen(["sleep", "60"], env={"FIRSTLINE_DEMO": str(place.root), "PATH": "/usr/bin:/bin"})
    with held(root):
        assert left.wait(10) == -9
