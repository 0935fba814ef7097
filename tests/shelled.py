"""Runs the ledger's commands as the command line does, on a real ledger."""

import argparse
import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from acme import DIRECTORY, ask, assessed, card, click, evidence, grant, use
from open_ledgers import open_ledger, prepare, real_now

from ledger.commands import register
from ledger.ledger import Ledger
from ledger.lives.calls import CompleteCall
from ledger.proofs.signing import Signer
from ledger.shell import Loaded, Shell
from policies.configuration.configuration import parse_configuration
from policies.rules.policy import compile_policy
from policies.values.digests import DigestKey, digest_key
from policies.values.inert import inert

CONFIGURATION = """
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE, subject: alice@example.com}
  bob: {slack: T0ACME/U0BOB}
  cat: {slack: T0ACME/U0CAT}
  dan: {slack: T0ACME/U0DAN}
  eve: {slack: T0ACME/U0EVE}
teams:
  platform: {channel: C0PLATFORM, approvers: [alice, bob, cat, dan, {group: S0PLATFORM}]}
  security: {channel: C0SEC, approvers: [cat, eve]}
servers:
  files: {command: [files], team: platform}
  vault: {command: [vault], team: security}
agents:
  ci-bot: {team: platform, owner: alice, key: "0123456789abcdef0123456789abcdef"}
slack: {mode: local}
"""

SIGNER = Signer([b"s" * 32])

POLICY = "version: 1\ngrants: {longest: 8h}\n"


@dataclass
class Terminal:
    """Remembers what a command printed, as the root prints it."""

    url: str
    now: Callable[[], datetime] = real_now
    lines: list[str] = field(default_factory=list)
    signer: Signer | None = SIGNER
    keys: tuple[DigestKey, ...] = (digest_key("d" * 32),)
    typed: str | None = None
    given: bytes = b""

    def run(self, *argv: str) -> int:
        """Run one command, and return its exit code; `lines` is what it printed. Raises Refused."""
        self.lines.clear()
        parser = argparse.ArgumentParser(prog="placet")
        kinds = parser.add_subparsers(required=True)
        register(kinds.add_parser, self.shell())
        arguments = parser.parse_args([*argv])
        code: int = arguments.run(arguments)
        return code

    @property
    def text(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    def json(self) -> Any:
        """The one JSON document that was printed."""
        (line,) = self.lines
        return json.loads(line)

    def shell(self) -> Shell:
        """Return the world as the commands see it."""
        configuration = parse_configuration(CONFIGURATION, {}, unsafe_local_approvers=True)
        loaded = Loaded(configuration, compile_policy(POLICY))
        return Shell(
            actor="shell:ops",
            now=self.now,
            load=lambda _: loaded,
            open_ledger=self._open,
            read_ledger=self._read,
            signer=lambda _: self.signer,
            digest_keys=lambda _: self.keys,
            say=self._say,
            ask=self._ask,
            given=lambda: self.given,
            stands_in=lambda _secret: False,
            with_config=_with_config,
        )

    @contextmanager
    def _open(self, _: Path) -> Iterator[Ledger]:
        with open_ledger(self.url, serving=False, instance=None, now=self.now) as ledger:
            yield ledger

    @contextmanager
    def _read(self, _: Path) -> Iterator[Ledger]:
        with Ledger.read(self.url, now=self.now, directory=DIRECTORY) as ledger:
            yield ledger

    def _ask(self, question: str) -> str | None:
        self._say(question)
        return self.typed

    def _say(self, line: str) -> None:
        shown = "\\u{A}".join(inert(part, multiline=True) for part in line.split("\n"))
        assert shown.isprintable()
        self.lines.append(shown)


def _with_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("placet.yaml"))


async def approved_call(ledger: Ledger) -> None:
    """Record `call_1`: asked, shown, refused to its owner, approved by bob, run."""
    await ledger.execute(ask(hidden=2))
    await ledger.execute(card())
    for name in ("alice", "bob"):
        at = await ledger.now()
        await ledger.execute(click(name, at, evidence=evidence(name, at)))
    await ledger.execute(use())
    await ledger.execute(
        CompleteCall(
            id="done-call_1",
            actor="placet:gateway",
            call="call_1",
            outcome="ok",
            duration_ms=1500,
            size=42,
        )
    )


async def granted_call(ledger: Ledger) -> None:
    """Record `call_2`, of another tool's arguments, under `grt_1`, which bob gave."""
    at = await ledger.now()
    await ledger.execute(replace(grant("bob", at), evidence=evidence("bob", at)))
    await ledger.execute(ask("call_2", assessed(), digests=("k1:" + "d2" * 32,)))


async def waiting_call(ledger: Ledger) -> None:
    """Record `call_3`, which waits for `apr_3`: no grant lifts a call that needs a reason."""
    needs_reason = assessed(grantable=False, reason_required=True)
    await ledger.execute(ask("call_3", needs_reason, digests=("k1:" + "d3" * 32,)))


def a_history(url: str) -> Terminal:
    """Record a small history in a fresh ledger and return a terminal on it."""

    async def record() -> None:
        await prepare(ledger)
        await approved_call(ledger)
        await granted_call(ledger)
        await waiting_call(ledger)

    with open_ledger(url) as ledger:
        asyncio.run(record())
    return Terminal(url)


async def calls(url: str, *numbers: int) -> None:
    """Let an agent make calls that are asked about, one for each number."""
    with open_ledger(url) as ledger:
        for number in numbers:
            await ledger.execute(ask(f"call_{number}", digests=(f"k1:{number:064x}",)))


def verdict(terminal: Terminal, *options: str) -> dict[str, Any]:
    """Return what `audit verify` says; its exit code says the same."""
    code = terminal.run("audit", "verify", "--json", *options)
    found: dict[str, Any] = terminal.json()
    assert code == (0 if found["ok"] else 1)
    return found


def checkpoint_kept(terminal: Terminal, folder: Path) -> Path:
    """Write the newest checkpoint into a file outside of the ledger, and return the file."""
    terminal.run("audit", "checkpoint")
    kept = folder / "checkpoints"
    kept.write_text("\n".join([*terminal.lines, ""]))
    return kept
