"""Sends a call that may run to its server, hands the answer on, and notes how it ended."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from aiohttp import web

from gateway.errors import Code, Rejected
from gateway.headers import SESSION
from gateway.meters import Meters
from gateway.outcomes import Ended, Outcomes
from gateway.passing import Caller, Passage
from gateway.reading_outcomes import Outcome, OutcomeReader
from gateway.relaying import relay
from gateway.resuming import Resumable
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from policies.inert import inert_line
from policies.redaction import redact_text
from policies.strict_json import canonical

_LONGEST_ERROR = 500
_LEFT = "the caller went away before the answer; the server was told to stop, and may have run it"


@dataclass
class _Run:
    """One call at its server: what is seen of its answer, and whether its end is noted."""

    call: str
    server: str
    request: UpstreamRequest
    show: bool
    began: float
    forwarding: "asyncio.Future[UpstreamAnswer] | None" = None
    answer: UpstreamAnswer | None = None
    reader: OutcomeReader | None = None
    ended: bool = False

    @property
    def era(self) -> Era:
        """The era of the call."""
        return self.request.era


class Dispatcher:
    """Runs calls that passed the gate, each once, and notes the end of every one.

    A caller of 2026-07-28 that goes away cancels its call (transports,
    "Cancellation"). Before that version going away is no cancellation: the
    server's answer is awaited, and its outcome noted.
    """

    def __init__(
        self,
        outcomes: Outcomes,
        passage: Passage,
        resumable: Resumable,
        meters: Meters,
        reach: Callable[[str], None],
    ) -> None:
        """Take the collaborators; `reach` is called where a test may kill the process."""
        self._passage = passage
        self._resumable = resumable
        self._outcomes = outcomes
        self._meters = meters
        self._reach = reach
        self._left: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(
        self,
        http: web.BaseRequest,
        caller: Caller,
        request: UpstreamRequest,
        call: str,
        *,
        show: bool,
    ) -> web.StreamResponse:
        """Return the server's answer to the call. Raises Rejected where there is none to give."""
        run = _Run(call, caller.server.name, request, show, time.monotonic())
        self._meters.running(1)
        try:
            answer = await self._forwarded(run, caller.server.upstream)
            run.answer = self._passage.as_callers(answer, caller)
            return await self._relayed(http, run, run.answer)
        except UpstreamFailed as failure:
            self._end(run, Outcome("failed", _brief(str(failure))))
            self._begin(_close(run.answer))
            raise _rejected(failure, run.era) from failure
        except (asyncio.CancelledError, ConnectionError):
            self._leave(run)
            raise
        except BaseException:
            self._end(run, Outcome("failed", "Placet failed while it handed the answer on"))
            self._begin(_close(run.answer))
            raise

    async def stop(self, seconds: float = 0.0) -> None:
        """Wait for the calls whose callers went away, at most `seconds`; then let all go.

        What is let go has no outcome: nobody can know it, and the ledger will say so.
        """
        if self._left and seconds > 0:
            await asyncio.wait(self._left, timeout=seconds)
        self._stopping = True
        for task in tuple(self._left):
            task.cancel()
        if self._left:
            await asyncio.wait(self._left)

    async def _forwarded(self, run: _Run, upstream: Upstream) -> UpstreamAnswer:
        """Return the head of the server's answer; in the legacy era it comes in any case."""
        if run.era is Era.MODERN:
            return await upstream.forward(run.request)
        run.forwarding = asyncio.ensure_future(upstream.forward(run.request))
        return await asyncio.shield(run.forwarding)

    async def _relayed(
        self, http: web.BaseRequest, run: _Run, answer: UpstreamAnswer
    ) -> web.StreamResponse:
        run.reader = OutcomeReader(answer, show=run.show)
        response = await relay(http, answer, run.reader.feed)
        if answer.stream is not None:
            await answer.stream.aclose()
        self._reach("forwarded")
        self._conclude(run, run.reader)
        return response

    def _conclude(self, run: _Run, reader: OutcomeReader) -> None:
        """Note how a call ended whose answer was read; its client may have to ask for the rest."""
        session = run.request.headers.get(SESSION)
        message = run.request.message
        if session is None or message is None or reader.answered or not reader.resumable:
            self._end(run, reader.outcome())
            return
        self._resumable.leave(
            (run.server, session), canonical(message["id"]), lambda found: self._end(run, found)
        )

    def _leave(self, run: _Run) -> None:
        """See to a call whose caller went away."""
        if run.reader is not None and run.reader.answered:
            self._end(run, run.reader.outcome())
        elif self._stopping:
            self._let_go(run)
        elif run.era is Era.LEGACY:
            self._begin(self._finish(run))
            return
        else:
            self._end(run, Outcome("failed", _LEFT))
        if run.forwarding is not None and not run.forwarding.done():
            run.forwarding.cancel()
        self._begin(_close(run.answer))

    async def _finish(self, run: _Run) -> None:
        """Read an answer to its end that nobody waits for."""
        try:
            if run.answer is None:
                assert run.forwarding is not None, "a legacy call is forwarded by a task"
                run.answer = await run.forwarding
            if run.reader is None:
                run.reader = OutcomeReader(run.answer, show=run.show)
                run.reader.feed(run.answer.body or b"")
            if run.answer.stream is not None:
                async for chunk in run.answer.stream:
                    run.reader.feed(chunk)
            self._conclude(run, run.reader)
        except UpstreamFailed as failure:
            self._end(run, Outcome("failed", _brief(str(failure))))
        except asyncio.CancelledError:
            self._let_go(run)
            raise
        finally:
            await _close(run.answer)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    def _end(self, run: _Run, outcome: Outcome) -> None:
        if run.ended:
            return
        self._let_go(run)
        self._meters.ended(outcome.name)
        self._outcomes.note(
            Ended(
                call=run.call,
                outcome=outcome.name,
                duration_ms=round((time.monotonic() - run.began) * 1000),
                size=run.reader.size if run.reader else 0,
                content=outcome.content,
                error=outcome.error,
            )
        )

    def _let_go(self, run: _Run) -> None:
        if not run.ended:
            run.ended = True
            self._meters.running(-1)


async def _close(answer: UpstreamAnswer | None) -> None:
    """Give up the stream of an answer, if there is one."""
    if answer is not None and answer.stream is not None:
        await answer.stream.aclose()


def _rejected(failure: UpstreamFailed, era: Era) -> Rejected:
    text = str(failure)
    if failure.sent:
        text += "; the call may have run, so look before you call again"
    status = 200 if era is Era.LEGACY else 502
    return Rejected(status, Code.SERVER_FAILED, _brief(text))


def _brief(text: str) -> str:
    return inert_line(redact_text(text).text, _LONGEST_ERROR)
