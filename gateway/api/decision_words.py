"""Says of a call that its caller runs how it stands."""

from collections.abc import Mapping

from gateway.api.decision_bodies import Decision, Status, ToldDecision, ToldOutcome, ToldRule
from gateway.calls import answers
from gateway.calls.answers import Answer
from ledger.events.events import CallCompleted, CallDecided
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallStatus
from ledger.readings.decided_calls import DecidedCall

_ENDED: Mapping[CallStatus, Status] = {
    CallStatus.COMPLETED: Status.COMPLETED,
    CallStatus.FAILED: Status.FAILED,
    CallStatus.OUTCOME_UNKNOWN: Status.OUTCOME_UNKNOWN,
}

_AGAIN = (
    "Ask for this decision again, by its id or with the same call, to learn the answer; until "
    "that is `allow`, do not run it."
)


def told(call: DecidedCall) -> ToldDecision:
    """Return how a call stands, as its caller is told."""
    decision, status, message = _verdict(call)
    decided, record, approval = call.decided, call.record, call.approval
    return ToldDecision(
        id=record.id,
        decision=decision,
        status=status,
        message=message,
        server=decided.server,
        tool=decided.tool,
        observed=decided.observed,
        risk=decided.risk,
        rules=[
            ToldRule(rule=r.rule, pointer=r.pointer, effect=r.effect, because=r.because)
            for r in decided.rules
        ],
        policy=decided.policy_digest,
        grant=decided.grant,
        approval=record.approval,
        teams=[term.team for term in approval.request.terms] if approval else [],
        expires_at=approval.expires_at if approval else None,
        report_until=record.deadline,
        outcome=_outcome(call),
    )


def heard(answer: Answer, server: str, tool: str) -> ToldDecision:
    """Return what is told of an earlier, identical call instead of deciding this one."""
    approval = answer.meta.get("approval")
    return ToldDecision(
        id=None,
        decision=Decision.DENY,
        status=Status(answer.told.value),
        message=answer.text,
        server=server,
        tool=tool,
        approval=approval if isinstance(approval, str) else None,
    )


def _verdict(call: DecidedCall) -> tuple[Decision, Status, str]:
    match call.record.status:
        case CallStatus.RUNNING:
            return Decision.ALLOW, Status.ALLOWED, _allowed(call)
        case CallStatus.DENIED:
            denied = answers.denied(call.decided)
            return Decision.DENY, Status(denied.told.value), denied.text
        case CallStatus.WAITING:
            return _waiting(call)
        case ended:
            return Decision.ENDED, _ENDED[ended], _over(call)


def _waiting(call: DecidedCall) -> tuple[Decision, Status, str]:
    approval = call.approval
    assert approval is not None, "a call that waits names its approval"
    if approval.status is ApprovalStatus.APPROVED:
        text = (
            f"Approved by {_people(approval)} (approval {approval.id}), and not used yet. Nothing "
            "was executed. Ask again with the same call to use it."
        )
        return Decision.PENDING, Status.APPROVED, text
    end = answers.ending(approval)
    if end is not None:
        return Decision.DENY, Status(end.told.value), end.text
    pending = answers.pending(approval, _AGAIN)
    return Decision.PENDING, Status(pending.told.value), pending.text


def _allowed(call: DecidedCall) -> str:
    what = f"`{call.decided.server}/{call.decided.tool}`"
    if call.decided.observed:
        return f"Allowed: {what} runs because its server only observes."
    if call.approval is not None:
        return f"Approved: {what} was approved by {_people(call.approval)} ({call.approval.id})."
    if call.decided.grant is not None:
        return f"Allowed: {what} runs under grant {call.decided.grant}."
    return f"Allowed: {what} runs by {_rules(call.decided)}."


def _over(call: DecidedCall) -> str:
    how = call.ended.outcome if isinstance(call.ended, CallCompleted) else "unknown"
    return (
        f"Ended: `{call.decided.server}/{call.decided.tool}` was allowed, and its outcome is "
        f"{how}. It does not run again; ask with another request."
    )


def _outcome(call: DecidedCall) -> ToldOutcome | None:
    if call.ended is None or call.ended_at is None:
        return None
    if not isinstance(call.ended, CallCompleted):
        return ToldOutcome(
            outcome="unknown", duration_ms=None, size=None, error=None, at=call.ended_at
        )
    return ToldOutcome(
        outcome=call.ended.outcome,
        duration_ms=call.ended.duration_ms,
        size=call.ended.size,
        error=call.ended.error,
        at=call.ended_at,
    )


def _people(approval: Approval) -> str:
    return " and ".join(approval.by)


def _rules(decided: CallDecided) -> str:
    return " and ".join(f"rule `{rule.rule}`" for rule in decided.rules)
