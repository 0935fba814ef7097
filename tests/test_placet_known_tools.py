"""A policy that reads what no known tool has is refused by `placet check`, and not taken over."""

import asyncio
from datetime import UTC, datetime

import pytest

import placet
from gateway.wire.definitions import tools_of
from ledger.ledger import Ledger
from ledger.lives.tools import SeeTools
from placet_reload import StandingPolicy
from policies.rules.policy import compile_policy

CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:0", operations: "127.0.0.1:1"}
people: {bob: {slack: T0ACME/U0BOB}}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
servers: {files: {command: [files], team: platform}}
slack: {mode: local}
"""
GOOD = "version: 1\nrules: [{name: r, when: args.path == '/etc', effect: deny}]\n"
WRONG = GOOD.replace("args.path", "args.pth")
SAID = "policy.yaml:2:30: `args` has no `pth` at `files/read`; did you mean `args.path`?"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
SEEN = SeeTools(
    id="seen",
    actor="test",
    server="files",
    tools=tools_of("files", [{"name": "read", "inputSchema": SCHEMA}]),
)


def now():
    return datetime.now(UTC)  # noqa: TID251  the test is the root here


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "placet.yaml").write_text(CONFIGURATION)
    (tmp_path / "policy.yaml").write_text(WRONG)
    return tmp_path


def check(folder):
    return placet.main(["check", "--config", str(folder / "placet.yaml")])


def test_before_a_tool_was_seen_nothing_is_known_and_no_ledger_begins(folder):
    assert check(folder) == 0
    assert not (folder / "placet.db").exists()


async def test_check_tells_an_argument_that_no_tool_has(folder, capsys):
    with Ledger.open(f"sqlite:///{folder}/placet.db", now=now, serving=False) as ledger:
        await ledger.execute(SEEN)

    code = await asyncio.to_thread(check, folder)

    assert code == 1
    assert SAID in capsys.readouterr().err


class File:
    """A policy file as the root reads it."""

    text = WRONG

    def read(self):
        return self.text

    def compile(self, text):
        return compile_policy(text)

    def owner(self):
        return None


async def test_a_changed_policy_that_reads_what_no_tool_has_is_not_taken_over(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/placet.db", now=now, serving=False) as ledger:
        await ledger.execute(SEEN)
        file = File()
        policy = StandingPolicy(ledger, compile_policy(GOOD), file, ["files"])
        await policy.begin()

        await policy.look()

        assert policy.troubles() == [SAID]
        assert policy().text == GOOD

        file.text = GOOD.replace("deny", "require_approval")
        await policy.look()

        assert policy.troubles() == []
        assert policy().text == file.text
