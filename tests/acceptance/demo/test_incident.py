"""The extract of real incidents: true to its source, and blind to the future."""

import csv
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from firstline.demo import extract
from firstline.demo.incidents import LoggedIncident, all_incidents, paced

SOURCE = Path(__file__).parents[4] / "shared" / "data" / "incident_event_log.zip"
LOOK_BACK = extract.HISTORY.parent / "look-back"
OUTCOMES = {"resolved_at", "closed_at", "closed_code", "resolved_by"}


@pytest.mark.skipif(not SOURCE.exists(), reason=f"the whole log, too large to carry, is not at {SOURCE}")
def test_the_extract_is_what_the_source_gives() -> None:
    rows = extract.earliest(extract.read_log(SOURCE).values())
    assert [LoggedIncident.model_validate({k: r[k] for k in LoggedIncident.model_fields}) for r in rows] == list(
        all_incidents()
    )
    assert [{name: row[name] for name in extract.PAST} for row in rows] == history()


def test_it_is_the_first_two_hundred_in_the_order_of_their_opening() -> None:
    incidents = all_incidents()
    assert len(incidents) == 200
    assert [i.opened_at for i in incidents] == sorted(i.opened_at for i in incidents)


def test_nothing_of_the_outcome_is_created_in_the_tool() -> None:
    assert not OUTCOMES & set(LoggedIncident.model_fields)
    assert not OUTCOMES & {name for incident in all_incidents() for name in incident.record()}


def test_what_is_missing_in_the_log_is_left_out() -> None:
    unknown = next(incident for incident in all_incidents() if not incident.category)
    assert "category" not in unknown.record()
    assert unknown.title.startswith("unknown / ")


def test_the_pace_keeps_the_proportions_of_the_opening_times() -> None:
    incidents = all_incidents()
    due = [at for at, _ in paced(incidents, 20.0)]
    assert due[0] == 0.0
    assert due[-1] == pytest.approx(20.0)
    assert due == sorted(due)
    first, last = incidents[0].opened_at, incidents[-1].opened_at
    assert due[100] / 20.0 == pytest.approx((incidents[100].opened_at - first) / (last - first))


def test_looking_back_counts_only_what_had_opened_before() -> None:
    told = look_back("INC0000195")
    assert told.startswith("INC0000195: Category 53 / Subcategory 127 / Symptom 470, opened 2016-02-29 11:00")
    before = [r for r in history() if same_group(r) and r["opened_at"] < "2016-02-29T11:00"]
    assert f"{len(before)} like it opened before" in told


def test_looking_back_knows_no_end_that_had_not_come_yet() -> None:
    """All of this wave were resolved two days later: at the opening of the last of them, none was."""
    assert "0 of them resolved so far." in look_back("INC0000195")


def test_looking_back_tells_an_end_that_had_come() -> None:
    assert "1 of them resolved so far, in 0.6 h at the median" in look_back("INC0000137")


def test_the_first_of_its_kind_is_said_to_be_that() -> None:
    assert "The first of its kind" in look_back("INC0000073")


def test_a_number_that_is_not_in_the_log_is_refused() -> None:
    done = subprocess.run([LOOK_BACK, "INC9999999"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (1, "INC9999999 is not in the desk's log\n")


@pytest.mark.parametrize("number", [i.number for i in all_incidents()][::20])
def test_taking_the_future_away_changes_no_answer(tmp_path: Path, number: str) -> None:
    """The same script beside a history that ends with this incident, its ends in the future removed."""
    this = next(row for row in history() if row["number"] == number)
    past = [dict(row) for row in history() if (row["opened_at"], row["number"]) <= (this["opened_at"], number)]
    for row in past:
        if row["resolved_at"] > this["opened_at"]:
            row["resolved_at"] = ""
    (tmp_path / "look-back").write_bytes(LOOK_BACK.read_bytes())
    (tmp_path / "look-back").chmod(0o755)
    extract.write(tmp_path / "history.csv", extract.PAST, past)
    assert look_back(number, tmp_path / "look-back") == look_back(number)


def look_back(number: str, script: Path = LOOK_BACK) -> str:
    return subprocess.run([script, number], capture_output=True, text=True, timeout=30, check=True).stdout


def history() -> list[dict[str, str]]:
    with extract.HISTORY.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same_group(row: dict[str, str]) -> bool:
    assert datetime.fromisoformat(row["opened_at"])
    return (row["category"], row["subcategory"], row["u_symptom"]) == ("Category 53", "Subcategory 127", "Symptom 470")
