"""One call at its server: what is seen of its answer, and what ends it."""

import asyncio
from dataclasses import dataclass

from gateway.calls.dropped import SILENCE, Endable
from gateway.calls.open_calls import Ticket
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.upstreams import Era, UpstreamAnswer, UpstreamRequest
from gateway.wire.errors import RequestId
from policies.values.calls import Number


@dataclass
class Run:
    """A call, by its id in the ledger: what came of it so far, and whether its end is noted."""

    call: str
    server: str
    request: UpstreamRequest
    show: bool
    began: float
    alone: Ticket | None = None
    forwarding: "asyncio.Future[UpstreamAnswer] | None" = None
    head: "asyncio.Future[UpstreamAnswer] | None" = None
    answer: UpstreamAnswer | None = None
    reader: OutcomeReader | None = None
    taken_up: bool = False
    forsaken: bool = False
    ended: bool = False

    @property
    def asked(self) -> RequestId:
        """The id of the request."""
        assert self.request.message is not None, "a call has one"
        known = self.request.message["id"]
        assert isinstance(known, str | Number), "no request without an id came so far"
        return known

    def endable(self, answer: UpstreamAnswer) -> UpstreamAnswer:
        """Return the answer so that it can be ended from here, where it goes on."""
        if answer.stream is None or self.request.era is Era.MODERN or self.alone is not None:
            return answer
        return answer._replace(stream=Endable(answer.stream))

    def forsake(self) -> None:
        """End an answer that nobody is owed, whatever the server still has to say."""
        self.forsaken = True
        if self.answer is not None:
            if isinstance(self.answer.stream, Endable):
                self.answer.stream.end()
        elif self.forwarding is not None and self.head is not None:
            if not self.head.done():
                self.head.set_result(SILENCE)
            self.forwarding.cancel()
