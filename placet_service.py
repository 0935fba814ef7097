"""What is to be served, and what is then running."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bot.workspace.server import LocalWorkspace
from ledger.ledger import Ledger
from ledger.shell import Loaded
from placet_reload import StandingPolicy
from placet_settings import Unsafe


def _nowhere(_: str) -> None:
    """Go on."""


@dataclass(frozen=True)
class Order:
    """What to serve: the files at `config`, as they were `loaded`, and what may be unsafe.

    `variables` are the environment, of which started servers see a few.
    `page_port` is where the page of a local workspace listens, 0 anywhere.
    `reach` is called at the points where a test may kill the process.
    """

    loaded: Loaded
    config: Path
    unsafe: Unsafe
    variables: Mapping[str, str]
    page_port: int = 0
    reach: Callable[[str], None] = field(default=_nowhere)


@dataclass(frozen=True)
class Service:
    """What is running, and where: base addresses, `slack` only over HTTP.

    `hurry` has it wait no more for what is under way when it ends.
    """

    ledger: Ledger
    policy: StandingPolicy
    workspace: LocalWorkspace | None
    agents: str
    operations: str
    slack: str | None
    hurry: Callable[[], None]


OpenService: TypeAlias = Callable[[Order], AbstractAsyncContextManager[Service]]
"""Serves for the length of a block, and drains at its end. Raises Refused where it cannot."""
