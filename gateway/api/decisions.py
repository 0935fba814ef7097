"""Decides calls that their callers run: asked for, waited for by an id, reported on."""

from collections.abc import Collection

from gateway.api.decision_bodies import Ask, Decision, Report, ToldDecision
from gateway.api.decision_words import heard, told
from gateway.api.kept_asks import KeptAsks
from gateway.api.problems import Kind, Problem, not_found
from gateway.calls.answers import Answer
from gateway.calls.call_ids import CallIds, named
from gateway.calls.examining import Asked, Examiner
from gateway.calls.tool_calls import ToolCalls
from gateway.calls.verdicts import Pending, Verdict
from ledger.deciding.claims import AlreadyDecided
from ledger.events.events import CallCompleted
from ledger.ledger import Ledger
from ledger.lives.approvals import OPEN, ApprovalStatus
from ledger.lives.calls import CallStatus, CompleteCall
from ledger.lives.steps import WithdrawApproval
from ledger.readings.decided_calls import DecidedCall
from policies.people.people import Agent
from policies.secrets.redaction import redact_text
from policies.values.inert import inert_line
from policies.values.refusals import Refused

_BY_REQUEST = "request:"
_LONGEST_ERROR = 500
_ECHO = 80


class Decisions:
    """The calls that callers ask for over HTTP and run by themselves.

    They are decided as every other call is, by `ToolCalls`. What is answered
    is read from the ledger afterwards, so every replica answers alike, and
    whoever asks again hears the same.

    INVARIANT: `allow` is answered only for a call that the ledger has as
    running, which it is once: from the decision, or the use of the approval.
    """

    def __init__(
        self,
        ledger: Ledger,
        calls: ToolCalls,
        examiner: Examiner,
        kept: KeptAsks,
        ids: CallIds,
        servers: Collection[str],
    ) -> None:
        """Take the collaborators; `servers` are the names of all that are configured."""
        self._ledger = ledger
        self._calls = calls
        self._examiner = examiner
        self._kept = kept
        self._ids = ids
        self._servers = servers

    async def ask(self, agent: Agent, ask: Ask, size: int) -> ToldDecision:
        """Return the decision on a call; `size` is that of the request in bytes.

        Cancelling it is going away: nothing is claimed. Raises Problem, and
        Refused where nothing was decided.
        """
        if ask.server not in self._servers:
            shown = inert_line(ask.server, _ECHO)
            detail = f"there is no server `{shown}`; ask for one that placet.yaml names"
            raise Problem(404, Kind.NO_SUCH_SERVER, detail)
        asked = self._asked(agent, ask, size)
        known = await self._ledger.decided(asked.id) if asked.named else None
        if known is None:
            try:
                return await self._answered(asked, await self._decided(asked, ask.wait))
            except AlreadyDecided:
                known = await self._ledger.decided(asked.id)
        if known is None or not self._same(asked, known):
            detail = "this request id stands for another call; give each call one of its own"
            raise Problem(409, Kind.REQUEST_ID_TAKEN, detail)
        return await self._resumed(asked, known, ask.wait)

    async def look(self, agent: Agent, name: str, wait: float) -> ToldDecision:
        """Return how a call of the agent's own stands, after waiting for people if they are asked.

        Where they have approved, the approval is used for this call. Raises as `ask`.
        """
        known = await self._own(agent, name)
        if not _waits(known):
            await self._hear(known)
            return told(known)
        asked = await self._kept.find(agent, known)
        if asked is None:
            return told(known)
        return await self._resumed(asked, known, wait)

    async def report(self, agent: Agent, name: str, report: Report) -> ToldDecision:
        """Note how a call of the agent's own ended; reported again alike, nothing changes.

        Raises Problem, and Refused where it could not be noted.
        """
        known = await self._own(agent, name)
        command = _completion(agent, known, report)
        await self._ledger.execute(command)
        known = await self._own(agent, name)
        if not isinstance(known.ended, CallCompleted):
            detail = "this call was not allowed, so that it has no outcome"
            raise Problem(409, Kind.NOT_RUNNING, detail)
        if not _says(known.ended, command):
            detail = f"another outcome was reported before: `{known.ended.outcome}`"
            raise Problem(409, Kind.ALREADY_REPORTED, detail)
        return told(known)

    async def withdraw(self, agent: Agent, name: str) -> ToldDecision:
        """Take back the question that a call of the agent's own waits on; again, nothing changes.

        Whatever else waits on it hears that it was cancelled. Raises Problem,
        and Refused where nobody is asked, or the call was let through.
        """
        known = await self._own(agent, name)
        if known.approval is None:
            raise Refused("nobody was asked about this call, so there is nothing to take back")
        if known.approval.status is not ApprovalStatus.CANCELLED:
            await self._ledger.execute(
                WithdrawApproval(
                    id=f"withdraw:{known.record.id}",
                    actor=f"agent:{agent.name}",
                    approval=known.approval.id,
                    reason=None,
                    evidence=None,
                )
            )
        await self._kept.drop(known.record.id)
        return told(await self._own(agent, name))

    async def _hear(self, known: DecidedCall) -> None:
        """Note that a caller came back by its id for how its waiting ended, the first time."""
        if known.record.status is not CallStatus.WAITING or known.approval is None:
            return
        if await self._kept.drop(known.record.id):
            self._calls.came_back(known.approval)

    async def _decided(self, asked: Asked, wait: float) -> Verdict:
        """Return what becomes of a new call, which may wait for people.

        One that its caller has named is kept before it waits: whoever is cut
        off meanwhile comes back by the name alone.
        """
        if not asked.named or not wait:
            return await self._calls.verdict(asked, wait)
        verdict = await self._calls.verdict(asked, 0)
        if not isinstance(verdict, Pending):
            return verdict
        try:
            await self._kept.keep(asked, verdict.approval)
        except BaseException:
            self._calls.let_go(verdict)
            raise
        waited = await self._calls.wait(asked, verdict.approval.id, verdict.digest, wait)
        if not isinstance(waited, Pending):
            await self._kept.drop(asked.id)
        return waited

    async def _resumed(self, asked: Asked, known: DecidedCall, wait: float) -> ToldDecision:
        if not _waits(known) or known.approval is None:
            return told(known)
        if asked.named:
            await self._kept.keep(asked, known.approval)
        verdict = await self._calls.resume(asked, known.approval, wait)
        answer = await self._answered(asked, verdict)
        if answer.decision is not Decision.PENDING:
            await self._kept.drop(asked.id)
        return answer

    async def _answered(self, asked: Asked, verdict: Verdict) -> ToldDecision:
        """Return how the ledger has a call of which this is the verdict."""
        if isinstance(verdict, Pending):
            await self._kept.keep(asked, verdict.approval)
        known = await self._ledger.decided(asked.id)
        if known is None:
            assert isinstance(verdict, Answer), "what waits or runs is in the ledger"
            return heard(verdict, asked.server, asked.tool)
        answer = told(known)
        if isinstance(verdict, Pending) and answer.decision is Decision.PENDING:
            self._calls.let_go(verdict)
        return answer

    async def _own(self, agent: Agent, name: str) -> DecidedCall:
        """Return a call of this agent, of those that callers run. Raises Problem (HTTP 404)."""
        request = name.removeprefix(_BY_REQUEST)
        call = name if request == name else named(agent.principal, request)
        known = await self._ledger.decided(call)
        if known is None or not _is_of(agent, known):
            raise not_found("decision of this id; only the agent that asked for one can see it")
        return known

    def _same(self, asked: Asked, known: DecidedCall) -> bool:
        recognised = self._examiner.recognises(asked, known.decided.digest)
        return recognised and _is_of(asked.agent, known)

    def _asked(self, agent: Agent, ask: Ask, size: int) -> Asked:
        request = ask.request_id
        call = self._ids.new() if request is None else named(agent.principal, request)
        asked = self._kept.asked(agent, call, ask.server, ask.tool, ask.arguments)
        return asked._replace(size=size, named=request is not None)


def _waits(known: DecidedCall) -> bool:
    waiting = known.record.status is CallStatus.WAITING
    return waiting and known.approval is not None and known.approval.status in OPEN


def _is_of(agent: Agent, known: DecidedCall) -> bool:
    decided = known.decided
    caller = (decided.agent, decided.on_behalf_of)
    return decided.report_within_seconds is not None and caller == (agent.name, agent.on_behalf_of)


def _completion(agent: Agent, known: DecidedCall, report: Report) -> CompleteCall:
    call = known.record.id
    error = report.error and inert_line(redact_text(report.error).text, _LONGEST_ERROR)
    return CompleteCall(
        id=f"{call}:complete",
        actor=f"agent:{agent.name}",
        causation_id=call,
        call=call,
        outcome=report.outcome,
        duration_ms=report.duration_ms,
        size=report.size,
        error=error,
    )


def _says(ended: CallCompleted, command: CompleteCall) -> bool:
    noted = (ended.outcome, ended.duration_ms, ended.size, ended.error)
    return noted == (command.outcome, command.duration_ms, command.size, command.error)
