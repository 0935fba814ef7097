"""Counts the calls of the past for limits that come into force after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.deciding.past import Past
from ledger.events.envelopes import Draft
from ledger.events.events import ApprovalDispatched, CallCompleted, CallDecided
from ledger.events.usage_events import CountedUsage, UsageCounted
from policies.conditions.amounts import NOTHING, added, written_amount
from policies.deciding.assessment import scope_of, subject_of
from policies.people.people import Agent, Directory
from policies.rules.decisions import Effect
from policies.rules.limits import Limit, charges_of
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call
from policies.values.problems import InvalidDocument
from policies.values.strict_json import NotStrict, parse

_SECTION = "limits"
_MOST_APART = 100
"""Calls of one bucket that are counted one by one; more are put together."""
_AT_ONCE = 300
"""Counts that one event holds."""
_EXTRA = "params."


@dataclass
class _Ran:
    """A call that was let through, and the buckets it was counted in then."""

    decided: CallDecided
    at: datetime
    buckets: frozenset[str]


@dataclass
class _Count:
    """What is found for one limit."""

    limit: Limit
    calls: int = 0
    unclear: int = 0
    entries: dict[str, list[tuple[datetime, Decimal]]] = field(default_factory=dict)


def counted(
    text: str, before: str | None, past: Past, directory: Directory, at: datetime
) -> list[Draft]:
    """Return what earlier calls count at `at` for the limits of a policy that are new in it.

    `text` comes into force, `before` was. A limit is new where no limit of
    the policy before counted the same. What was counted for it when it was in
    force earlier is not counted twice.
    """
    policy = _compiled(text)
    known = {limit.meter for limit in _limits(_compiled(before))}
    new = {limit.meter: limit for limit in _limits(policy) if limit.meter not in known}
    if policy is None or not new:
        return []
    ran = _ran(past, at - max(limit.within for limit in new.values()))
    counts = [_Count(limit) for limit in new.values()]
    for each in ran:
        _count(each, counts, policy, directory, at)
    return [
        Draft(f"meter-{count.limit.meter}", event) for count in counts for event in _events(count)
    ]


def _limits(policy: Policy | None) -> tuple[Limit, ...]:
    return () if policy is None else policy.limits


def _compiled(text: str | None) -> Policy | None:
    if text is None or _SECTION not in text:
        return None
    try:
        return compile_policy(text)
    except InvalidDocument:
        return None


def _ran(past: Past, since: datetime) -> list[_Ran]:
    """Return the calls that were let through since then, but for those that surely did not run."""
    decided: dict[str, CallDecided] = {}
    ran: dict[str, _Ran] = {}
    for recorded in past.since(since):
        match recorded.event:
            case CallDecided() as event:
                decided[event.call] = event
                if event.observed or event.effect is Effect.ALLOW:
                    ran[event.call] = _run(event, recorded.at, event)
            case ApprovalDispatched() as event:
                first = decided.get(event.call) or past.decision(event.call)
                if first is not None:
                    ran[event.call] = _run(first, recorded.at, event)
            case CallCompleted(sent=False) as event:
                ran.pop(event.call, None)
            case _:
                pass
    return list(ran.values())


def _run(decided: CallDecided, at: datetime, by: CallDecided | ApprovalDispatched) -> _Ran:
    return _Ran(decided, at, frozenset(charge.bucket for charge in by.charges))


def _count(
    ran: _Ran, counts: Sequence[_Count], policy: Policy, directory: Directory, at: datetime
) -> None:
    decided = ran.decided
    call = _call(decided)
    agent = Agent(call.agent, call.team, decided.owner, call.on_behalf_of)
    directory = Directory(agents={agent.name: agent}, server_teams=directory.server_teams)
    subject = subject_of(call, policy, directory, decided.risk)
    if subject is None:
        return
    concerned = [
        count
        for count in counts
        if count.limit.concerns(subject) and ran.at + count.limit.within > at
    ]
    scope = scope_of(call, subject, ran.at, directory)
    for count in concerned:
        for charge in charges_of([count.limit], subject, scope):
            if charge.bucket in ran.buckets:
                continue
            count.calls += 1
            count.unclear += charge.amount is None
            amount = NOTHING if charge.amount is None else charge.amount
            until = ran.at + count.limit.within
            count.entries.setdefault(charge.bucket, []).append((until, amount))


def _call(decided: CallDecided) -> Call:
    try:
        found = parse(decided.arguments.encode())
    except (NotStrict, UnicodeEncodeError):
        found = {}
    known = found.items() if isinstance(found, dict) else ()
    return Call(
        agent=decided.agent,
        team=decided.agent_team,
        on_behalf_of=decided.on_behalf_of,
        server=decided.server,
        tool=decided.tool,
        arguments={name: value for name, value in known if not name.startswith(_EXTRA)},
    )


def _events(count: _Count) -> Iterator[UsageCounted]:
    """Yield what is found for a limit; nothing where nothing is, and nothing was before."""
    found = [
        CountedUsage(bucket=bucket, amount=written_amount(amount), until=until)
        for bucket, entries in count.entries.items()
        for until, amount in _together(entries)
    ]
    parts = [found[first : first + _AT_ONCE] for first in range(0, len(found), _AT_ONCE)]
    for number, part in enumerate(parts):
        yield UsageCounted(
            limit=count.limit.name,
            meter=count.limit.meter,
            calls=count.calls,
            unclear=count.unclear,
            counted=tuple(part),
            goes_on=number > 0,
        )


def _together(entries: Sequence[tuple[datetime, Decimal]]) -> Iterator[tuple[datetime, Decimal]]:
    """Yield counts, at most a hundred: of several calls until the last of them counts no more."""
    size = -(-len(entries) // _MOST_APART)
    for first in range(0, len(entries), size or 1):
        part = entries[first : first + size]
        total = NOTHING
        for _, amount in part:
            total = added(total, amount)
        yield max(until for until, _ in part), total
