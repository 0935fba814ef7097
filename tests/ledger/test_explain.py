"""Why a call was decided so, by what held then: whatever has changed since."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import pytest
from acme import (
    ADD_MOLE,
    DIRECTORY,
    PREPARED,
    WRITE_FILE,
    ask,
    card,
    click,
    evidence,
    facts,
    grant,
    use,
)
from open_ledgers import Clock, open_ledger
from shelled import Terminal
from tampering import tamper

from ledger.deciding.accepting import AcceptTools
from ledger.ledger import Ledger
from ledger.lives.agents import RevokeAgent
from ledger.lives.calls import DecideCall
from ledger.lives.grants import RevokeGrant
from ledger.lives.lasting import Lasting, ThisCall
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from ledger.words.card_blocks import card_lines
from policies.conditions.arguments import Scope
from policies.deciding.assessment import assess, unlisted
from policies.risks.risk import classify
from policies.rules.decisions import GrantTerms
from policies.rules.grant_terms import answered
from policies.rules.policy import compile_policy
from policies.secrets.redaction import redact
from policies.values.calls import Call, JsonValue, Number
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

POLICY = """\
# what agents may do
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  # writes are looked at
  - name: motd
    match: {server: files, tool: "write_*"}
    when: args.path == "/etc/motd"
    effect: require_approval

  - {name: secrets, when: 'has(args.password) && args.password == "hunter2"', effect: deny}
  - {name: large, when: args.size > 100, effect: require_approval}
default: allow
"""

STRICT = """\
version: 1
rules:
  - {name: none, match: {server: files}, effect: deny, message: ask people}
