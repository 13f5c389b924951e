"""How `incidents.csv` and the runbook's `history.csv` were made from the published log.

`python -m firstline.demo.extract incident_event_log.zip` writes both again.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from firstline.demo.incidents import LoggedIncident

COUNT = 200
HERE = Path(__file__).parent
INCIDENTS = HERE / "incidents.csv"
HISTORY = HERE / "folder" / "mappings" / "incident-desk" / "runbooks" / "look-back" / "history.csv"

PAST = ["number", "opened_at", "category", "subcategory", "u_symptom", "location", "assignment_group", "resolved_at"]

Row = dict[str, str]


def read_log(archive: Path) -> dict[str, Row]:
    """The first event of each incident, by number."""
    first: dict[str, Row] = {}
    with zipfile.ZipFile(archive) as zipped, zipped.open("incident_event_log.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
            first.setdefault(row["number"], row)
    return first


def iso(text: str) -> str:
    """`29/2/2016 01:16` in ISO 8601; a missing time stays empty."""
    return datetime.strptime(text, "%d/%m/%Y %H:%M").isoformat(timespec="minutes") if text != "?" else ""


def clean(row: Row) -> Row:
    times = {"opened_at", "resolved_at"}
    return {name: iso(value) if name in times else value.replace("?", "") for name, value in row.items()}


def earliest(rows: Iterable[Row], count: int = COUNT) -> list[Row]:
    cleaned = [clean(row) for row in rows]
    return sorted(cleaned, key=lambda row: (row["opened_at"], row["number"]))[:count]


def write(path: Path, fields: list[str], rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    rows = earliest(read_log(Path(sys.argv[1])).values())
    write(INCIDENTS, list(LoggedIncident.model_fields), rows)
    write(HISTORY, PAST, rows)


if __name__ == "__main__":
    main()
