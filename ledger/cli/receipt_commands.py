"""`placet audit receipt`: writes the proof of one decision, and checks one without a ledger."""

import argparse
import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from ledger.audit.receipts import Issued, issue, position_of
from ledger.cli.argument_types import position
from ledger.cli.audit_commands import the_one
from ledger.cli.verify_commands import keys_of, with_keys
from ledger.clock import moment
from ledger.keys import KeyUnusable
from ledger.proofs.entries import HMAC_BYTES, Header, header_in
from ledger.proofs.signed_notes import Checkpoint
from ledger.proofs.signing import Keys
from ledger.proofs.tlog_proofs import proven_entry, read_receipt
from ledger.shell import AddCommand, Misconfigured, Shell, Unsaid
from ledger.words.phrases import clock, named
from policies.values.authentication_codes import code
from policies.values.refusals import NotUnderstood, Refused

_MOST_BYTES = 4_000_000


def register(add: AddCommand, shell: Shell) -> None:
    """Add `receipt` to the commands of `audit`."""
    receipt = add(
        "receipt",
        help="write the proof of one decision, for whoever has the public key",
        description="Writes a C2SP tlog-proof of the event that decided an approval, a call or a "
        "grant; with --verify it checks one, which needs no ledger.",
    )
    shell.with_config(receipt)
    what = receipt.add_mutually_exclusive_group(required=True)
    what.add_argument("id", metavar="ID", nargs="?", help="an approval, a call or a grant")
    what.add_argument("--position", metavar="N", type=position, help="any event, by its position")
    what.add_argument("--verify", metavar="FILE", type=Path, help="check this receipt")
    receipt.add_argument(
        "--output", metavar="FILE", type=Path, help="write it there (default: `<ID>.tlog-proof`)"
    )
    receipt.add_argument(
        "--content",
        metavar="FILE",
        type=Path,
        help="the event's content and its salt: written beside the receipt, or checked with it",
    )
    with_keys(receipt)
    receipt.set_defaults(run=lambda arguments: _receipt(arguments, shell))


def _receipt(arguments: argparse.Namespace, shell: Shell) -> int:
    if arguments.verify:
        return _verify(arguments, shell, _public_keys(arguments, shell))
    keys = keys_of(arguments, shell)

    def work(connection: Connection) -> tuple[str, Issued]:
        if arguments.position is not None:
            return f"position-{arguments.position}", issue(connection, arguments.position, keys)
        kind, name = the_one(connection, arguments.id)
        return name, issue(connection, position_of(connection, kind, name), keys)

    with shell.read_ledger(arguments.config) as ledger:
        name, issued = asyncio.run(ledger.look(work))
    if arguments.content and issued.content is None:
        raise Refused(
            f"the content of position {issued.position} was redacted; leave out `--content`"
        )
    output = arguments.output or Path(f"{name}.tlog-proof")
    _write(output, issued.text)
    shell.say(f"{output}: {issued.event} at position {issued.position}")
    if arguments.content and issued.content is not None:
        _write(arguments.content, issued.content + "\n")
        shell.say(f"{arguments.content}: what the event says, and its salt")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unsaid(f"`{path}` cannot be written: {error.strerror}") from error


def _public_keys(arguments: argparse.Namespace, shell: Shell) -> Keys:
    """Return the keys that a receipt is checked with. Raises KeyUnusable and Misconfigured."""
    try:
        return keys_of(arguments, shell)
    except Misconfigured:
        if arguments.config.exists():
            raise
        raise KeyUnusable(
            "the public key is not here: give it with `--key`, or name the configuration of the"
            " ledger with `--config`"
        ) from None


def _verify(arguments: argparse.Namespace, shell: Shell, keys: Keys) -> int:
    try:
        entry, checkpoint = _proven(_read(arguments.verify), keys)
        content = _proven_content(arguments.content, entry) if arguments.content else None
    except NotUnderstood:
        raise  # nothing was looked at
    except Refused as wrong:
        shell.say(f"not ok: {wrong}")
        return 1
    for line in _said(header_in(entry), checkpoint, content):
        shell.say(line)
    return 0


def _proven(text: bytes, keys: Keys) -> tuple[bytes, Checkpoint]:
    """Return the entry that a receipt proves, and the checkpoint that covers it. Raises Refused."""
    said = read_receipt(text)
    entry, checkpoint = proven_entry(text, keys.known(said.note))
    if header_in(entry).position != said.index + 1:
        raise Refused("the event has another position than its place in the tree")
    return entry, checkpoint


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise NotUnderstood(f"`{path}` cannot be read: {error.strerror}") from error


def _proven_content(path: Path, entry: bytes) -> str:
    """Return the event's content, which the entry binds. Raises Refused where it does not."""
    try:
        kept = json.loads(_read(path))
        salt, state = (base64.b64decode(kept[name], validate=True) for name in ("salt", "state"))
        content = state.decode()
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"`{path}` does not hold the content of an event") from error
    if not hmac.compare_digest(code(salt, state), entry[-HMAC_BYTES:]):
        raise Refused(f"`{path}` is not the content of this event")
    return content


def _said(header: Header, checkpoint: Checkpoint, content: str | None) -> Iterator[str]:
    yield f"ok: {header.type} at position {header.position} of {checkpoint.origin}"
    yield f"  recorded at {clock(moment(header.at))} for {named(header.actor)}"
    yield f"  it belongs to {named(header.correlation_id)}"
    yield f"  under the checkpoint of {checkpoint.size} events, root {checkpoint.root.hex()}"
    if content is not None:
        yield f"  {content}"