"""

BLOCKS = canonical(
    [
        {"type": "header", "text": {"type": "plain_text", "text": "Approval needed: files"}},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "ci-bot, approve\n"},
                        {"type": "user", "user_id": "U0BOB"},
                        {"type": "date", "timestamp": Number("1"), "fallback": " 12:30 UTC"},
                    ],
                },
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": '{\n "path": "/etc/motd"\n}'}],
                },
            ],
        },
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Deny…"}}],
        },
    ]
)
PAINTED = card(blocks=BLOCKS, sha256=sha256(BLOCKS.encode()).hexdigest())


@dataclass
class World:
    """A ledger, its clock, and calls that are decided as a gateway decides them."""

    ledger: Ledger
    clock: Clock
    text: str = POLICY

    async def activate(self, text: str) -> None:
        self.text = text
        digest = sha256(text.encode()).hexdigest()
        await self.ledger.execute(
            ActivatePolicy(
                id=f"p-{digest}", actor="placet:policy", digest=digest, text=text, source="p.yaml"
            )
        )

    def asked(self, call: str, arguments: Mapping[str, JsonValue]) -> DecideCall:
        policy = compile_policy(self.text)
        finding = classify(WRITE_FILE, trusted=False, overrides=policy.risks)
        real = Call("ci-bot", "platform", None, "files", "write_file", arguments)
        assessment = assess(
            real,
            policy,
            tool=WRITE_FILE,
            risk=finding,
            at=self.clock.now(),
            directory=DIRECTORY,
        )
        shown = redact(arguments, ())
        known = facts(
            call,
            arguments=canonical(shown.value),
            hidden=shown.hidden,
            digests=(f"k1:{call}",),
        )
        return replace(ask(call, assessment), facts=known)


MOTD: Mapping[str, JsonValue] = {"path": "/etc/motd", "size": Number("3")}


def recorded(url: str, *calls: Mapping[str, JsonValue], then=None) -> Terminal:
    """Decide `calls` (`call_1`, …) under POLICY, let `then` happen, and return a terminal."""
    clock = Clock()

    async def record() -> None:
        world = World(ledger, clock)
        await ledger.execute(PREPARED[1])
        await world.activate(POLICY)
        for number, arguments in enumerate(calls, 1):
            await ledger.execute(world.asked(f"call_{number}", arguments))
        if then is not None:
            await then(world)

    with open_ledger(url, clock) as ledger:
        asyncio.run(record())
    return Terminal(url, now=clock.now)


async def approved_and_all_changed(world: World) -> None:
    """Approve and use `apr_1`; then change the policy, the tool and the agents."""
    at = await world.ledger.now()
    await world.ledger.execute(PAINTED)
    await world.ledger.execute(click("alice", at))
    await world.ledger.execute(click("bob", at, evidence=evidence("bob", at)))
    assessment = world.asked("call_1", MOTD).assessment
    command = use("call_1", "apr_1", assessment, digests=("k1:call_1",))
    await world.ledger.execute(command)
    await world.activate(STRICT)
    newer = replace(WRITE_FILE, hash="bb" * 32, definition='{"name":"write_file","x":1}')
    await world.ledger.execute(
        SeeTools(id="see-2", actor="placet:gateway", server="files", tools=(newer,))
    )
    await world.ledger.execute(ADD_MOLE)
    await world.ledger.execute(RevokeAgent(id="r", actor="shell:root", agent="mole"))


def test_an_approved_call_is_explained_by_what_held_then(ledger_url) -> None:
    terminal = recorded(ledger_url, MOTD, then=approved_and_all_changed)

    code = terminal.run("audit", "explain", "call_1")

    assert code == 0
    for line in (
        "   6 |   - name: motd",
        '   8 |     when: args.path == "/etc/motd"',
        "   9 |     effect: require_approval",
        "1 of team platform",
        "definition       SHA-256 " + "aa" * 32,
        "accepted         when it was seen at 2026-",
        "| Approval needed: files",
        "| @U0BOB 12:30 UTC",
        '|    "path": "/etc/motd"',
        "| [Deny…]",
        "SHA-256 " + sha256(BLOCKS.encode()).hexdigest() + ", as kept",
        "Slack id T0ACME/U0BOB",
        "the yes of alice does not count (own-request)",
        "the decision     follows",
        "the same call    would be denied",
        '/rules/0 none: deny, "it has no condition"',
    ):
        assert line in terminal.text, line
    assert "bb" * 32 not in terminal.text
    assert "10 |" not in terminal.text


def test_an_approval_stands_for_the_call_that_used_it(sqlite_url) -> None:
    terminal = recorded(sqlite_url, MOTD, then=approved_and_all_changed)

    assert terminal.run("audit", "explain", "apr_1", "--json") == 0

    found = terminal.json()
    assert found["decided"]["state"]["call"] == "call_1"
    assert found["answer"] == "follows"
    assert found["because"] == []
    assert found["policy"]["rules"] == [
        {
            "pointer": "/rules/1",
            "line": 6,
            "lines": POLICY.split("\n")[5:9],
        }
    ]
    assert found["recomputed"]["effects"] == ["require_approval"]
    assert found["now"]["recomputed"]["effects"] == ["deny"]
    assert found["cards"][0]["sha256_is_right"]
    assert [vote["event"] for vote in found["votes"]] == [
        "VoteRefused",
        "VoteCast",
        "ApprovalGiven",
    ]


def test_grants_are_told_as_they_stood_then(sqlite_url) -> None:
    async def granted(world: World) -> None:
        at = world.clock.now()
        given = evidence("bob", at)
        await world.ledger.execute(replace(grant("bob", at, uses=3), evidence=given))
        other = replace(grant("bob", at, grant="grt_2", target="files/read_*"), id="other")
        await world.ledger.execute(replace(other, evidence=given))
        await world.ledger.execute(world.asked("call_1", MOTD))
        await world.ledger.execute(world.asked("call_2", MOTD))
        await world.ledger.execute(RevokeGrant(id="r", actor="shell:ops", grant="grt_1"))

    terminal = recorded(sqlite_url, then=granted)

    assert terminal.run("audit", "explain", "call_2") == 0

    assert "grt_1: files/write_*" in terminal.text
    assert "3 times, used 1; given by bob for platform" in terminal.text
    assert "it was used" in terminal.text
    assert "it was not used: it is for `files/read_*`" in terminal.text
    assert "the decision     follows" in terminal.text
    assert "the same call    would wait for approval" in terminal.text


def test_the_terms_of_a_grant_are_held_against_the_call_that_is_kept(sqlite_url) -> None:
    terms = GrantTerms('args.path == "/etc/motd"', "args.size")

    async def granted(world: World) -> None:
        at = world.clock.now()
        given = replace(grant("bob", at), when=terms.when, sum=terms.sum, at_most="5")
        await world.ledger.execute(replace(given, evidence=evidence("bob", at)))
        for number, arguments in enumerate([MOTD, MOTD], 1):
            asked = world.asked(f"call_{number}", arguments)
            scope = Scope(arguments, {}, {}, at)
            met = answered(asked.assessment, [terms], scope)
            await world.ledger.execute(replace(asked, assessment=met))

    terminal = recorded(sqlite_url, then=granted)

    assert terminal.run("audit", "explain", "call_1") == 0
    assert "it was used" in terminal.text
    assert terminal.run("audit", "explain", "call_2") == 0
    assert "it was not used: 2 are left of it, and the call takes 3" in terminal.text
    change(terminal, "CallDecided", "/etc/motd", "/etc/other")
    assert terminal.run("audit", "explain", "call_1") == 1


def test_a_grant_of_very_arguments_is_told_of_their_calls_and_of_no_others(sqlite_url) -> None:
    async def granted(world: World) -> None:
        at = world.clock.now()
        await world.ledger.execute(PAINTED)
        wanted = Lasting("grt_9", ThisCall(), timedelta(hours=1), timedelta(hours=8))
        await world.ledger.execute(click("bob", at, lasting=wanted))
        again = world.asked("call_2", MOTD)
        facts = again.facts._replace(digests=("k1:call_1",))
        await world.ledger.execute(replace(again, facts=facts))
        await world.ledger.execute(world.asked("call_3", MOTD))

    terminal = recorded(sqlite_url, MOTD, then=granted)

    assert terminal.run("audit", "explain", "call_2") == 0
    assert "under grt_9" in terminal.text
    assert "it was used" in terminal.text
    assert "the decision     follows" in terminal.text
    assert terminal.run("audit", "explain", "call_3") == 0
    assert "it was not used: it is for the very arguments of one call" in terminal.text


@pytest.mark.parametrize(
    ("arguments", "answer", "because"),
    [
        (
            {"path": "/srv/x", "size": Number("3"), "password": "no"},
            "cannot be recomputed",
            "hidden",
        ),
        ({"path": "/srv/x", "size": Number("3"), "password": "hunter2"}, "cannot be", "hidden"),
        ({"path": "/srv/x", "size": Number("3")}, "follows", "/default"),
    ],
)
def test_a_condition_on_a_hidden_value_cannot_be_recomputed(
    sqlite_url, arguments, answer, because
) -> None:
    terminal = recorded(sqlite_url, arguments)

    assert terminal.run("audit", "explain", "call_1") == 0

    assert f"the decision     {answer}" in terminal.text
    assert because in terminal.text


def test_a_hidden_value_that_decides_nothing_is_no_obstacle(sqlite_url) -> None:
    terminal = recorded(sqlite_url, {"token": "s3cret-value", **MOTD})

    assert terminal.run("audit", "explain", "call_1") == 0

    assert "the decision     follows" in terminal.text
    assert "1 values, bound by the keyed digest" in terminal.text


@pytest.mark.parametrize(
    ("before", "after", "because"),
    [
        (
            '"effect":"allow","rules"',
            '"effect":"deny","rules"',
            "recorded is deny, it comes to allow",
        ),
        ('"pointer":"/default"', '"pointer":"/rules/0"', "`/rules/0` is recorded, and does not"),
        ('"policy_digest":"', '"policy_digest":"00', "it names policy 00"),
        ('"size\\":3', '"size\\":300', "`/rules/3` covers the call, and is not recorded"),
    ],
)
def test_a_decision_that_does_not_follow_is_found(sqlite_url, before, after, because) -> None:
    terminal = recorded(sqlite_url, {"path": "/x", "size": Number("3")})
    change(terminal, "CallDecided", before, after)

    assert terminal.run("audit", "explain", "call_1") == 1

    assert "the decision     does not follow" in terminal.text
    assert because in terminal.text


LIMITED = POLICY + "limits: [{name: sizes, sum: args.size, at_most: 10, within: 1h}]\n"


async def until_the_limit_was_reached(world: World) -> None:
    await world.activate(LIMITED)
    for number, size in enumerate(["6", "5", "4"], 2):
        arguments = {"path": "/srv/x", "size": Number(size)}
        await world.ledger.execute(world.asked(f"call_{number}", arguments))


def test_what_a_limit_said_follows_from_the_calls_before(ledger_url) -> None:
    terminal = recorded(ledger_url, then=until_the_limit_was_reached)

    for number in (2, 3, 4):
        assert terminal.run("audit", "explain", f"call_{number}") == 0
        assert "the decision     follows" in terminal.text


@pytest.mark.parametrize(
    ("call", "before", "after", "because"),
    [
        (
            "call_3",
            '"size\\":5',
            '"size\\":3',
            "`/limits/0` is recorded, and had room for the call",
        ),
        (
            "call_4",
            '"size\\":4',
            '"size\\":5',
            "`/limits/0` had no room for the call, and is not recorded",
        ),
    ],
)
def test_a_limit_that_spoke_wrongly_is_found(sqlite_url, call, before, after, because) -> None:
    terminal = recorded(sqlite_url, then=until_the_limit_was_reached)
    change(terminal, "CallDecided", before, after, f"call-{call}")

    assert terminal.run("audit", "explain", call) == 1

    assert because in terminal.text


def test_changed_texts_and_cards_are_found(sqlite_url) -> None:
    terminal = recorded(sqlite_url, MOTD, then=approved_and_all_changed)
    change(terminal, "CardPosted", "/etc/motd", "/etc/harmless")
    assert terminal.run("audit", "explain", "call_1") == 1
    assert "BUT THE BLOCKS THAT ARE KEPT HAVE ANOTHER" in terminal.text

    change(terminal, "PolicyActivated", "/etc/motd", "/etc/other")
    assert terminal.run("audit", "explain", "call_1") == 1
    assert "the text that is kept of the policy has another SHA-256 than it had" in terminal.text


def change(terminal: Terminal, topic: str, before: str, after: str, stream: str = "%") -> None:
    """Change what the first event of a name (and stream) says, behind the ledger's back."""
    statement = (
        "UPDATE ledger_event"
        " SET state = CAST(replace(CAST(state AS TEXT), :before, :after) AS BLOB)"
        " WHERE position = (SELECT min(position) FROM ledger_event"
        " WHERE type = :topic AND stream LIKE :stream)"
    )
    told = {"topic": topic, "stream": stream, "before": before, "after": after}
    tamper(terminal.url, statement, **told)


