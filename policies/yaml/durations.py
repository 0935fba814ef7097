"""Reads durations like `30s`, `15m`, `8h` and `7d`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from policies.yaml.validation import Wrong

_PARTS = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,6})ms)?")
_ADVICE = "write a number and a unit, for example `30s`, `15m`, `8h` or `7d`"


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that `text` writes (units d, h, m, s, ms, in this order), or None."""
    found = _PARTS.fullmatch(text)
    if found is None or not text:
        return None
    days, hours, minutes, seconds, milliseconds = (int(part or 0) for part in found.groups())
    return timedelta(
        days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds
    )


def written(duration: timedelta) -> str:
    """Return `duration` as a person writes it, in its largest whole unit: `90s`, `15m`, `8h`."""
    milliseconds = duration // timedelta(milliseconds=1)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def _read(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    duration = parse_duration(value) if isinstance(value, str) else None
    if duration is None:
        raise Wrong("is not a duration", _ADVICE)
    return duration


def between(value: timedelta, *, least: timedelta, most: timedelta) -> timedelta:
    """Return `value`. Raises Wrong where it is not within `least` and `most`."""
    if not least <= value <= most:
        raise Wrong(
            f"must be between {written(least)} and {written(most)}",
            "write a duration within these bounds",
        )
    return value


_Text = Annotated[
    str, Field(pattern=r"^(?=.)(\d{1,6}d)?(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?(\d{1,6}ms)?$")
]
Duration = Annotated[timedelta, BeforeValidator(_read, json_schema_input_type=_Text)]
"""A duration in a file."""
