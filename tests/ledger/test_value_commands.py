"""An auditor who knows a value can tell whether it is the one that was hidden."""

import asyncio

import pytest
from acme import ask, assessed
from open_ledgers import open_ledger
from shelled import Terminal, a_history

from ledger.keys import KeyUnusable
from policies.secrets.hidden_values import hidden_codes
from policies.secrets.redaction import redact
from policies.values.digests import digest_key
from policies.values.refusals import NotUnderstood, Refused

WAITS = assessed(grantable=False)


def hidden_call(url: str) -> Terminal:
    """Return a terminal on a ledger in which `call_9` had two values hidden."""
    terminal = a_history(url)
    given = {"db": {"password": "horse"}, "token": "battery"}
    (key,) = terminal.keys
    shown = redact(given, ())
    codes = hidden_codes("call_9", given, shown.value, key)

    async def record() -> None:
        asking = ask("call_9", WAITS, hidden=shown.hidden, hidden_values=codes)
        await ledger.execute(asking)

    with open_ledger(url) as ledger:
        asyncio.run(record())
    return terminal


@pytest.mark.parametrize(
    ("options", "given", "code", "said"),
    [
        ((), b"horse\n", 0, 'yes: it was hidden at "db.password"'),
        (("--path", "args.db.password"), b"horse", 0, 'yes: it was hidden at "db.password"'),
        (("--path", "token"), b"horse", 1, "no: it is none of the 1 values that can be tested"),
        ((), b"donkey", 1, "no: it is none of the 2 values that can be tested"),
    ],
)
def test_an_auditor_can_test_a_known_value(sqlite_url, options, given, code, said):
    terminal = hidden_call(sqlite_url)
    terminal.given = given

    assert terminal.run("audit", "test-value", "call_9", *options) == code
    assert terminal.lines == [said]


def test_a_value_is_tested_only_where_one_was_hidden(sqlite_url):
    terminal = hidden_call(sqlite_url)
    terminal.given = b"horse"

    with pytest.raises(Refused, match="nothing was hidden in this call"):
        terminal.run("audit", "test-value", "call_3")
    with pytest.raises(
        Refused, match=r'nothing was hidden at "path"; .* at "db.password", "token"'
    ):
        terminal.run("audit", "test-value", "call_9", "--path", "path")
    terminal.keys = ()
    with pytest.raises(Refused, match="keys are not here"):
        terminal.run("audit", "test-value", "call_9")


def test_a_value_hidden_under_a_key_that_is_gone_is_not_said_to_be_another(sqlite_url):
    terminal = hidden_call(sqlite_url)
    terminal.given, terminal.keys = b"horse", (digest_key("another key, of 32 characters or more"),)

    with pytest.raises(KeyUnusable, match="under a key that is not here"):
        terminal.run("audit", "test-value", "call_9")


@pytest.mark.parametrize("given", [b"", b"\n", b"\xff"])
def test_what_is_no_value_is_not_said_to_be_another(sqlite_url, given):
    terminal = hidden_call(sqlite_url)
    terminal.given = given

    with pytest.raises(NotUnderstood, match="standard input"):
        terminal.run("audit", "test-value", "call_9")
