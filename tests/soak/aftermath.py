"""What must hold once everything has come to rest, whatever died before."""

import contextlib
import json
import logging
from collections import Counter

from scenarios.stage import clock, until
from soak.crowd import LOST, RAN, Crowd

from gateway.calls.answers import Told
from ledger.events.events import ApprovalDispatched, CallDecided
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CallStatus

_OPEN = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED, ApprovalStatus.DISPATCHED)
_REST = 90.0
_LOG = logging.getLogger("soak")


async def check_calls(crowd: Crowd) -> None:
    """Check that every call came to one end, and that each end is true."""
    assert len(crowd.told) == crowd.made
    runs = Counter(arguments["path"] for _, arguments in crowd.stage.server.runs)
    tools = {arguments["path"]: tool for tool, arguments in crowd.stage.server.runs}
    assert "drop_table" not in tools.values()
    assert [path for path, end in crowd.told.items() if end == RAN and path not in runs] == []
    ran_though = {end for path, end in crowd.told.items() if path in runs}
    assert Told.DENIED_BY_POLICY not in ran_though


async def check_ledger(crowd: Crowd) -> None:
    """Check that nothing is open any more, and that history, tables and cards agree.

    Each approval was used at most once, and a call that people decide ran as
    often as approvals were used for it: one that lost its answer asks anew.
    """
    stage = crowd.stage
    with Ledger.open(stage.ledger_url, now=clock, serving=False) as ledger:

        async def settled() -> bool:
            if await ledger.approvals(*_OPEN):
                return False
            calls = [await ledger.call(each.call) for each in await _decided(ledger)]
            return not any(call is None or call.status is CallStatus.RUNNING for call in calls)

        await until(settled, _REST)
        recorded = [one.event for one in await ledger.events(limit=1_000_000)]
        decided = await _decided(ledger)
    paths = {event.call: json.loads(event.arguments)["path"] for event in decided}
    used = [event for event in recorded if isinstance(event, ApprovalDispatched)]
    assert len({event.approval for event in used}) == len(used)
    allowed = Counter(paths[event.call] for event in used)
    runs = Counter(args["path"] for tool, args in stage.server.runs if tool == "write_file")
    assert runs <= allowed, runs - allowed
    known = {*paths.values()}
    assert [path for path, end in crowd.told.items() if end != LOST and path not in known] == []
    await _all_painted(crowd)
    for proof in ("projections", "verify"):
        code, out, errors = await stage.run("audit", proof)
        assert code == 0, out + errors


async def _decided(ledger: Ledger) -> list[CallDecided]:
    recorded = await ledger.events(limit=1_000_000)
    return [one.event for one in recorded if isinstance(one.event, CallDecided)]


async def _all_painted(crowd: Crowd) -> None:
    """Wait until no card asks for what is decided.

    A copy of a card that a crash left between Slack's answer and our record is
    known, and painted, once somebody presses its button: each is pressed once.
    """
    with contextlib.suppress(TimeoutError):
        await until(lambda: _painted(crowd), _REST)
    _LOG.info("%s copies of cards were left by crashes", len(crowd.open_cards()))
    for copy in crowd.open_cards():
        await crowd.press(copy)
    await until(lambda: _painted(crowd), _REST)


async def _painted(crowd: Crowd) -> bool:
    """Tell whether no card asks for what is decided."""
    return not crowd.open_cards()
