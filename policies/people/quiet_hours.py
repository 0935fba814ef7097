"""Hours of the day in which a team is not reminded of what waits for it."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field

from policies.yaml.validation import Wrong

_WRITTEN = re.compile(r"^([0-2]?\d:[0-5]\d)\s*-\s*([0-2]?\d:[0-5]\d)\s+([A-Za-z0-9_+/-]{1,64})$")
_ADVICE = "write for example `22:00-07:00 Europe/Zurich`, with a time zone of the IANA database"


@dataclass(frozen=True)
class QuietHours:
    """From `begin` to `end` of each day by the clock of `zone`; they may go over midnight."""

    begin: time
    end: time
    zone: ZoneInfo

    def over(self, at: datetime) -> datetime:
        """Return `at`, or the end of the quiet hours that it falls into; both are UTC."""
        local = at.astimezone(self.zone)
        over_midnight = self.begin > self.end
        late = local.time() >= self.begin
        early = local.time() < self.end
        if not (late or early if over_midnight else late and early):
            return at
        day = local.date() + timedelta(days=1 if over_midnight and late else 0)
        end = datetime.combine(day, self.end, self.zone)
        if end.astimezone(at.tzinfo) < at:  # that hour comes twice, and it is the second time
            end = end.replace(fold=1)
        return end.astimezone(at.tzinfo)


def _read(value: object) -> object:
    if isinstance(value, QuietHours):
        return value
    found = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Wrong("are no quiet hours", _ADVICE)
    try:
        begin, end = (time.fromisoformat(part.zfill(5)) for part in found.groups()[:2])
        hours = QuietHours(begin, end, ZoneInfo(found[3]))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise Wrong("name a time or a time zone that there is not", _ADVICE) from error
    if begin == end:
        raise Wrong("begin when they end", _ADVICE)
    return hours


_Text = Annotated[str, Field(pattern=_WRITTEN.pattern)]
QuietHoursText = Annotated[QuietHours, BeforeValidator(_read, json_schema_input_type=_Text)]
"""Quiet hours in a file, like `22:00-07:00 Europe/Zurich`."""
