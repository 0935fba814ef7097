"""Assembles a command line, and runs one command of it."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from ledger.keys import KeyUnusable
from ledger.ledger import Ledger, LedgerUnavailable
from ledger.proofs.signing import Signer
from ledger.shell import AddCommand, Misconfigured, Shell, Unsaid
from ledger.unavailable import Altered
from ledger.words.reaching import Interrupted
from placet_keys import keys_beside, signer_beside
from placet_settings import ledger_url, load_beside, stands_in, user
from placet_usage import Parser
from policies.values.digests import DigestKey, WeakSecret
from policies.values.inert import inert
from policies.values.refusals import NotUnderstood, Refused

VERSION = "0.1.0"

Register: TypeAlias = Callable[[AddCommand, Shell], None]
"""Adds commands to the command line."""


INTERRUPTED = 130
"""The exit code of what somebody at the terminal ended, as shells tell it: 128 and SIGINT."""

_NO_ANSWER = (NotUnderstood, Unsaid, LedgerUnavailable, KeyUnusable, WeakSecret)
"""Refusals that say nothing of what was asked: it could not be looked at, or not be told."""


def run(argv: Sequence[str] | None, registers: Sequence[Register]) -> int:
    """Run one of the commands that `registers` add. Returns its exit code.

    0 is all well, 1 the answer is no, 2 that there is none: usage, configuration,
    or what cannot be read; 130 that it was interrupted.
    """
    arguments = _parser(registers).parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except Misconfigured as wrong:
        print(inert(str(wrong), multiline=True), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except Refused as refused:
        print(f"placet: {inert(str(refused), multiline=True)}", file=sys.stderr)
        if isinstance(refused, Interrupted):
            return INTERRUPTED
        told = isinstance(refused, Altered) or not isinstance(refused, _NO_ANSWER)
        return 1 if told else 2
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain of it
        return 2
    return code


def clock() -> datetime:
    """Return the time in UTC: the only look at the wall clock."""
    return datetime.now(UTC)  # noqa: TID251  the root hands the clock in


def say(line: str) -> None:
    r"""Print one line; whatever is invisible in it, and a line feed, shows as `\u{…}`.

    Raises Unsaid, and BrokenPipeError.
    """
    if sys.stdout is None:  # it was closed before we began
        raise Unsaid("the output is closed, so nothing can be said")
    try:
        print("\\u{A}".join(inert(part, multiline=True) for part in line.split("\n")), flush=True)
    except OSError as error:
        sys.stdout = None  # Python would try again at its end, and end otherwise
        if isinstance(error, BrokenPipeError):
            raise
        raise Unsaid(f"the output cannot be written ({error.strerror})") from None


def _parser(registers: Sequence[Register]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="placet",
        description="Decides every tool call of AI agents by policy and by people in Slack.",
        epilog="Exit codes: 0 all is well, 1 the answer is no, 2 usage, configuration, or what"
        " cannot be read.",
    )
    parser.add_argument("--version", action="version", version=f"placet {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    shell = Shell(
        actor=f"shell:{user()}",
        now=clock,
        load=load_beside,
        open_ledger=_open_ledger,
        read_ledger=_read_ledger,
        signer=_signer,
        digest_keys=_digest_keys,
        say=say,
        ask=_ask,
        given=sys.stdin.buffer.read,
        stands_in=stands_in,
        with_config=_with_config,
    )
    for register in registers:
        register(commands.add_parser, shell)
    return parser


@contextmanager
def _open_ledger(path: Path) -> Iterator[Ledger]:
    configuration = load_beside(path).configuration
    with Ledger.open(
        ledger_url(configuration, path),
        now=clock,
        directory=configuration.directory(),
        serving=False,
    ) as opened:
        yield opened


@contextmanager
def _read_ledger(path: Path) -> Iterator[Ledger]:
    configuration = load_beside(path).configuration
    url, directory = ledger_url(configuration, path), configuration.directory()
    with Ledger.read(url, now=clock, directory=directory) as opened:
        yield opened


def _signer(path: Path) -> Signer | None:
    return signer_beside(load_beside(path).configuration, path)


def _digest_keys(path: Path) -> tuple[DigestKey, ...]:
    return keys_beside(load_beside(path).configuration, path) or ()


def _ask(question: str) -> str | None:
    return input(inert(question)) if sys.stdin.isatty() else None


def _with_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("placet.yaml"),
        metavar="FILE",
        help="the configuration (default: placet.yaml)",
    )
