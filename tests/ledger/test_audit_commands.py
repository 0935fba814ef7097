"""What an auditor types, and what comes back: `audit log` and `audit show`."""

import asyncio
import json
from threading import Thread

import pytest
from acme import ask, click, evidence, grant
from open_ledgers import open_ledger, prepare
from shelled import Terminal, a_history
from tampering import tamper

from ledger.unavailable import Altered
from policies.values.refusals import Refused


@pytest.fixture
def terminal(sqlite_url) -> Terminal:
    return a_history(sqlite_url)


def columns(terminal: Terminal, which: int) -> list[str]:
    return [line.split()[which] for line in terminal.lines]


def test_the_log_has_every_event_in_order_one_on_a_line(ledger_url) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run("audit", "log")

    assert code == 0
    assert columns(terminal, 0) == [str(n) for n in range(1, 16)]
    assert columns(terminal, 2) == [
        "PolicyActivated",
        "ToolSeen",
        "CallDecided",
        "ApprovalRequested",
        "CardPosted",
        "VoteRefused",
        "VoteCast",
        "ApprovalGiven",
        "ApprovalDispatched",
        "CallCompleted",
        "GrantIssued",
        "CallDecided",
        "GrantUsed",
        "CallDecided",
        "ApprovalRequested",
    ]


def test_the_log_is_filtered_by_event_agent_and_server(terminal) -> None:
    terminal.run("audit", "log", "--event", "VoteCast", "--event", "VoteRefused")
    votes = columns(terminal, 2)
    terminal.run("audit", "log", "--agent", "ci-bot")
    bots = columns(terminal, 2)
    terminal.run("audit", "log", "--agent", "helper")
    helpers = terminal.lines.copy()
    terminal.run("audit", "log", "--server", "vault")
    vaults = terminal.lines.copy()
    terminal.run("audit", "log", "--server", "files", "--event", "VoteCast")
    voted = columns(terminal, 2)

    assert votes == ["VoteRefused", "VoteCast"]
    assert bots[:3] == ["CallDecided", "ApprovalRequested", "CardPosted"]
    assert "GrantIssued" in bots
    assert "PolicyActivated" not in bots
    assert helpers == vaults == []
    assert voted == ["VoteCast"]


def test_the_log_is_filtered_by_what_was_decided(ledger_url) -> None:
    terminal = a_history(ledger_url)

    terminal.run("audit", "log", "--decision", "require_approval", "--agent", "ci-bot")
    held = columns(terminal, 2)
    terminal.run("audit", "log", "--decision", "allow")
    allowed = columns(terminal, 2)
    terminal.run("audit", "log", "--decision", "deny")
    denied = terminal.lines.copy()

    assert held == [
        "CallDecided",
        "ApprovalRequested",
        "CardPosted",
        "VoteRefused",
        "VoteCast",
        "ApprovalGiven",
        "ApprovalDispatched",
        "CallCompleted",
        "CallDecided",
        "ApprovalRequested",
    ]
    assert allowed == ["CallDecided", "GrantUsed"]
    assert denied == []


def test_the_log_between_two_times(ledger_url) -> None:
    terminal = a_history(ledger_url)
    terminal.run("audit", "log")
    first, last = columns(terminal, 1)[3], columns(terminal, 1)[7]
    positions = [p for p, at in zip(*both(terminal), strict=True) if first <= at <= last]

    terminal.run("audit", "log", "--since", first, "--until", last)

    assert columns(terminal, 0) == positions


def both(terminal: Terminal) -> tuple[list[str], list[str]]:
    return columns(terminal, 0), columns(terminal, 1)


def test_the_last_few_events(terminal) -> None:
    terminal.run("audit", "log", "--limit", "2")
    newest = columns(terminal, 2)
    terminal.run("audit", "log", "--limit", "1", "--event", "CallDecided")
    decided = terminal.text

    assert newest == ["CallDecided", "ApprovalRequested"]
    assert "call_3" in decided


def test_the_log_for_machines_is_one_object_on_a_line(terminal) -> None:
    terminal.run("audit", "log", "--json")

    events = [json.loads(line) for line in terminal.lines]
    assert [event["position"] for event in events] == list(range(1, 16))
    assert events[2]["event"] == "CallDecided"
    assert events[2]["state"]["arguments"] == '{"content":"hello","path":"/etc/motd"}'
    assert events[6]["actor"] == "person:bob"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "2026-11-23T12:00"], "no time zone; write `2026-11-23T12:00:00Z`"),
        (["--until", "yesterday"], "is no time; write it like"),
        (["--event", "VoteCasted"], "perhaps `VoteCast`"),
        (["--follow", "--until", "now"], "leave one of them out"),
    ],
)
def test_what_the_log_cannot_do_it_says_with_a_hint(sqlite_url, arguments, words) -> None:
    with pytest.raises(Refused, match=words):
        Terminal(sqlite_url).run("audit", "log", *arguments)


@pytest.mark.parametrize("limit", ["0", "-1", "two", "1e3", "9" * 30])
def test_a_limit_is_a_whole_number_above_zero(sqlite_url, limit, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        Terminal(sqlite_url).run("audit", "log", "--limit", limit)

    assert stopped.value.code == 2
    assert "is not a whole number above 0" in capsys.readouterr().err


def test_the_log_of_an_empty_ledger_is_empty(ledger_url) -> None:
    open_ledger(ledger_url).close()
    terminal = Terminal(ledger_url)

    assert terminal.run("audit", "log") == 0
    assert terminal.lines == []


def test_the_log_of_more_than_a_page_is_whole(sqlite_url) -> None:
    async def record() -> None:
        await prepare(ledger)
        commands = [ask(f"call_{n}", digests=(f"k1:{n}",)) for n in range(600)]
        await asyncio.gather(*map(ledger.execute, commands))

    with open_ledger(sqlite_url) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url)

    terminal.run("audit", "log")
    whole = columns(terminal, 0)
    terminal.run("audit", "log", "--limit", "1100", "--agent", "ci-bot")
    newest = columns(terminal, 0)

    assert whole == [str(n) for n in range(1, 1203)]
    assert newest == [str(n) for n in range(103, 1203)]


