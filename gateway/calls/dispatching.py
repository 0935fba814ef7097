"""Sends a call that may run to its server, hands the answer on, and notes how it ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeAlias, TypeVar

from gateway.callers.crowd import Crowd, Place
from gateway.callers.headers import SESSION
from gateway.calls.dropped import Forsakable
from gateway.calls.outcomes import Outcomes
from gateway.calls.own_answers import own
from gateway.calls.passing import Caller, Passage
from gateway.calls.reading_outcomes import Outcome, OutcomeReader
from gateway.calls.relaying import brief, told
from gateway.calls.reporting import Reporter
from gateway.calls.resuming import Resumable
from gateway.calls.running import Run
from gateway.calls.sessionless import LoneCalls
from gateway.calls.unheard_answers import UnheardAnswers
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from gateway.wire.errors import Code, Rejected
from policies.values.strict_json import canonical

_PATIENCE = 600.0

_NEVER = "the caller went away, and the server did not end its answer within 10 minutes"
_FLOODS = "the caller went away, and the server did not end its answer within 32 MiB"

_T = TypeVar("_T")

Deliver: TypeAlias = Callable[[UpstreamAnswer, OutcomeReader], Awaitable[_T]]
"""Hands a server's answer on to where it belongs, and its bytes to a reader in passing."""