def test_a_policy_that_cannot_be_read_any_more_is_shown_and_decides_nothing(sqlite_url) -> None:
    odd = "version: 1\nrules: [{name: x, effect: shrug}]\n"

    async def older(world: World) -> None:
        digest = sha256(odd.encode()).hexdigest()
        await world.activate(odd)
        command = ask("call_9", replace(ask().assessment, policy_digest=digest))
        await world.ledger.execute(command)

    terminal = recorded(sqlite_url, then=older)

    assert terminal.run("audit", "explain", "call_9") == 0

    assert "the policy of then: this Placet cannot read its text" in terminal.text
    assert "the same call    cannot be told" in terminal.text


def test_a_call_to_a_tool_that_is_not_listed_follows_from_that_alone(sqlite_url) -> None:
    async def ghostly(world: World) -> None:
        real = Call("ci-bot", "platform", None, "files", "ghost", {})
        assessment = unlisted(real, compile_policy(world.text))
        command = ask("call_1", assessment, tool="ghost", definition_hash="", arguments="{}")
        await world.ledger.execute(command)

    terminal = recorded(sqlite_url, then=ghostly)

    assert terminal.run("audit", "explain", "call_1") == 0
    assert "not in the policy: it is about the tool" in terminal.text
    assert "`unlisted-tool` denies, whatever the policy says" in terminal.text
    assert "none: the server did not list this tool" in terminal.text


