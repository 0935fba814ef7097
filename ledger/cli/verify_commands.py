"""`placet audit verify`, `checkpoint` and `key`: proves the history, to anybody."""

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

from ledger.audit.checkpoints import newest, notes_in
from ledger.audit.verifying import Outside, Verdict, verify
from ledger.keys import KeyUnusable
from ledger.proofs.signed_notes import LONGEST_NOTE, NotANote, NotVouchedFor, VerifyingKey, opened
from ledger.proofs.signing import Given
from ledger.shell import AddCommand, Misconfigured, Shell
from ledger.words.reaching import Progress
from ledger.words.tabulating import machine
from policies.values.refusals import NotUnderstood, Refused

_MOST_BYTES = 64 * LONGEST_NOTE
_UNSEALED = "nothing is sealed yet: `placet serve` seals what it records each second"


def register(add: AddCommand, shell: Shell) -> None:
    """Add `verify`, `checkpoint` and `key` to the commands of `audit`."""
    verifying = add(
        "verify",
        help="prove that the history is the one that was sealed",
        description="Computes the tree over all events anew and compares it with every signed "
        "checkpoint, of the ledger and of files that were kept elsewhere. Exits with 1 and names "
        "the first wrong position where anything differs.",
    )
    shell.with_config(verifying)
    verifying.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a file with checkpoints that was kept elsewhere (repeatable)",
    )
    verifying.add_argument(
        "--since",
        metavar="FILE",
        type=Path,
        help="begin behind the last checkpoint of this file, which was kept elsewhere",
    )
    with_keys(verifying)
    verifying.add_argument("--json", action="store_true", help="one JSON object")
    verifying.set_defaults(run=lambda arguments: _verify(arguments, shell))
    _printing(add, shell)


def _printing(add: AddCommand, shell: Shell) -> None:
    checkpoint = add(
        "checkpoint",
        help="print the newest checkpoint, to be kept elsewhere",
        description="Prints the newest checkpoint, a signed note that anybody can check.",
    )
    shell.with_config(checkpoint)
    checkpoint.set_defaults(run=lambda arguments: _checkpoint(arguments, shell))
    key = add(
        "key",
        help="print the public key that checkpoints are checked with",
        description="Prints the public key of the checkpoints, as signed notes write it.",
    )
    shell.with_config(key)
    key.add_argument("--pem", action="store_true", help="as OpenSSL reads it")
    key.set_defaults(run=lambda arguments: _key(arguments, shell))


def with_keys(parser: argparse.ArgumentParser) -> None:
    """Add `--key` to a command that checks signatures."""
    parser.add_argument(
        "--key",
        metavar="KEY",
        type=_public_key,
        action="append",
        default=[],
        help="a public key that counts too, `name+id+base64` as `placet audit key` prints it",
    )


def keys_of(arguments: argparse.Namespace, shell: Shell) -> Given:
    """Return the keys that count for a command.

    Raises KeyUnusable where there is none, and Misconfigured where the configuration was to
    say which.
    """
    try:
        signer = shell.signer(arguments.config)
    except (KeyUnusable, Misconfigured):
        if not arguments.key:
            raise
        signer = None  # a public key is all that is needed
    if signer is None and not arguments.key:
        raise KeyUnusable(
            "the ledger's keys are not here: set the variables of `ledger`, or give the public"
            " key with `--key`"
        )
    return Given(arguments.key, signer)


def _verify(arguments: argparse.Namespace, shell: Shell) -> int:
    keys = keys_of(arguments, shell)
    outside = [each for path in arguments.checkpoint for each in _outside(path, keys)]
    since = list(_outside(arguments.since, keys))[-1] if arguments.since else None
    progress = Progress()
    with shell.read_ledger(arguments.config) as ledger, progress.shown():
        verdict = asyncio.run(
            ledger.look(lambda seen: verify(seen, keys, outside, progress, since=since))
        )
    if arguments.json:
        shell.say(machine(_as_json(verdict)))
    else:
        for line in _as_text(verdict):
            shell.say(line)
    return 1 if verdict.flaws.count else 0


