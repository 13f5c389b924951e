"""What of old runs goes, and what stays."""

from pathlib import Path

from firstline.executors.process.run_directory import RunDirectory


def strip(directory: Path, before: float) -> list[str]:
    """Remove the output and the directories of all runs that ended before (seconds since 1970). One that has not ended,
    or whose end nobody saw, keeps everything; and each keeps its records, so that it never begins again. Returns what
    could not be removed, in words."""
    try:
        paths = [path for path in directory.iterdir() if path.is_dir()]
    except OSError as error:
        return [str(error)]
    faults = []
    for path in paths:
        run = RunDirectory(path)
        ended_at = run.ended_at()
        if ended_at is not None and ended_at < before and not run.is_bare():
            try:
                run.strip()
            except OSError as error:
                faults.append(f"{path}: {error}")
    return faults
