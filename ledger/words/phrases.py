"""Says names, free text and times so that a line of plain words can hold them."""

import json
import re
from datetime import datetime

from ledger.events.standing_events import GrantIssued
from ledger.lives.grants import Grant

_PLAIN = re.compile(r"[\w.@:/*?-]+", re.ASCII)

SHORT = 160
"""Characters of free text that one line of the log shows."""


def named(text: str) -> str:
    """Return a name as it is, or in quotes where it holds more than a name should."""
    return text if _PLAIN.fullmatch(text) else quoted(text)


def quoted(text: str, limit: int | None = None) -> str:
    """Return free text in quotes, escaped as in JSON; what is over `limit` is counted."""
    if limit is None or len(text) <= limit:
        return json.dumps(text, ensure_ascii=False)
    return (
        f"{json.dumps(text[:limit], ensure_ascii=False)} (and {len(text) - limit} more characters)"
    )


def clock(at: datetime) -> str:
    """Return a time in ISO 8601, UTC, to the microsecond that the ledger keeps."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def several(names: tuple[str, ...]) -> str:
    """Return names joined with `and`."""
    return " and ".join(named(name) for name in names) or "nobody"


def because(text: str | None) -> str:
    """Return a reason after a colon, cut; nothing where there is none."""
    return f": {quoted(text, SHORT)}" if text else ""


def terms_told(grant: GrantIssued | Grant) -> str:
    """Return what a grant asks of the calls under it, after a comma; nothing where nothing."""
    when = "" if grant.when is None else f", where {quoted(grant.when, SHORT)}"
    if grant.sum is None or grant.at_most is None:
        return when
    return f"{when}, at most {grant.at_most} of {quoted(grant.sum, SHORT)} in all"
