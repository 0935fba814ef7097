"""Holds a call whose answer has begun, and sends what became of it."""

import asyncio
import logging
from functools import partial

from gateway.callers.whole_answers import Reply
from gateway.calls.answers import Answer
from gateway.calls.calling import Call, called_off, undecided
from gateway.calls.tool_calls import ToolCalls
from gateway.calls.verdicts import Passed, Pending, Verdict
from gateway.ladder.held_answers import HeldAnswer
from gateway.ladder.sending import Sending
from gateway.wire.errors import Code, Rejected
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)


class HeldCall:
    """A call that waits for people, while its caller hears that it does.

    Thousands may be held for hours, so each keeps little.
    """

    __slots__ = ("_answer", "_approval", "_call", "_calls", "_digest", "_seconds", "_sending")

    def __init__(
        self,
        calls: ToolCalls,
        sending: Sending,
        call: Call,
        answer: HeldAnswer,
        pending: Pending,
        seconds: float,
    ) -> None:
        """Take the call and its answer, which has begun; it is held for so many seconds."""
        self._calls = calls
        self._sending = sending
        self._call = call
        self._answer = answer
        self._approval = pending.approval.id
        self._digest = pending.digest
        self._seconds = seconds

    async def ended(self) -> Reply:
        """Hold the call, send how it ended, and return the answer, which is sent."""
        answer = self._answer
        try:
            try:
                verdict = await self._calls.wait(
                    self._call, self._approval, self._digest, self._seconds
                )
            finally:
                answer.still()
            self._call.close()
            await self._told(verdict)
        except asyncio.CancelledError:
            if not self._call.stopped():
                raise
            await self._called_off()
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 (the edge of this answer: its status is sent)
            await answer.tell(_error(error, self._call).body())
        return answer.reply

    async def _told(self, verdict: Verdict) -> None:
        """Send what became of the call down the stream that has begun."""
        call, answer = self._call, self._answer
        match verdict:
            case Passed():
                answer.let_through()
                await self._sending.run(call, verdict, partial(answer.relay, call.owed))
            case Answer():
                await answer.tell(verdict.body(call.request_id, call.request.era))
            case Pending():
                told = self._calls.let_go(verdict)
                await answer.tell(told.body(call.request_id, call.request.era))

    async def _called_off(self) -> None:
        """End the answer to a call that was called off, without a response where none is due."""
        if self._call.ticket.shared:
            await self._answer.tell(called_off(self._call))
        else:
            await self._answer.end()


def _error(error: Exception, call: Call) -> Rejected:
    """Return what to tell of a call that was held and then could not be answered."""
    match error:
        case Rejected():
            error.id = call.request_id if error.id is None else error.id
            return error
        case Refused():
            return undecided(error, call)
        case _:
            _LOG.error("a held call failed", exc_info=error, extra={"call": call.id})
            text = "Placet failed; look into its log"
            return Rejected(500, Code.INTERNAL_ERROR, text, id=call.request_id)