_LEFT = "the caller went away before the answer; the server was told to stop, and may have run it"
_FORSAKEN = "the caller cancelled it, and the server did not say how it ended; it may have run"


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
        reporter: Reporter,
        crowd: Crowd,
        reach: Callable[[str], None],
        patience: float = _PATIENCE,
    ) -> None:
        """Take the collaborators; `reach` is called where a test may kill the process.

        `patience` is for how many seconds a server may go on with an answer
        that nobody waits for any more.
        """
        self._patience = patience
        self._passage = passage
        self._resumable = resumable
        self._outcomes = outcomes
        self._reporter = reporter
        self._crowd = crowd
        self._reach = reach
        self._left: set[asyncio.Task[None]] = set()
        self._unheard = UnheardAnswers()
        self.lone = LoneCalls()
        self._stopping = False

    async def run(
        self,
        caller: Caller,
        request: UpstreamRequest,
        call: str,
        deliver: Deliver[_T],
        *,
        show: bool,
        sent: Callable[[Forsakable], None] = lambda _: None,
    ) -> _T:
        """Send a call, and return what `deliver` makes of the server's answer.

        `sent` is told what can be forsaken once the call is cancelled.
        Raises Rejected where there is none to give.
        """
        run = self._begun(
            Run(call, caller.server.name, request, show, time.monotonic()), caller, sent
        )
        try:
            answer = await self._forwarded(run, caller.server.upstream)
            run.answer = answer = run.endable(self._passage.as_callers(answer, caller))
            run.reader = reader = _reader(run, answer)
            answer = own(run.server, run.asked, answer, reader)
            delivered = await deliver(answer, reader)
            if answer.stream is not None:
                await answer.stream.aclose()
            self._reach("forwarded")
            self._conclude(run, reader)
        except UpstreamFailed as failure:
            self._fail(run, failure)
            self._begin(_close(run.answer))
            raise _rejected(failure, run.request.era) from failure
        except (asyncio.CancelledError, ConnectionError):
            self._leave(run)
            raise
        except BaseException:
            self._end(run, Outcome("failed", "Placet failed while it handed the answer on"))
            self._begin(_close(run.answer))
            raise
        return delivered

    def _begun(self, run: Run, caller: Caller, sent: Callable[[Forsakable], None]) -> Run:
        """Count a call, and have it found by its request's id, by which it may be cancelled."""
        self._reporter.sent(run.server)
        if run.request.era is Era.LEGACY and caller.session is not None:
            sent(run)
        elif run.request.era is Era.LEGACY:
            run.alone = caller.ticket(canonical(run.asked))
            self.lone.begin(run.alone)
        return run

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

    @staticmethod
    def _forwarded(run: Run, upstream: Upstream) -> Awaitable[UpstreamAnswer]:
        """Return the head of the server's answer; in the legacy era it comes in any case."""
        if run.request.era is Era.MODERN:
            return upstream.forward(run.request)
        run.forwarding = asyncio.ensure_future(upstream.forward(run.request))
        run.head = asyncio.shield(run.forwarding)
        return run.head

    def _conclude(self, run: Run, reader: OutcomeReader) -> None:
        """Note how a call ended whose answer was read; its client may have to ask for the rest."""
        if run.forsaken and not reader.answered:
            self._end(run, Outcome("failed", _FORSAKEN))
            return
        if reader.failure is not None:
            self._fail(run, reader.failure)
            return
        session = run.request.headers.get(SESSION)
        message = run.request.message
        if session is None or message is None or reader.answered or not reader.resumable:
            self._end(run, reader.outcome())
            return
        self._resumable.leave(
            (run.server, session), canonical(message["id"]), lambda found: self._end(run, found)
        )

    def _leave(self, run: Run) -> None:
        """See to a call whose caller went away."""
        if run.reader is not None and run.reader.answered:
            self._end(run, run.reader.outcome())
        elif self._stopping:
            self._let_go(run)
        elif run.request.era is Era.LEGACY:
            place = self._crowd.stay(run.request.agent, run.server)
            self._offer(run, self._begin(self._finish(run, place)))
            return
        else:
            self._end(run, Outcome("failed", _LEFT))
        if run.forwarding is not None and not run.forwarding.done():
            run.forwarding.cancel()
        self._begin(_close(run.answer))

    def _offer(self, run: Run, reading: "asyncio.Task[None]") -> None:
        """Let the client take up the stream that it lost: the server sends the rest on one only."""

        def let_go() -> None:
            run.taken_up = True
            reading.cancel()

        session = run.request.headers.get(SESSION)
        if session is not None and run.reader is not None:
            self._resumable.offer((run.server, session), run.reader.ids, reading, let_go)

    async def _finish(self, run: Run, place: Place) -> None:
        """Read an answer to its end that nobody waits for, or until patience ends.

        It has its `place` among the requests, so that nobody gets more by going away.
        """
        try:
            with place:
                await self._read_on(run)
        finally:
            await _close(run.answer)

    async def _read_on(self, run: Run) -> None:
        try:
            async with asyncio.timeout(self._patience):
                reader = await self._read(run)
            if reader is not None:
                self._conclude(run, reader)
            else:
                self._give_up(run, Outcome("failed", _FLOODS))
        except TimeoutError:
            self._give_up(run, Outcome("failed", _NEVER))
        except UpstreamFailed as failure:
            self._fail(run, failure)
        except asyncio.CancelledError:
            if run.forsaken and not self._stopping:
                self._give_up(run, Outcome("failed", _FORSAKEN))
                return
            if not run.taken_up or run.reader is None or self._stopping:
                self._let_go(run)
                raise
            self._conclude(run, run.reader)

    async def _read(self, run: Run) -> OutcomeReader | None:
        """Return what was read of an answer, once it is whole; None where it is a flood."""
        if run.answer is None:
            assert run.forwarding is not None, "a legacy call is forwarded by a task"
            run.answer = await run.forwarding
        if run.reader is None:
            run.reader = _reader(run, run.answer)
            run.reader.feed(run.answer.body or b"")
        if run.answer.stream is None or await self._unheard.read(run.answer.stream, run.reader):
            return run.reader
        return None

    def _begin(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        return task

    def _end(self, run: Run, outcome: Outcome) -> None:
        if run.ended:
            return
        self._let_go(run)
        seconds = time.monotonic() - run.began
        self._reporter.ended(run.call, run.server, outcome, seconds)
        size = run.reader.size if run.reader else 0
        self._outcomes.note(run.call, outcome, round(seconds * 1000), size)

    def _fail(self, run: Run, failure: UpstreamFailed) -> None:
        self._reporter.failed(run.server, failure)
        self._give_up(run, Outcome("failed", brief(str(failure)), sent=failure.sent))

    def _give_up(self, run: Run, outcome: Outcome) -> None:
        """Note the end of a call whose stream may have broken off after the response."""
        streamed = run.answer is not None and run.answer.stream is not None
        if streamed and run.reader is not None and run.reader.answered:
            outcome = run.reader.outcome()
        self._end(run, outcome)

    def _let_go(self, run: Run) -> None:
        if not run.ended:
            run.ended = True
            if run.alone is not None:
                self.lone.end(run.alone)
            self._reporter.left(run.server)


def _reader(run: Run, answer: UpstreamAnswer) -> OutcomeReader:
    session = SESSION in run.request.headers
    return OutcomeReader(answer, show=run.show, asked=run.asked, session=session)


async def _close(answer: UpstreamAnswer | None) -> None:
    """Give up the stream of an answer, if there is one."""
    if answer is not None and answer.stream is not None:
        await answer.stream.aclose()


def _rejected(failure: UpstreamFailed, era: Era) -> Rejected:
    return Rejected(200 if era is Era.LEGACY else 502, Code.SERVER_FAILED, told(failure))