def test_a_tool_that_nobody_had_accepted_is_told_with_who_did_later(sqlite_url) -> None:
    async def changed(world: World) -> None:
        newer = replace(WRITE_FILE, hash="bb" * 32, definition='{"name":"write_file","x":1}')
        see = SeeTools(id="see-2", actor="placet:gateway", server="files", tools=(newer,))
        await world.ledger.execute(see)
        for number in (1, 2):
            command = world.asked(f"call_{number}", {"path": "/srv/x", "size": Number("1")})
            known = command.facts._replace(definition_hash="bb" * 32)
            await world.ledger.execute(replace(command, facts=known))
            accept = AcceptTools(
                id="accept", actor="shell:ops", server="files", tools=(("write_file", "bb" * 32),)
            )
            await world.ledger.execute(accept)

    terminal = recorded(sqlite_url, then=changed)

    assert terminal.run("audit", "explain", "call_1") == 0
    assert "accepted         by nobody" in terminal.text
    assert "tool-not-accepted: require_approval" in terminal.text
    assert "the decision     follows" in terminal.text
    assert terminal.run("audit", "explain", "call_2") == 0
    assert "accepted         by shell:ops at " in terminal.text
    change(terminal, "CallDecided", '"rule":"tool-not-accepted"', '"rule":"tool-accepted"')
    assert terminal.run("audit", "explain", "call_1") == 1
    assert "nobody had accepted the tool as it was, and nothing recorded says so" in terminal.text


@pytest.mark.parametrize(
    "blocks",
    ["", "nonsense", "{}", "[1, null]", '[{"type": 7}]', '[{"type": "context", "elements": 1}]'],
)
def test_blocks_of_any_kind_are_shown_somehow(blocks) -> None:
    assert all(isinstance(line, str) for line in card_lines(blocks))


def test_what_was_never_decided_cannot_be_explained(sqlite_url) -> None:
    open_ledger(sqlite_url).close()

    with pytest.raises(Refused, match="there is no call or approval `call_7`"):
        Terminal(sqlite_url).run("audit", "explain", "call_7")


@pytest.mark.parametrize("topic", ["CallDecided", "CardPosted", "PolicyActivated"])
def test_what_was_redacted_is_no_sign_of_a_wrong_decision(sqlite_url, topic) -> None:
    terminal = recorded(sqlite_url, MOTD, then=approved_and_all_changed)
    terminal.run("audit", "log", "--event", topic, "--json")
    position = json.loads(terminal.lines[0])["position"]

    terminal.run("audit", "redact", str(position), "--because", "she asked us to", "--yes")

    assert terminal.run("audit", "explain", "call_1", "--json") == 0
    answer = "follows" if topic == "CardPosted" else "cannot be recomputed"
    assert terminal.json()["answer"] == answer
