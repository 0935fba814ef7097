"""Sends calls that passed, and sees to what a server's answer may begin: rounds and tasks."""

from collections.abc import Awaitable
from typing import TypeVar

from gateway.calls.calling import Call
from gateway.calls.continuations import Continuations, Leg
from gateway.calls.dispatching import Deliver, Dispatcher
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.calls.verdicts import Passed
from gateway.tasks.task_owners import TaskOwners
from gateway.upstreams import Era, UpstreamAnswer
from gateway.wire.editing import edited

_T = TypeVar("_T")


class Sending:
    """Runs a call, and has its answer handed on, wrapped and noted where that has to be."""

    def __init__(
        self, dispatcher: Dispatcher, continuations: Continuations, owners: TaskOwners
    ) -> None:
        """Take the collaborators."""
        self._dispatcher = dispatcher
        self._continuations = continuations
        self._owners = owners

    def run(self, call: Call, passed: Passed, deliver: Deliver[_T]) -> Awaitable[_T]:
        """Send a call and return what `deliver` makes of the answer. Raises Rejected.

        What the server asks for under an approval is wrapped; a task that it
        begins is noted as the caller's.

        INVARIANT: nothing is awaited between the verdict and the dispatcher, so
        that every call that was let through has an end.
        """
        call.close()
        deliver = self._owners.noting(call, deliver)
        if passed.leg is not None and call.request.era is Era.MODERN:
            deliver = self._wrapping(call, passed.leg, deliver)
        return self._dispatcher.run(
            call.caller, call.request, passed.call, deliver, show=passed.show, sent=call.sent
        )

    def _wrapping(self, call: Call, leg: Leg, deliver: Deliver[_T]) -> Deliver[_T]:
        principal, server = call.asked.agent.principal, call.asked.server

        async def wrapping(answer: UpstreamAnswer, reader: OutcomeReader) -> _T:
            changed = edited(
                answer, lambda body: self._continuations.wrapped(body, leg, principal, server)
            )
            try:
                return await deliver(changed, reader)
            finally:
                if changed.stream is not None:
                    await changed.stream.aclose()

        return wrapping
