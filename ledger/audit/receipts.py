"""Makes the receipt of one event: what proves it offline, to whoever has the public key."""

import base64
import json
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from ledger.audit.checkpoints import hashes, newest
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CallDecided,
)
from ledger.events.standing_events import GrantIssued
from ledger.proofs.entries import leaf_hash
from ledger.proofs.merkle import inclusion
from ledger.proofs.signed_notes import unvouched
from ledger.proofs.signing import Keys
from ledger.proofs.tlog_proofs import check_receipt, receipt
from ledger.replaying.walking import UNREADABLE, entry_in
from ledger.storage.tables import EVENT
from policies.values.refusals import Refused

_TELLING = tuple(
    event.TOPIC
    for event in (
        ApprovalGiven,
        ApprovalDenied,
        ApprovalExpired,
        ApprovalCancelled,
        ApprovalRequested,
        CallDecided,
        GrantIssued,
    )
)
"""The event that says how a thing was decided: the first of these that its stream has."""


@dataclass(frozen=True)
class Issued:
    """A receipt, of which event it is, and that event's content, which the receipt binds.

    The content is None where it was redacted.
    """

    position: int
    event: str
    text: str
    content: str | None


def position_of(connection: Connection, kind: str, name: str) -> int:
    """Return the position of the event that says how a call, approval or grant was decided."""
    query = select(EVENT.c.type, EVENT.c.position).where(EVENT.c.stream == f"{kind}-{name}")
    found: dict[str, int] = {row.type: row.position for row in connection.execute(query)}
    for topic in _TELLING:
        if topic in found:
            return found[topic]
    raise Refused(f"no event says how the {kind} `{name}` was decided; name one by `--position`")


def issue(connection: Connection, position: int, keys: Keys) -> Issued:
    """Return the receipt of the event at a position, under the newest checkpoint.

    Raises Refused where it is not sealed yet, and where it cannot be proven.
    """
    note = newest(connection)
    size = unvouched(note).size if note is not None else 0
    if note is None or position > size:
        raise Refused(
            f"position {position} is not sealed yet: `placet serve` seals what it records each"
            " second; try again"
        )
    row = _row(connection, position)
    path = inclusion(position - 1, size, lambda *where: hashes(connection, *where))
    proven = _entry(row)
    text = receipt(position - 1, path, note, proven)
    try:
        check_receipt(text, leaf_hash(proven), keys.known(note))
    except Refused as wrong:
        what = f"the event at position {position} cannot be proven; run `placet audit verify`"
        raise Refused(what) from wrong
    return Issued(position=position, event=row["type"], text=text, content=_content(row))


def _content(row: RowMapping) -> str | None:
    if row["code"] is not None:
        return None
    kept = {name: base64.b64encode(row[name]).decode() for name in ("salt", "state")}
    return json.dumps(kept)


def _entry(row: RowMapping) -> bytes:
    try:
        return entry_in(row)
    except UNREADABLE as error:
        what = f"the event at position {row['position']} was changed; run `placet audit verify`"
        raise Refused(what) from error


def _row(connection: Connection, position: int) -> RowMapping:
    query = select(EVENT).where(EVENT.c.position == position)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise Refused(f"there is no event at position {position}; run `placet audit verify`")
    return row
