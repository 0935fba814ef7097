"""Writes events as rows for spreadsheets, which take cells that begin like a formula for one."""

import csv
import io
from collections.abc import Iterable

from ledger.audit.unbroken import Concerning
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import CallDecided
from ledger.words.phrases import clock
from ledger.words.sentences import sentence
from policies.values.inert import inert

COLUMNS = (
    "position",
    "at",
    "event",
    "actor",
    "agent",
    "on_behalf_of",
    "server",
    "tool",
    "call",
    "approval",
    "grant",
    "person",
    "decision",
    "rules",
    "risk",
    "outcome",
    "reason",
    "policy_digest",
    "what",
    "command_id",
    "correlation_id",
    "causation_id",
)
"""The columns, in order; they are only ever added to, at the end."""

_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""What a formula begins with; the last four are the first four in full width."""

_REASONS = ("reason", "because", "message", "error")


def header() -> str:
    """Return the first row, without its end."""
    return ",".join(COLUMNS)


def row(recorded: Recorded, concerning: Concerning) -> str:
    """Return an event's row, without its end."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(map(cell, _cells(recorded, concerning)))
    return written.getvalue()


def cell(text: str | None) -> str:
    r"""Return text as one cell: on one line, inert, and no formula.

    Text that a spreadsheet could take for a formula, blanks before it or not,
    has an apostrophe put before it. Source:
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if text is None:
        return ""
    shown = inert(text)
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA) else shown


def _cells(recorded: Recorded, concerning: Concerning) -> Iterable[str | None]:
    event = recorded.event
    concern = concerning(event)
    return (
        str(recorded.position),
        clock(recorded.at),
        event.TOPIC,
        recorded.actor,
        concern.agent,
        concern.on_behalf_of,
        concern.server,
        concern.tool or concern.target,
        getattr(event, "call", None),
        getattr(event, "approval", None),
        getattr(event, "grant", None),
        _person(event),
        concern.effect,
        _rules(event),
        getattr(event, "risk", None),
        getattr(event, "outcome", None),
        _reason(event),
        getattr(event, "policy_digest", None),
        sentence(event),
        recorded.command_id,
        recorded.correlation_id,
        recorded.causation_id,
    )


def _person(event: Event) -> str | None:
    """Return who decided, voted or gave, several names with a blank between them."""
    found = getattr(event, "person", None) or getattr(event, "by", None)
    return " ".join(found) if isinstance(found, tuple) else found


def _rules(event: Event) -> str | None:
    if not isinstance(event, CallDecided):
        return None
    return " ".join(rule.rule for rule in event.rules)


def _reason(event: Event) -> str | None:
    found = (getattr(event, name, None) for name in _REASONS)
    return next((text for text in found if text), None)
