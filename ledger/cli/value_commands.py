"""`placet audit test-value`: whether a known value is the one that was hidden in a call."""

import argparse
import asyncio

from sqlalchemy import Connection

from ledger.cli.audit_commands import the_one
from ledger.events.events import CallDecided
from ledger.keys import KeyUnusable
from ledger.shell import AddCommand, Shell
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.words.phrases import quoted
from policies.secrets.hidden_values import HiddenCode, holds
from policies.values.refusals import NotUnderstood, Refused

_BEGINNING = "args."


def register(add: AddCommand, shell: Shell) -> None:
    """Add `test-value` to the commands of `audit`."""
    testing = add(
        "test-value",
        help="tell whether a known value is the one that was hidden in a call",
        description="Reads a value from standard input and tells whether it is one that was "
        "hidden in a call's arguments: exit code 0 for yes, 1 for no.",
    )
    shell.with_config(testing)
    testing.add_argument("call", metavar="CALL", help="its id, or as much of it as names one only")
    testing.add_argument("--path", metavar="PATH", help="only there, such as `args.db.password`")
    testing.set_defaults(run=lambda arguments: _test(arguments, shell))


def _test(arguments: argparse.Namespace, shell: Shell) -> int:
    keys = shell.digest_keys(arguments.config)
    if not keys:
        raise KeyUnusable("the ledger's keys are not here: set the variables of `ledger`")
    with shell.read_ledger(arguments.config) as ledger:
        event = asyncio.run(ledger.look(lambda seen: _decision(seen, arguments.call)))
    candidate = _candidate(shell.given())
    hidden = [HiddenCode(each.path, each.code) for each in event.hidden_values]
    if arguments.path is not None:
        path = arguments.path.removeprefix(_BEGINNING)
        hidden = [each for each in hidden if each.path == path]
    if not hidden:
        raise Refused(_nothing(event, arguments.path))
    answers = {each: holds(candidate, event.call, each, keys) for each in hidden}
    found = [each.path for each, answer in answers.items() if answer]
    for path in dict.fromkeys(found):
        shell.say(f"yes: it was hidden at {quoted(path)}")
    if not found and None in answers.values():
        raise KeyUnusable(
            "some values were hidden under a key that is not here; see `old_digest_keys`"
        )
    if not found:
        shell.say(f"no: it is none of the {len(hidden)} values that can be tested")
    return 0 if found else 1


def _decision(connection: Connection, text: str) -> CallDecided:
    _, name = the_one(connection, text, ("call",))
    found = History(RecordMapper()).after(connection, 0, stream=f"call-{name}", limit=1)
    event = found[0].event if found else None
    if not isinstance(event, CallDecided):
        raise Refused(f"no event says how the call `{name}` was decided")
    return event


def _candidate(given: bytes) -> str:
    """Return the value that was given, without the line feed that ends it."""
    try:
        text = given.decode()
    except UnicodeDecodeError as error:
        raise NotUnderstood("the value on standard input is not text in UTF-8") from error
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise NotUnderstood(
            "give the value on standard input; on the command line others could see it"
        )
    return text


def _nothing(event: CallDecided, path: str | None) -> str:
    if event.hidden_values:
        there = ", ".join(dict.fromkeys(quoted(each.path) for each in event.hidden_values))
        return f"nothing was hidden at {quoted(path or '')}; values were hidden at {there}"
    if event.hidden:
        return "the values of this call cannot be tested: no codes of them are kept"
    return "nothing was hidden in this call"