def test_following_the_log_prints_what_happens_and_ends_with_the_interrupt(ledger_url) -> None:
    terminal = a_history(ledger_url)
    say, happening = terminal._say, Thread(target=lambda: asyncio.run(happen()))

    async def happen() -> None:
        at = await ledger.now()
        await ledger.execute(grant("eve", at, evidence=evidence("eve", at)))

    def say_and_act(line: str) -> None:
        say(line)
        if len(terminal.lines) == 15:
            happening.start()
        if len(terminal.lines) == 16:
            raise KeyboardInterrupt

    terminal._say = say_and_act
    with open_ledger(ledger_url, serving=False) as ledger:
        code = terminal.run("audit", "log", "--follow")
        happening.join()

    assert code == 0
    assert columns(terminal, 2)[14:] == ["ApprovalRequested", "GrantRefused"]


@pytest.mark.parametrize("name", ["call_1", "apr_1"])
def test_a_call_or_its_approval_tells_the_whole_story(ledger_url, name) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run("audit", "show", name)

    events = [line.split()[2] for line in terminal.lines if line.startswith("#")]
    assert code == 0
    assert events == [
        "CallDecided",
        "ApprovalRequested",
        "CardPosted",
        "VoteRefused",
        "VoteCast",
        "ApprovalGiven",
        "ApprovalDispatched",
        "CallCompleted",
    ]
    assert terminal.lines[0].endswith(f"{name}: completed")
    assert "2 values hidden, bound by the keyed digest" in terminal.text
    assert "(policy.yaml, in force since " in terminal.text
    assert "(first seen " in terminal.text


def test_a_call_under_a_grant_tells_of_the_grant(terminal) -> None:
    terminal.run("audit", "show", "call_2")

    events = [line.split()[2] for line in terminal.lines if line.startswith("#")]
    assert events == ["GrantIssued", "CallDecided", "GrantUsed"]


def test_a_grant_tells_of_the_calls_that_used_it(terminal) -> None:
    terminal.run("audit", "show", "grt_1")

    assert "used by call_2" in terminal.text
    assert "call_2: ci-bot calls files/write_file: allow by writes, under grt_1" in terminal.text


def test_a_story_for_machines_is_one_object(terminal) -> None:
    terminal.run("audit", "show", "apr_1", "--json")

    story = terminal.json()
    assert (story["kind"], story["id"], story["status"]) == ("approval", "apr_1", "completed")
    assert len(story["events"]) == 8


def test_as_much_of_an_id_as_names_one_thing_is_enough(ledger_url) -> None:
    terminal = a_history(ledger_url)

    assert terminal.run("audit", "show", "g") == 0
    assert terminal.lines[0] == "grant grt_1: live"


def test_the_beginning_of_several_ids_lists_them(terminal) -> None:
    with pytest.raises(Refused, match="beginning of several: apr_1, apr_3; write more"):
        terminal.run("audit", "show", "apr")


@pytest.mark.parametrize("name", ["call_9", "", "%", "_", "\udcff", "APR_1"])
def test_what_is_not_there_is_refused(terminal, name) -> None:
    with pytest.raises(Refused, match="there is no call or approval or grant"):
        terminal.run("audit", "show", name)


def test_a_hostile_name_is_shown_and_changes_nothing_on_the_terminal(sqlite_url) -> None:
    hostile = "\x1b[2J\u202erm\u200b -rf\n#99  forged"

    async def record() -> None:
        await prepare(ledger)
        await ledger.execute(ask(description=hostile, arguments=json.dumps({"a": hostile})))
        at = await ledger.now()
        await ledger.execute(click("bob", at, approves=False, reason=hostile))

    with open_ledger(sqlite_url) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url)

    terminal.run("audit", "show", "apr_1")
    assert "\\u001b[2J\\u{202E}rm\\u{200B} -rf\\n#99  forged" in terminal.text
    assert not any(line.startswith("#99") for line in terminal.lines)
    terminal.run("audit", "log", "--json")
    assert json.loads(terminal.lines[-1])["state"]["reason"] == hostile


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "log", "--event", "VoteCast"),
        ("audit", "show", "apr_1"),
        ("audit", "explain", "apr_1"),
        ("audit", "diff", "0", "now"),
    ],
)
@pytest.mark.parametrize(
    ("column", "value"), [("type", "Nonsense"), ("state", b"{"), ("at", 10**18)]
)
def test_an_event_that_says_nothing_is_told_in_words(ledger_url, words, column, value) -> None:
    terminal = a_history(ledger_url)
    change = f"UPDATE ledger_event SET {column} = :value WHERE type = 'VoteCast'"
    tamper(ledger_url, change, value=value)

    with pytest.raises(Altered, match=r"it was changed, or .* `placet audit verify`"):
        terminal.run(*words)


@pytest.mark.parametrize("words", [("list", "--all"), ("show", "apr_1")])
def test_a_row_that_says_nothing_is_told_in_words(ledger_url, words) -> None:
    terminal = a_history(ledger_url)
    tamper(ledger_url, "UPDATE projected_approval SET state = '{}'")

    with pytest.raises(Altered, match="`placet audit projections` name what was changed"):
        terminal.run("approvals", *words)
