"""Installs the sample as a package, without an installer: a module, and what says its entry points."""

import shutil
from pathlib import Path

NAMES = (
    *("printing", "failing", "counting", "lasting", "waiting", "listing"),
    *("drain", "breaking", "whispering", "stopping", "transferring"),
    *("plain", "starred", "listed", "unread", "keyed"),
)
MODULE = "firstline_sample"


def install(folder: Path) -> None:
    """Into a folder that is in `sys.path`."""
    shutil.copy(Path(__file__).with_name("sample.py"), folder / f"{MODULE}.py")
    record = folder / f"{MODULE}-1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1\n")
    points = [f"{name} = {MODULE}:{name}" for name in NAMES]
    points += ["absent = firstline_no_such_module:f", f"twice = {MODULE}:printing", f"twice = {MODULE}:listing"]
    (record / "entry_points.txt").write_text("\n".join(["[firstline.functions]", *points, ""]))
