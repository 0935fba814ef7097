"""Has further rounds of an approved call decided: those that bring what its server asked for."""

import time

from gateway.calls import answers
from gateway.calls.answers import Answer
from gateway.calls.calling import Call
from gateway.calls.continuations import Continuation, Continuations
from gateway.calls.examining import Asked
from gateway.calls.gate import Gate
from gateway.calls.reporting import Reporter
from gateway.calls.verdicts import Passed
from gateway.wire.errors import Code, Rejected
from ledger.deciding.claims import AlreadyUsed
from ledger.deciding.continuing import Unfit
from ledger.deciding.rulings import Denied
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval
from policies.values.refusals import Refused


class Rounds:
    """Decides on calls that continue an approved one; nobody is asked about them again.

    INVARIANT: each is a durable decision before it is sent, and whatever its
    state says, policy and terms are looked at anew.
    """

    def __init__(
        self, ledger: Ledger, gate: Gate, continuations: Continuations, reporter: Reporter
    ) -> None:
        """Take the collaborators."""
        self._continuations = continuations
        self._ledger = ledger
        self._gate = gate
        self._reporter = reporter

    def brought(self, call: Call) -> Continuation | None:
        """Return what a call continues; None for a call of its own. Raises Rejected."""
        principal, server = call.asked.agent.principal, call.asked.server
        return self._continuations.brought(call.message.params, principal, server)

    async def verdict(self, asked: Asked, continuation: Continuation) -> Passed | Answer:
        """Return whether the call may go on, or what its caller is told instead.

        Raises Rejected where it is another call than the one that was approved,
        and Refused where nothing was decided.
        """
        began = time.perf_counter()
        examined = await self._gate.examine_anew(asked)
        leg = continuation.leg
        if leg.digest not in examined.facts.digests:
            text = "`requestState` belongs to another call; send the same call, or one without it"
            raise Rejected(400, Code.INVALID_PARAMS, f"{text}; nothing was executed")
        try:
            ruling, examined = await self._gate.go_on(asked, examined, continuation)
        except AlreadyUsed:
            return answers.answered(await self._approval(leg.approval))
        except Unfit as unfit:
            return answers.voided(await self._approval(leg.approval), str(unfit))
        self._reporter.decided(asked, ruling, time.perf_counter() - began)
        if isinstance(ruling, Denied):
            return answers.denied(ruling.decided)
        return Passed(asked.id, examined.assessment.show_result, leg)

    async def _approval(self, name: str) -> Approval:
        known = await self._ledger.approval(name)
        if known is None:
            raise Refused(f"approval `{name}` is not known; nothing was executed")
        return known
