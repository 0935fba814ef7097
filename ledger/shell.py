"""What the root hands to a command: the configuration, the ledger and who is asking."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from ledger.ledger import Ledger
from ledger.proofs.signing import Signer
from policies.configuration.configuration import Configuration
from policies.rules.policy import Policy
from policies.values.digests import DigestKey
from policies.values.refusals import Refused

AddCommand: TypeAlias = Callable[..., argparse.ArgumentParser]
"""Adds one command, as `add_parser` of argparse's sub-parsers does."""


class Misconfigured(Refused):
    """A configuration or policy that cannot be used; the message names every error, a line each."""


class Unsaid(Refused):
    """What a command has to say cannot be written, as on a full disk; the message says why."""


@dataclass(frozen=True)
class Loaded:
    """The configuration and the policy it names, both valid."""

    configuration: Configuration
    policy: Policy


@dataclass(frozen=True)
class Shell:
    """The world as a command sees it.

    `actor` is `shell:<user>`; `now` returns the time in UTC; `load`,
    `open_ledger` and `read_ledger` take the path of `placet.yaml` and raise
    Misconfigured; a ledger that is only read has to be there, and may be
    read-only. So does `signer`, whose checkpoints it knows (None without its keys);
    `digest_keys` returns the keys of the digests, none where they are not here;
    `say` prints one line with its control characters made visible, or raises
    Unsaid, and BrokenPipeError where the reader is gone;
    `ask` asks at the terminal and returns what was typed, None without one;
    `given` returns what standard input holds; `stands_in` tells whether a
    secret only stands in for a variable that is not set;
    `with_config` adds `--config` to the parser of a command.
    """

    actor: str
    now: Callable[[], datetime]
    load: Callable[[Path], Loaded]
    open_ledger: Callable[[Path], AbstractContextManager[Ledger]]
    read_ledger: Callable[[Path], AbstractContextManager[Ledger]]
    signer: Callable[[Path], Signer | None]
    digest_keys: Callable[[Path], tuple[DigestKey, ...]]
    say: Callable[[str], None]
    ask: Callable[[str], str | None]
    given: Callable[[], bytes]
    stands_in: Callable[[str], bool]
    with_config: Callable[[argparse.ArgumentParser], None]
