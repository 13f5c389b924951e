"""When the entries of schedules are: each kind of repetition, time zones, exclusions."""

from datetime import UTC, datetime, timedelta

import pytest

from firstline.errors import Rejected
from firstline_servicenow.schedule import spans

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
FOUR_WEEKS = MONDAY + timedelta(weeks=4)


def entry(**more: str) -> dict[str, str]:
    """From 22:00 to 23:00 on Monday the second of November, in the schedule's zone."""
    return {"name": "e", "start_date_time": "20261102T220000", "end_date_time": "20261102T230000", **more}


def days(**more: str) -> list[int]:
    return [start.day for start, _ in spans([entry(**more)], "", MONDAY, FOUR_WEEKS)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [2]),
        ({"repeat_type": "NULL_OVERRIDE"}, [2]),
        ({"repeat_type": "daily", "repeat_count": "7"}, [2, 9, 16, 23]),
        ({"repeat_type": "weekdays", "repeat_until": "20261109"}, [2, 3, 4, 5, 6, 9]),
        ({"repeat_type": "weekends"}, [7, 8, 14, 15, 21, 22, 28, 29]),
        ({"repeat_type": "weekMWF", "repeat_until": "20261106"}, [2, 4, 6]),
        ({"repeat_type": "weekTT", "repeat_until": "20261112"}, [3, 5, 10, 12]),
        ({"repeat_type": "specific", "days_of_week": "1,3", "repeat_until": "20261111"}, [2, 4, 9, 11]),
        ({"repeat_type": "weekly", "repeat_until": "00000000"}, [2, 9, 16, 23]),
        ({"repeat_type": "weekly", "repeat_count": "2", "days_of_week": "15"}, [2, 6, 16, 20]),
    ],
)
def test_entries_repeat_by_days_and_weeks(rule: dict[str, str], expected: list[int]) -> None:
    assert days(**rule) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"repeat_type": "monthly"}, [(11, 2), (12, 2), (1, 2)]),
        ({"repeat_type": "monthly", "monthly_type": "dom", "repeat_count": "2"}, [(11, 2), (1, 2)]),
        ({"repeat_type": "monthly", "monthly_type": "ldom"}, [(11, 30), (12, 31), (1, 31)]),
        ({"repeat_type": "monthly", "monthly_type": "dow"}, [(11, 2), (12, 7), (1, 4)]),
        ({"repeat_type": "monthly", "monthly_type": "ldow"}, [(11, 30), (12, 28), (1, 25)]),
        ({"repeat_type": "yearly"}, [(11, 2)]),
    ],
)
def test_entries_repeat_by_months_and_years(rule: dict[str, str], expected: list[tuple[int, int]]) -> None:
    found = spans([entry(**rule)], "UTC", MONDAY, datetime(2027, 2, 1, tzinfo=UTC))
    assert [(start.month, start.day) for start, _ in found] == expected


def test_a_year_later_it_is_on_again() -> None:
    next_year = MONDAY.replace(year=2027)
    found = spans([entry(repeat_type="yearly", yearly_type="doy")], "", next_year, next_year + timedelta(days=3))
    assert found == [(datetime(2027, 11, 2, 22, tzinfo=UTC), datetime(2027, 11, 2, 23, tzinfo=UTC))]


def test_the_schedules_zone_counts_and_its_summer_time() -> None:
    rule = entry(start_date_time="20261018T220000", end_date_time="20261018T230000", repeat_type="weekly")
    (before, _), (after, _) = spans([rule], "Europe/Berlin", *(datetime(2026, 10, day, tzinfo=UTC) for day in (18, 26)))
    assert (before.hour, after.hour) == (20, 21)


def test_a_time_in_utc_repeats_by_the_schedules_zone() -> None:
    rule = entry(start_date_time="20261102T013000Z", end_date_time="20261102T023000Z", repeat_type="specific")
    (first, _), *_ = spans([{**rule, "days_of_week": "7"}], "US/Pacific", MONDAY - timedelta(days=1), FOUR_WEEKS)
    assert first == datetime(2026, 11, 2, 1, 30, tzinfo=UTC)  # a Sunday evening there


@pytest.mark.parametrize("end", ["20261103T235959", "20261104T000000"])
def test_all_day_goes_to_the_end_of_its_last_day(end: str) -> None:
    rule = entry(start_date_time="20261102T000000", end_date_time=end, all_day="true")
    assert spans([rule], "", MONDAY, FOUR_WEEKS) == [(MONDAY, MONDAY + timedelta(days=2))]


def test_one_that_began_before_the_time_asked_for_is_told_of() -> None:
    freeze = entry(start_date_time="20261001T000000", end_date_time="20261130T000000")
    assert len(spans([freeze], "", MONDAY, MONDAY + timedelta(hours=1))) == 1


def test_what_only_touches_the_time_asked_for_is_not() -> None:
    assert spans([entry()], "", MONDAY + timedelta(hours=23), FOUR_WEEKS) == []
    assert spans([entry()], "", MONDAY, MONDAY + timedelta(hours=22)) == []


def test_what_an_entry_excludes_is_taken_out() -> None:
    hole = entry(type="exclude", start_date_time="20261102T221500", end_date_time="20261102T223000")
    ten = MONDAY + timedelta(hours=22)
    minutes = [timedelta(minutes=minute) for minute in (0, 15, 30, 60)]
    assert spans([entry(), hole], "", MONDAY, FOUR_WEEKS) == [
        (ten + minutes[0], ten + minutes[1]),
        (ten + minutes[2], ten + minutes[3]),
    ]


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"repeat_type": "yearly", "yearly_type": "float"}, "repetition"),
        ({"repeat_type": "when the moon is full"}, "repetition"),
        ({"start_date_time": "soon"}, "'soon' is no time"),
        ({"repeat_until": "20261345"}, "is no date"),
    ],
)
def test_an_entry_that_cant_be_computed_is_not_taken_for_none(rule: dict[str, str], word: str) -> None:
    with pytest.raises(Rejected, match=word):
        days(**rule)


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Rejected, match="Middle-earth"):
        spans([entry()], "Middle-earth/Shire", MONDAY, FOUR_WEEKS)
