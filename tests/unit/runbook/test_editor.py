import subprocess
from pathlib import Path

from firstline.runbook.editor import editors


def git(folder: Path, *arguments: str, author: str = "", committer: str = "") -> None:
    names = {"GIT_AUTHOR_EMAIL": author, "GIT_COMMITTER_EMAIL": committer, "GIT_AUTHOR_NAME": "a"}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_COMMITTER_NAME": "c", **names}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)


def commit(repository: Path, path: str, author: str, committer: str) -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_text(author)
    git(repository, "add", path)
    git(repository, "commit", "-q", "-m", "edit", author=author, committer=committer)


def test_the_last_editors_of_a_folder_are_those_of_its_last_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    commit(tmp_path, "runbooks/mend/runbook.yaml", "Ann@example.com", "ann@example.com")
    commit(tmp_path, "runbooks/mend/mend", "bo@example.com", "Merge@example.com")
    commit(tmp_path, "runbooks/other/runbook.yaml", "cy@example.com", "cy@example.com")
    assert editors(tmp_path / "runbooks" / "mend") == ("bo@example.com", "merge@example.com")


def test_a_folder_without_a_commit_has_no_known_editor(tmp_path: Path) -> None:
    assert editors(tmp_path) == ()
    git(tmp_path, "init", "-q")
    assert editors(tmp_path) == ()
    assert editors(tmp_path / "nowhere") == ()
