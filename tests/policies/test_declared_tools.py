"""Servers that are no MCP servers declare their tools, and nothing else is known of them."""

from datetime import UTC, datetime

import pytest

from policies.configuration.configuration import Configuration, parse_configuration
from policies.configuration.declared_tools import CLAUDE_CODE, ExternalServer
from policies.deciding.assessment import undeclared
from policies.risks.risk import classify
from policies.rules.decisions import Effect, Term
from policies.rules.policy import compile_policy
from policies.values.calls import Call, Risk, Tool
from policies.values.problems import InvalidDocument

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

FILE = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people: {alice: {slack: T0ACME/U0ALICE}, bob: {slack: T0ACME/U0BOB}}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
servers:
  shell: SECTION
agents: {ci-bot: {team: platform, owner: alice, key: "0123456789-0123456789-0123456789"}}
slack: {mode: socket, bot_token: xoxb-1, app_token: xapp-1}
"""


def parsed(section: str) -> Configuration:
    return parse_configuration(FILE.replace("SECTION", section), {})


def declared(section: str) -> ExternalServer:
    server = parsed(section).servers["shell"]
    assert isinstance(server, ExternalServer)
    return server


def called(tool: str) -> Call:
    return Call("ci-bot", "platform", None, "shell", tool, {})


def test_a_server_without_address_and_command_declares_its_tools():
    server = declared("{external: true, team: platform, tools: {run: Runs a command.}}")

    assert server.declared == {"run": "Runs a command."}
    assert server.undeclared == "deny"


def test_what_is_written_wins_over_the_preset():
    server = declared("{external: true, team: platform, preset: claude-code, tools: {Bash: Mine.}}")

    assert server.declared["Bash"] == "Mine."
    assert server.declared["Read"] == "Reads a file."


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{external: true, team: platform}", "declares no tools"),
        ("{external: false, team: platform, tools: {a: b}}", "`external` must be True"),
        ("{external: true, team: nobody, preset: claude-code}", "there is no team `nobody`"),
        ("{external: true, team: platform, preset: cursor}", "`preset` must be `claude-code`"),
        ("{external: true, team: platform, tools: {'a b': c}}", "is not a tool's name"),
        ("{external: true, team: platform, url: 'http://a/', tools: {a: b}}", "`url` does not go"),
        ("{external: true, team: platform, tools: {a: b}, undeclared: allow}", "`undeclared` must"),
    ],
)
def test_what_cannot_be_meant_is_refused(section, said):
    with pytest.raises(InvalidDocument, match=said):
        parsed(section)


@pytest.mark.parametrize(
    ("tool", "risk"),
    [
        ("Read", Risk.READ),
        ("Grep", Risk.READ),
        ("TaskOutput", Risk.READ),
        ("Write", Risk.WRITE),
        ("Edit", Risk.WRITE),
        ("NotebookEdit", Risk.WRITE),
        ("Bash", Risk.EXECUTE),
        ("Monitor", Risk.EXECUTE),
        ("Skill", Risk.EXECUTE),
        ("Task", Risk.EXECUTE),
        ("KillShell", Risk.DESTRUCTIVE),
        ("ExitWorktree", Risk.DESTRUCTIVE),
    ],
)
def test_the_tools_of_claude_code_have_the_risk_that_they_are(tool, risk):
    known = Tool("claude-code", tool, CLAUDE_CODE[tool], "{}", "")

    assert classify(known, trusted=False).risk is risk


ALLOW = """\
version: 1
rules: [{name: all, match: {}, effect: allow}, {name: no, match: {tool: rm}, effect: deny}]
"""


def test_what_is_not_declared_is_never_allowed_by_a_rule():
    directory = parsed("{external: true, team: platform, undeclared: require_approval}").directory()

    assessment = undeclared(called("read_all"), compile_policy(ALLOW), NOON, directory)

    assert assessment.effect is Effect.REQUIRE_APPROVAL
    assert assessment.risk is Risk.DESTRUCTIVE
    assert assessment.terms == (Term("platform", 1),)
    assert [spoke.rule for spoke in assessment.spoke] == ["undeclared-tool", "all"]


def test_what_is_not_declared_may_be_denied_by_a_rule():
    directory = parsed("{external: true, team: platform, undeclared: require_approval}").directory()

    assessment = undeclared(called("rm"), compile_policy(ALLOW), NOON, directory)

    assert assessment.effect is Effect.DENY
