"""Quiet hours are those of the team's own clock, over midnight and over summer time."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError
from whole_files import CONFIGURATION as WHOLE

from policies.configuration.configuration import parse_configuration
from policies.people.quiet_hours import QuietHours, QuietHoursText

EVERY_VARIABLE = dict.fromkeys(("TOKEN", "CI_BOT_KEY", "BOT", "APP", "SIGNING"), "s" * 32)
READ = TypeAdapter(QuietHoursText)


def over(written: str, at: str) -> str:
    hours: QuietHours = READ.validate_python(written)
    return hours.over(datetime.fromisoformat(at).replace(tzinfo=UTC)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T20:59", "2026-11-23T20:59+00:00"),
        ("2026-11-23T21:00", "2026-11-24T06:30+00:00"),
        ("2026-11-24T02:00", "2026-11-24T06:30+00:00"),
        ("2026-11-24T06:30", "2026-11-24T06:30+00:00"),
        ("2026-07-23T20:00", "2026-07-24T05:30+00:00"),
        ("2026-03-28T22:00", "2026-03-29T05:30+00:00"),
    ],
)
def test_what_falls_into_the_night_waits_until_it_ends(at, ends) -> None:
    assert over("22:00-07:30 Europe/Zurich", at) == ends


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-10-25T00:15", "2026-10-25T00:30+00:00"),
        ("2026-10-25T00:45", "2026-10-25T00:45+00:00"),
        ("2026-10-25T01:15", "2026-10-25T01:30+00:00"),
        ("2026-10-25T01:30", "2026-10-25T01:30+00:00"),
        ("2026-03-28T23:00", "2026-03-29T01:30+00:00"),
    ],
)
def test_an_end_in_the_hour_that_comes_twice_or_not_at_all_is_never_in_the_past(at, ends) -> None:
    assert over("20:00-02:30 Europe/Zurich", at) == ends


def test_hours_within_one_day_end_on_that_day() -> None:
    assert over("12:00-13:00 UTC", "2026-11-23T12:30") == "2026-11-23T13:00+00:00"
    assert over("12:00-13:00 UTC", "2026-11-23T13:00") == "2026-11-23T13:00+00:00"


@pytest.mark.parametrize(
    "written",
    [
        *("", "22:00", "22:00-07:00", "22:00-25:00 UTC", "22:00-07:00 Mars/Base", "7-8 UTC", 5),
        *("08:00-08:00 UTC", "22:00-07:00 ../../etc/passwd"),
    ],
)
def test_what_is_no_hours_or_no_zone_is_refused(written) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(written)


def test_a_team_has_its_quiet_hours_and_its_escalation_from_the_file() -> None:
    text = WHOLE.replace(
        "escalate_to: security",
        'escalate_to: security, escalate_after: 10m, quiet_hours: "20:00-07:30 Europe/Zurich"',
    )

    team = parse_configuration(text, EVERY_VARIABLE).directory().teams["platform"]

    assert team.escalate_after == timedelta(minutes=10)
    assert team.quiet_hours is not None
    assert team.quiet_hours.zone.key == "Europe/Zurich"