def _outside(path: Path, keys: Given) -> Iterator[Outside]:
    """Yield the checkpoints of a file. Raises Refused for one that is not the ledger's."""
    try:
        with path.open("rb") as file:
            read = file.read(_MOST_BYTES + 1)
        if len(read) > _MOST_BYTES:
            raise NotUnderstood(f"`{path}` has more than {_MOST_BYTES} bytes: give the end of it")
        notes = notes_in(read.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"`{path}` cannot be read: {error}") from error
    if not notes:
        raise NotUnderstood(f"`{path}` holds no checkpoint")
    for number, note in enumerate(notes, 1):
        source = f"checkpoint {number} of {path.name}"
        try:
            yield Outside(source, opened(note, keys.known(note)))
        except (NotANote, NotVouchedFor) as wrong:
            raise Refused(f"{source} does not count: {wrong}") from wrong


def _public_key(text: str) -> VerifyingKey:
    try:
        return VerifyingKey.parse(text)
    except Refused as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _as_text(verdict: Verdict) -> Iterator[str]:
    flaws = verdict.flaws
    behind = f" behind position {verdict.after}" if verdict.after else ""
    yield f"{verdict.events} events read{behind}, root {verdict.root.hex()}"
    own, others = _counted(verdict.checkpoints), _counted(verdict.outside)
    yield f"{own} of the ledger and {others} kept elsewhere vouch for them"
    unsealed = verdict.after + verdict.events - max(verdict.sealed, verdict.after)
    if unsealed and not flaws.count:
        yield f"the last {unsealed} are not sealed yet"
    elif unsealed:
        yield f"no checkpoint that holds is over the last {unsealed}"
    if not flaws.count:
        unread = "; those before were not read" if verdict.after else ""
        yield f"ok: no event{behind} was changed, removed or moved{unread}"
        return
    many = "1 flaw, it is" if flaws.count == 1 else f"{flaws.count} flaws, the first is"
    yield f"not ok: {many} at position {flaws.lowest}:"
    for flaw in flaws.first:
        yield f"  position {flaw.position}: {flaw.what}"
    if flaws.count > len(flaws.first):
        yield f"  and {flaws.count - len(flaws.first)} more"


def _counted(checkpoints: int) -> str:
    return f"{checkpoints} checkpoint" + "s" * (checkpoints != 1)


def _as_json(verdict: Verdict) -> dict[str, object]:
    flaws = verdict.flaws
    return {
        "ok": not flaws.count,
        "after": verdict.after,
        "events": verdict.events,
        "root": verdict.root.hex(),
        "sealed": verdict.sealed,
        "checkpoints": verdict.checkpoints,
        "checkpoints_kept_elsewhere": verdict.outside,
        "first_wrong_position": flaws.lowest,
        "flaws": [{"position": flaw.position, "what": flaw.what} for flaw in flaws.first],
        "flaws_in_all": flaws.count,
    }


def _checkpoint(arguments: argparse.Namespace, shell: Shell) -> int:
    for line in _newest_note(arguments, shell).splitlines():
        shell.say(line)
    return 0


def _key(arguments: argparse.Namespace, shell: Shell) -> int:
    signer = shell.signer(arguments.config)
    if signer is None:
        raise KeyUnusable("the ledger's keys are not here: set the variables of `ledger`")
    known = signer.known(_newest_note(arguments, shell))
    if not known:
        raise Refused("the newest checkpoint is no note; run `placet audit verify`")
    key = known[0]
    for line in (key.pem() if arguments.pem else str(key)).splitlines():
        shell.say(line)
    return 0


def _newest_note(arguments: argparse.Namespace, shell: Shell) -> str:
    with shell.read_ledger(arguments.config) as ledger:
        note = asyncio.run(ledger.look(newest))
    if note is None:
        raise Refused(_UNSEALED)
    return note
