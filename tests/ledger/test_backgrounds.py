"""What stands behind a request: the policy of then, and what became of like requests."""

import acme
from open_ledgers import Clock, open_ledger, prepare

from ledger.audit.backgrounds import background
from ledger.lives.policy_in_force import ActivatePolicy


async def test_the_policy_of_then_and_like_requests_are_found_whatever_came_after(ledger_url):
    clock = Clock()
    ledger = open_ledger(ledger_url, clock)
    await prepare(ledger)
    helper = acme.DIRECTORY.agents["helper"]
    for call, agent in (("call_1", None), ("call_2", None), ("call_3", helper)):
        facts = {"digests": (f"k1:{call:0>64}",)} | ({"agent": agent} if agent else {})
        await ledger.execute(acme.ask(call, **facts))
        clock.advance(1)
    other = acme.facts("call_4", tool="read_file", definition_hash="", digests=("k1:44",))
    asked = acme.ask("call_4", acme.assessed(tool="read_file"))
    await ledger.execute(type(asked)(id="d4", actor="a", facts=other, assessment=asked.assessment))
    await ledger.execute(
        ActivatePolicy(id="p2", actor="a", digest="ee" * 32, text="version: 1\n", source="p")
    )
    request = (await ledger.approval("apr_1")).request

    known = await ledger.look(lambda connection: background(connection, request))

    ledger.close()
    assert known.tool.hash == acme.WRITE_FILE.hash
    assert known.policy == "version: 1\nrules: []\n"
    assert [each.id for each in known.own] == ["apr_2"]
    assert [each.id for each in known.others] == ["apr_3"]


async def test_a_name_that_no_database_keeps_is_looked_for_as_it_is_kept(ledger_url):
    ledger = open_ledger(ledger_url)
    await prepare(ledger)
    for number in (1, 2):
        facts = {"tool": "write\0file", "definition_hash": "", "digests": (f"k1:{number}",)}
        asked = acme.ask(f"call_{number}", acme.assessed(tool="write\0file"), **facts)
        await ledger.execute(asked)
    request = (await ledger.approval("apr_1")).request

    known = await ledger.look(lambda connection: background(connection, request))

    ledger.close()
    assert [each.id for each in known.own] == ["apr_2"]
    assert known.tool is None


async def test_of_many_like_requests_the_newest_are_told_and_no_more(sqlite_url):
    clock = Clock()
    ledger = open_ledger(sqlite_url, clock)
    await prepare(ledger)
    for number in range(12):
        await ledger.execute(acme.ask(f"call_{number}", digests=(f"k1:{number:064}",)))
        clock.advance(1)
    request = (await ledger.approval("apr_0")).request

    known = await ledger.look(lambda connection: background(connection, request))

    ledger.close()
    assert [each.id for each in known.own] == [f"apr_{number}" for number in range(11, 3, -1)]
