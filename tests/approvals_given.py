"""Approvals to show, folded from real events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.events.card_events import VoteCast
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalRequested,
    ApprovalTerm,
    SpokenRule,
)
from ledger.events.evidence import Evidence
from ledger.lives.approvals import Approval, evolve
from policies.people.people import Agent, Directory, Person, Team
from policies.rules.decisions import Effect
from policies.values.calls import Risk

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

DIRECTORY = Directory(
    people={
        "alice": Person("alice", "T0ACME/U0ALICE"),
        "bob": Person("bob", "T0ACME/U0BOB"),
        "cat": Person("cat", "T0ACME/U0CAT"),
    },
    teams={
        "platform": Team("platform", "C0PLATFORM", ("bob", "cat")),
        "security": Team("security", "C0SECURITY", ("cat",)),
    },
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"github": "platform", "files": "platform"},
)

REQUEST = ApprovalRequested(
    approval="apr_7F3K",
    call="call_1",
    agent="ci-bot",
    agent_team="platform",
    owner="alice",
    on_behalf_of=None,
    server="github",
    tool="push_files",
    description="Push files to a branch",
    definition_hash="ab" * 32,
    digest="k1:" + "9f2c" * 16,
    arguments='{"branch":"main","force":true}',
    hidden=0,
    meta_keys=(),
    rules=(
        SpokenRule(
            rule="protected-branches",
            pointer="/rules/1",
            effect=Effect.REQUIRE_APPROVAL,
            because="server github and tool push_* match",
        ),
    ),
    terms=(ApprovalTerm(team="platform", approvals=1),),
    reason_required=False,
    show_result=False,
    risk=Risk.WRITE,
    evidence="the name begins with `push`",
    policy_digest="cd" * 32,
    expires_at=NOON + timedelta(minutes=30),
    use_within_seconds=900,
)


def requested(**changes: Any) -> Approval:
    return after(None, REQUEST.model_copy(update=changes))


def after(approval: Approval | None, *events: Event) -> Approval:
    for event in events:
        position = approval.position + 1 if approval else 1
        approval = evolve(approval, recorded(event, position=position))
    assert approval is not None
    return approval


def recorded(event: Event, *, position: int) -> Recorded:
    foreign = type(event).__name__ in {"CallCompleted", "OutcomeUnknown"}
    return Recorded(
        position=position,
        stream="call-call_1" if foreign else "approval-apr_7F3K",
        version=position,
        at=NOON,
        actor="person:bob",
        command_id="c",
        correlation_id="apr_7F3K",
        causation_id="",
        event=event,
    )


def vote_of(person: str, *, approves: bool = True, reason: str | None = None) -> VoteCast:
    slack = DIRECTORY.people[person].slack or ""
    return VoteCast(
        approval="apr_7F3K",
        person=person,
        approves=approves,
        teams=("platform",),
        reason=reason,
        channel="C0PLATFORM",
        ts="1.1",
        revision=1,
        evidence=Evidence(slack=slack, fetched_at=NOON),
    )
