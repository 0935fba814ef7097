"""What an operator types: approvals, grants and agents, each recorded by `shell:<user>`."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from acme import WRITE_FILE
from open_ledgers import open_ledger
from shelled import Terminal, a_history

from ledger.events.envelopes import Recorded
from ledger.ledger import Ledger
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from ledger.words.phrases import clock
from policies.values.refusals import Refused


@pytest.fixture
def terminal(sqlite_url) -> Terminal:
    return a_history(sqlite_url)


def newest(url: str) -> Recorded:
    async def last(ledger: Ledger) -> Recorded:
        return (await ledger.events())[-1]

    with open_ledger(url, serving=False) as ledger:
        return asyncio.run(last(ledger))


def test_the_open_approvals_are_listed(ledger_url) -> None:
    terminal = a_history(ledger_url)

    assert terminal.run("approvals", "list") == 0

    heading, only = terminal.lines
    assert heading.split()[:4] == ["ID", "STATUS", "AGENT", "TOOL"]
    assert only.startswith("apr_3  pending  ci-bot  files/write_file  ")
    assert only.endswith("platform 0 of 1")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--all"], ["apr_3", "apr_1"]),
        (["--status", "completed"], ["apr_1"]),
        (["--status", "completed", "--status", "pending"], ["apr_3", "apr_1"]),
        (["--all", "--limit", "1"], ["apr_3"]),
        (["--all", "--agent", "ci-bot"], ["apr_3", "apr_1"]),
        (["--all", "--agent", "helper"], []),
        (["--status", "denied"], []),
    ],
)
def test_approvals_are_chosen_by_status_and_agent(terminal, arguments, names) -> None:
    terminal.run("approvals", "list", "--json", *arguments)

    assert [approval["id"] for approval in terminal.json()] == names


def test_no_approvals_are_said_in_words(terminal) -> None:
    terminal.run("approvals", "list", "--status", "denied")

    assert terminal.lines == ["no approvals are denied"]


def test_an_approval_is_shown_as_it_stands(terminal) -> None:
    assert terminal.run("approvals", "show", "apr_1") == 0

    assert terminal.lines[0] == "approval apr_1: completed"
    assert "    agent            ci-bot of platform" in terminal.lines
    assert "    hidden           2 values hidden, bound by the keyed digest" in terminal.lines
    assert "    asks             platform 1 of 1" in terminal.lines
    assert "    refused votes    1" in terminal.lines
    assert "    decided by       bob" in terminal.lines
    assert "    outcome          ok after 1500 ms, 42 bytes" in terminal.lines


def test_an_approval_is_found_by_the_call_that_waits(terminal) -> None:
    terminal.run("approvals", "show", "call_3", "--json")

    assert terminal.json()["id"] == "apr_3"
    assert terminal.json()["status"] == "pending"


def test_a_call_that_asked_for_nothing_has_no_approval_to_show(terminal) -> None:
    with pytest.raises(Refused, match="`call_2` asked for no approval; try `placet audit show`"):
        terminal.run("approvals", "show", "call_2")


def test_a_grant_of_the_shell_is_recorded_by_its_user(ledger_url) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run(
        "grant", "issue", "ci-bot", "vault/*", "--for", "1h30m", "--uses", "3", "--because", "ops"
    )

    recorded = newest(ledger_url)
    assert code == 0
    assert recorded.actor == "shell:ops"
    assert recorded.event.TOPIC == "GrantIssued"
    stored = recorded.event.model_dump()
    assert (stored["by"], stored["reason"], stored["uses"]) == ("shell:ops", "ops", 3)
    assert (stored["until"] - recorded.at).total_seconds() == 5400
    line, note = terminal.lines
    assert line.startswith(f"{stored['grant']}: ci-bot may use vault/* until ")
    assert note.startswith("note: no server lists a tool that vault/* names; ")
    assert line.endswith(", for 3 calls at most")


def test_a_grant_of_the_shell_may_ask_something_of_arguments_and_end_with_a_sum(terminal) -> None:
    when = 'args.path.startsWith("docs/")'
    issue = ("grant", "issue", "ci-bot", "vault/*", "--for", "1h", "--json")

    terminal.run(*issue, "--when", when, "--sum", "args.amount", "--at-most", "500")

    issued = terminal.json()
    assert (issued["when"], issued["sum"], issued["at_most"]) == (when, "args.amount", "500")
    terminal.run("grant", "list")
    (line,) = [line for line in terminal.lines if line.startswith(issued["grant"])]
    assert "0 of any, 0 of 500" in line
    assert line.endswith(
        r'where "args.path.startsWith(\"docs/\")", at most 500 of "args.amount" in all'
    )
    with pytest.raises(Refused, match="there is no `arg`; did you mean `args`"):
        terminal.run(*issue, "--when", "arg.path == 1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["ci-bot", "files/*", "--for", "9h"],
            "the policy allows grants of at most 8h; ask for less",
        ),
        (["ci-bot", "files/*", "--for", "0s"], "longer than nothing"),
        (["nobody", "files/*", "--for", "1h"], "there is no agent `nobody`"),
        (["ci-bot", "files", "--for", "1h"], "write `server/tool`"),
        (["ci-bot", "mail/*", "--for", "1h"], "there is no server `mail`"),
    ],
)
def test_the_caps_of_the_policy_hold_at_the_shell_too(terminal, arguments, words) -> None:
    with pytest.raises(Refused, match=words):
        terminal.run("grant", "issue", *arguments)

    refused = newest(terminal.url)
    assert (refused.event.TOPIC, refused.actor) == ("GrantRefused", "shell:ops")


BARS = ActivatePolicy(
    id="policy-9",
    actor="placet:policy",
    digest="7f" * 32,
    text="version: 1\ngrants: {never: {tool: write_file}}\n",
    source="policy.yaml",
)
"""Has no grant lift calls of `write_file`."""


def test_a_grant_that_would_lift_nothing_is_refused_at_the_shell_too(terminal) -> None:
    with open_ledger(terminal.url) as ledger:
        asyncio.run(ledger.execute(BARS))

    with pytest.raises(Refused, match="no grant lifts calls of `files/write_file`"):
        terminal.run("grant", "issue", "ci-bot", "files/write_file", "--for", "1h")

    refused = newest(terminal.url)
    assert (refused.event.TOPIC, refused.actor) == ("CommandRefused", "shell:ops")


def test_the_shell_says_what_of_a_grant_lifts_nothing(terminal) -> None:
    tools = (WRITE_FILE, replace(WRITE_FILE, name="move_file"))
    see = SeeTools(id="see-9", actor="placet:gateway", server="files", tools=tools)
    with open_ledger(terminal.url) as ledger:
        asyncio.run(ledger.execute(BARS))
        asyncio.run(ledger.execute(see))

    terminal.run("grant", "issue", "ci-bot", "files/*", "--for", "1h")
    some = terminal.lines[1:]
    terminal.run("grant", "issue", "ci-bot", "files/move_*", "--for", "1h")
    none = terminal.lines[1:]
    terminal.run("grant", "issue", "ci-bot", "files/mvoe_file", "--for", "1h")

    assert some == ["note: no grant lifts calls of `files/write_file`: these go on asking"]
    assert none == []
    assert terminal.lines[1].startswith("note: no server lists a tool that files/mvoe_file names")


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (["--when", "args.pth == 'a'"], "`args` has no `pth` at `files/write_file`; did you mean"),
        (["--when", "args.path == 5"], "`args.path` is string at `files/write_file`"),
        (["--sum", "args.path", "--at-most", "5"], "only numbers can be summed"),
    ],
)
def test_a_grant_that_reads_what_no_tool_takes_is_refused_at_the_shell(
    terminal, terms, words
) -> None:
    schema = '{"properties":{"path":{"type":"string"}},"type":"object"}'
    definition = f'{{"inputSchema":{schema},"name":"write_file"}}'
    tool = replace(WRITE_FILE, definition=definition, hash="bb" * 32)
    with open_ledger(terminal.url) as ledger:
        see = SeeTools(id="see-9", actor="placet:gateway", server="files", tools=(tool,))
        asyncio.run(ledger.execute(see))

    with pytest.raises(Refused, match=words):
        terminal.run("grant", "issue", "ci-bot", "files/write_*", "--for", "1h", *terms)

    refused = newest(terminal.url)
    assert (refused.event.TOPIC, refused.actor) == ("CommandRefused", "shell:ops")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ci-bot", "files/*"], "--for"),
        (["ci-bot", "files/*", "--for", "soon"], "is not a duration; write for example 30m"),
        (["ci-bot", "files/*", "--for", "1h", "--uses", "0"], "not a whole number above 0"),
        (["ci-bot", "files/\udcff", "--for", "1h"], "is not text in UTF-8"),
    ],
)
def test_a_grant_that_is_written_wrongly_is_a_matter_of_usage(
    sqlite_url, capsys, arguments, words
) -> None:
    with pytest.raises(SystemExit) as stopped:
        Terminal(sqlite_url).run("grant", "issue", *arguments)

    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_grants_are_listed_and_ended(terminal) -> None:
    terminal.run("grant", "list")
    before = terminal.lines.copy()
    terminal.run("grant", "revoke", "grt", "--because", "done")
    said = terminal.text
    terminal.run("grant", "list")
    after = terminal.lines.copy()
    terminal.run("grant", "list", "--all", "--json")

    assert before[1].startswith("grt_1  live    ci-bot  files/write_*")
    assert said == "grt_1: revoked; no call runs under it any more"
    assert after == ["no grants are in force"]
    assert [(g["id"], g["status"], g["ended_by"]) for g in terminal.json()] == [
        ("grt_1", "revoked", "shell:ops")
    ]


def test_a_grant_that_has_ended_cannot_be_ended_again(terminal) -> None:
    terminal.run("grant", "revoke", "grt_1")

    with pytest.raises(Refused, match="grant `grt_1` is already revoked"):
        terminal.run("grant", "revoke", "grt_1")


def test_an_unknown_grant_is_refused(terminal) -> None:
    with pytest.raises(Refused, match="there is no grant `call_1`"):
        terminal.run("grant", "revoke", "call_1")


def test_an_added_agents_key_is_shown_once_and_only_its_hash_is_kept(ledger_url) -> None:
    terminal = Terminal(ledger_url)

    code = terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")

    key = terminal.lines[-1]
    recorded = newest(ledger_url)
    assert code == 0
    assert len(key) == 43
    assert recorded.actor == "shell:ops"
    assert recorded.event.model_dump() == {
        "agent": "mole",
        "team": "platform",
        "owner": "alice",
        "key_sha256": hashlib.sha256(key.encode()).hexdigest(),
    }
    terminal.run("audit", "log", "--json")
    assert key not in terminal.text


def test_two_agents_never_have_the_same_key(sqlite_url) -> None:
    terminal = Terminal(sqlite_url)
    keys = set()
    for name in ("one", "two"):
        terminal.run("agent", "add", name, "--team", "platform", "--owner", "alice", "--json")
        keys.add(terminal.json()["key"])

    assert len(keys) == 2


@pytest.mark.parametrize(
    ("name", "team", "owner", "words"),
    [
        ("ci-bot", "platform", "alice", "`ci-bot` is in the configuration; choose another name"),
        ("mole", "sales", "alice", "there is no team `sales`"),
        ("mole", "platform", "mallory", "there is no person `mallory`"),
        ("Mole!", "platform", "alice", "`Mole!` is not a name; use up to 64 of a-z"),
        ("", "platform", "alice", "`` is not a name"),
    ],
)
def test_an_agent_that_cannot_be_is_refused(sqlite_url, name, team, owner, words) -> None:
    with pytest.raises(Refused, match=words):
        Terminal(sqlite_url).run("agent", "add", name, "--team", team, "--owner", owner)


def test_agents_of_the_configuration_and_of_the_ledger_are_listed(sqlite_url) -> None:
    terminal = Terminal(sqlite_url)
    terminal.run("agent", "add", "mole", "--team", "security", "--owner", "bob")

    terminal.run("agent", "list", "--json")

    assert [(a["name"], a["from"], a["status"], a["team"]) for a in terminal.json()] == [
        ("ci-bot", "configuration", "live", "platform"),
        ("mole", "ledger", "live", "security"),
    ]


def test_a_revoked_agent_is_listed_as_such_and_its_name_stays_taken(sqlite_url) -> None:
    terminal = Terminal(sqlite_url)
    add = ("agent", "add", "mole", "--team", "platform", "--owner", "alice")
    terminal.run(*add)

    terminal.run("agent", "revoke", "mole", "--because", "left")
    said = terminal.lines.copy()
    terminal.run("agent", "list")

    assert said == ["agent mole is revoked"]
    assert [line.split()[:2] for line in terminal.lines[1:]] == [
        ["ci-bot", "live"],
        ["mole", "revoked"],
    ]
    with pytest.raises(Refused, match="`mole` is already revoked; choose another name"):
        terminal.run(*add)


def test_another_key_is_shown_once_and_only_its_hash_is_kept(ledger_url) -> None:
    terminal = Terminal(ledger_url)
    terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")
    old = terminal.lines[-1]

    code = terminal.run("agent", "rotate", "mole", "--grace", "10m")

    said, recorded = terminal.lines.copy(), newest(ledger_url)
    rotated = recorded.event
    assert code == 0
    assert said[0] == "agent mole has another key, shown this once:"
    assert said[2].startswith("the key before it is good until 20")
    assert (recorded.actor, rotated.agent) == ("shell:ops", "mole")
    assert rotated.key_sha256 == hashlib.sha256(said[1].encode()).hexdigest()
    assert rotated.previous_sha256 == hashlib.sha256(old.encode()).hexdigest()
    assert rotated.previous_until - recorded.at == timedelta(minutes=10)
    terminal.run("audit", "log", "--json")
    assert said[1] not in terminal.text


def test_a_key_that_is_replaced_without_a_word_on_grace_ends_at_once(sqlite_url) -> None:
    terminal = Terminal(sqlite_url)
    terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")

    terminal.run("agent", "rotate", "mole")
    said = terminal.lines.copy()
    terminal.run("agent", "rotate", "mole", "--json")

    assert said[2] == "the key before it ended"
    assert terminal.json()["previous_key_until"] is None
    assert len(terminal.json()["key"]) == 43


def test_the_list_says_what_is_known_of_an_agent_and_its_keys(ledger_url) -> None:
    terminal = Terminal(ledger_url)
    terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")
    added = newest(ledger_url).at
    terminal.run("agent", "rotate", "mole", "--grace", "10m")
    rotated = newest(ledger_url)

    terminal.run("agent", "list")
    shown = terminal.lines.copy()
    terminal.run("agent", "list", "--json")

    (mole,) = (agent for agent in terminal.json() if agent["name"] == "mole")
    assert mole == {
        "name": "mole",
        "status": "live",
        "from": "ledger",
        "team": "platform",
        "owner": "alice",
        "on_behalf_of": None,
        "known_by": "key",
        "added_at": clock(added),
        "key_since": clock(rotated.at),
        "previous_key_until": clock(rotated.event.previous_until),
        "revoked_at": None,
        "last_call_at": None,
    }
    assert shown[-1] == (
        f"the key that mole had before is good until {clock(rotated.event.previous_until)}"
    )


def test_the_list_says_when_an_agent_called_last_and_when_it_was_revoked(ledger_url) -> None:
    a_history(ledger_url)
    terminal = Terminal(ledger_url)
    terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")
    terminal.run("agent", "revoke", "mole")
    revoked = newest(ledger_url).at

    terminal.run("agent", "list", "--json")

    bot, mole = terminal.json()
    assert bot["last_call_at"] is not None
    assert (mole["status"], mole["revoked_at"]) == ("revoked", clock(revoked))


@pytest.mark.parametrize(
    ("name", "words"),
    [("ci-bot", "remove it there"), ("nobody", "there is no agent `nobody`")],
)
def test_an_agent_that_the_ledger_does_not_have_cannot_be_revoked(sqlite_url, name, words) -> None:
    with pytest.raises(Refused, match=words):
        Terminal(sqlite_url).run("agent", "revoke", name)


def test_revoking_says_what_ends_with_the_agent(sqlite_url) -> None:
    terminal = Terminal(sqlite_url)
    terminal.run("agent", "add", "mole", "--team", "platform", "--owner", "alice")
    terminal.run("grant", "issue", "mole", "files/*", "--for", "1h", "--json")
    grant = terminal.json()["grant"]

    terminal.run("agent", "revoke", "mole")

    assert terminal.lines == ["agent mole is revoked", f"grants that ended with it: {grant}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit"],
        ["audit", "show"],
        ["approvals"],
        ["grant"],
        ["agent", "add", "x"],
        ["audit", "replay", "--as-of", "now", "--position", "1"],
        ["approvals", "list", "--status", "nonsense"],
    ],
)
def test_a_command_that_lacks_something_is_a_matter_of_usage(sqlite_url, arguments) -> None:
    with pytest.raises(SystemExit) as stopped:
        Terminal(sqlite_url).run(*arguments)

    assert stopped.value.code == 2


def test_a_freeze_of_the_shell_is_listed_and_lifted_by_somebody_else(ledger_url) -> None:
    terminal = a_history(ledger_url)
    assert terminal.run("freezes") == 0
    assert terminal.lines == ["nothing is frozen"]

    assert terminal.run("freeze", "agent", "ci-bot", "--for", "2h", "--because", "it deletes") == 0

    frozen = newest(ledger_url)
    assert (frozen.actor, frozen.event.TOPIC) == ("shell:ops", "FreezeBegun")
    assert terminal.lines[0].startswith(f"{frozen.event.freeze}: agent `ci-bot` is frozen until ")
    assert terminal.run("freezes") == 0
    row = terminal.lines[1]
    assert f"{frozen.event.freeze}  agent ci-bot  shell:ops  " in row
    assert row.endswith('"it deletes"')
    with pytest.raises(Refused, match="a second person has to lift it"):
        terminal.run("unfreeze", "agent", "ci-bot")
    assert newest(ledger_url).event.TOPIC == "FreezeRefused"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["freeze", "agent"], "write `agent NAME`, `server NAME` or `everything`"),
        (["freeze", "everything", "ci-bot"], "write `agent NAME`, `server NAME` or `everything`"),
        (["freeze", "server", "moon"], "there is no server `moon`"),
        (["unfreeze", "everything"], "everything is not frozen; `placet freezes` names what is"),
        (["unfreeze", "frz_none"], "there is no freeze `frz_none`"),
        (["unfreeze", "robot", "ci-bot"], "`robot` is not `agent` or `server`"),
    ],
)
def test_what_cannot_be_frozen_or_lifted_is_refused_in_words(terminal, arguments, words) -> None:
    with pytest.raises(Refused, match=words):
        terminal.run(*arguments)


def test_what_nobody_signed_off_is_listed_in_words(terminal) -> None:
    assert terminal.run("approvals", "list", "--after-review") == 0
    assert terminal.lines == ["no broken glass waits to be signed off"]

    with pytest.raises(Refused, match="nobody broke the glass of `apr_1`"):
        terminal.run("approvals", "sign-off", "apr_1", "--note", "seen")
