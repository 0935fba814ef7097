"""Answers `tools/call`: what passed runs, what waits for people climbs the waiting ladder."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from gateway.alarms import Alarms
from gateway.callers.whole_answers import NO_EVENTS, Reply, in_json
from gateway.calls.answers import Answer
from gateway.calls.calling import Call, address, called_off, undecided
from gateway.calls.continuations import restored
from gateway.calls.patience import Pace, Patience
from gateway.calls.relaying import relay_call
from gateway.calls.rounds import Rounds
from gateway.calls.tool_calls import ToolCalls
from gateway.calls.verdicts import VERDICTS, Passed, Pending, Verdict
from gateway.ladder.held_answers import HeldAnswer
from gateway.ladder.held_calls import HeldCall
from gateway.ladder.sending import Sending
from gateway.tasks.task_desk import TaskDesk
from gateway.tasks.task_states import teams_of
from gateway.upstreams import Era
from gateway.wire.errors import Rejected
from gateway.wire.mirrored_headers import check_mirrored
from policies.values.calls import JsonValue, Number, Tool
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

_LOG = logging.getLogger(__name__)

_LONGEST_TOKEN = 1024
"""Characters of a progress token, which is repeated with each sign of life."""


class Ladder:
    """Answers calls: at once where that can be, else by the rung that fits the client.

    Rung 0 decides at once and 1 holds in silence, both in `ToolCalls`. Rung 2
    makes the call a task, 3 holds on with signs of life, 4 answers "pending".
    Each means the same: nothing runs before it is decided, and whoever goes
    away runs nothing.
    """

    def __init__(
        self,
        calls: ToolCalls,
        rounds: Rounds,
        sending: Sending,
        desk: TaskDesk,
        patience: Patience,
        pace: Pace,
        reach: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """Take the collaborators; `pace` is how often held callers hear of it.

        `reach` is called where a test may kill the process.
        """
        self._calls = calls
        self._rounds = rounds
        self._sending = sending
        self._desk = desk
        self._patience = patience
        self._pace = pace
        self._reach = reach
        self._now = now
        self._alarms = Alarms()

    async def answer(self, call: Call) -> Reply | HeldCall:
        """Return the answer to a call, or what it is held by from now on.

        Raises Rejected where there is only an error to tell.
        """
        began = time.monotonic()
        if call.called_off:
            return _called_off(call)
        try:
            tools, name = call.caller.server.toolbox, call.asked.tool
            _check_headers(call, tools.known.get(name) or await tools.find(name, call.request))
            verdict: Verdict | None = None
            if "requestState" in call.message.params:
                verdict = await self._gone_on(call)
            if verdict is None:
                settled = await self._calls.settled(call)
                verdict = settled if isinstance(settled, VERDICTS) else await settled
            match verdict:
                case Passed():
                    deliver = partial(relay_call, call.http, call.request_id, call.owed)
                    return await self._sending.run(call, verdict, deliver)
                case Answer():
                    return in_json(verdict.body(call.request_id, call.request.era))
                case Pending():
                    return await self._waiting(call, verdict, began)
        except asyncio.CancelledError as cancelled:
            return _stopped(call, cancelled)
        except Rejected as rejected:
            address(rejected, call)
            raise
        except Refused as refused:
            raise undecided(refused, call) from refused

    async def _gone_on(self, call: Call) -> Verdict | None:
        """Return the verdict on a call that goes on, with its server's state; None on others."""
        brought = self._rounds.brought(call)
        if brought is None:
            return None
        call.request = restored(call.request, brought)
        return await self._rounds.verdict(call.asked, brought)

    async def _waiting(self, call: Call, pending: Pending, began: float) -> Reply | HeldCall:
        """Make a call a task, or hold it on, where its client bears that; else let it go."""
        await call.whole()
        if not pending.approval.undeliverable:
            task = await self._as_task(call, pending)
            if task is not None:
                return in_json(task)
        token = progress_token(call.message.params)
        longest = self._patience.longest(call.asked.agent.name, progress=token is not None)
        left = began + longest - time.monotonic()
        streams = takes_events(call.http.headers.get("Accept", ""))
        if left <= 0 or not streams or pending.approval.undeliverable:
            answer = self._calls.let_go(pending)
            return in_json(answer.body(call.request_id, call.request.era))
        return await self._begun(call, pending, left, token)

    async def _as_task(self, call: Call, pending: Pending) -> bytes | None:
        """Return the answer that makes a call a task; None where it cannot be one."""
        try:
            task = await self._desk.open(call, pending)
        except BaseException:
            self._calls.let_go(pending)
            raise
        if task is not None:
            self._calls.let_go(pending)
        return task

    async def _begun(
        self, call: Call, pending: Pending, seconds: float, token: str | None
    ) -> HeldCall:
        """Begin the answer to a call, and return what goes on with it."""
        held = HeldAnswer(call.http, call.request_id, token, self._pace, self._alarms, self._now)
        try:
            await held.begin()
        except BaseException:
            self._calls.let_go(pending)
            held.cut()  # nobody knows what was sent of it
            raise
        self._reach("held")
        held.beat(pending.approval.id, teams_of(pending.approval))
        return HeldCall(self._calls, self._sending, call, held, pending, seconds)


def _check_headers(call: Call, tool: Tool | None) -> None:
    """Refuse headers that repeat arguments otherwise, before anything is decided."""
    if tool is not None:
        check_mirrored(
            tool,
            call.message.params.get("arguments"),
            call.http.headers,
            call.message.id,
            required=call.request.era is Era.MODERN,
        )


def _stopped(call: Call, cancelled: asyncio.CancelledError) -> Reply:
    """Return the answer to a call that was called off. Raises `cancelled` where that is not all."""
    if not call.stopped():
        raise cancelled
    return _called_off(call)


def _called_off(call: Call) -> Reply:
    """Return the answer to a call that was called off, without a response where none is due."""
    if not call.ticket.shared and takes_events(call.http.headers.get("Accept", "")):
        return NO_EVENTS
    return in_json(called_off(call))


def progress_token(params: Mapping[str, JsonValue]) -> str | None:
    """Return the progress token of a request as JSON text; None where it has none of use."""
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    text = canonical(token) if isinstance(token, str | Number) else ""
    return text if 0 < len(text) <= _LONGEST_TOKEN else None


def takes_events(accept: str) -> bool:
    """Tell whether a client that sent this `Accept` takes a stream of events (RFC 9110, 12.5.1)."""
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        refused = any(p.startswith("q=") and not p[2:].strip("0.") for p in parameters)
        if kind in {"text/event-stream", "text/*", "*/*"} and not refused:
            return True
    return False
