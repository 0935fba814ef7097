"""The promises, whatever people, agents, crashes and time do, read off the events alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from acme import ADD_MOLE, DIRECTORY, NOON, WRITE_FILE, Book, ask, assessed, click, evidence, grant
from acme import use as claim
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.deciding.state import State
from ledger.events.card_events import VoteCast
from ledger.events.envelopes import Command, Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
    CallCompleted,
    CallDecided,
)
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.events.standing_events import (
    GrantExpired,
    GrantIssued,
    GrantRevoked,
    GrantUsed,
)
from ledger.lives.agents import RevokeAgent
from ledger.lives.calls import CompleteCall, PresumeLost
from ledger.lives.deadlines_due import ExpireApproval, ExpireGrant
from ledger.lives.freezes import BeginFreeze, EndFreeze
from ledger.lives.grants import RevokeGrant
from ledger.lives.tools import SeeTools
from policies.deciding.freezes import Frozen
from policies.people.people import Agent, Directory
from policies.rules.decisions import Assessment, Effect, Term
from policies.values.refusals import Refused

ENDED = (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalCancelled,
    ApprovalLapsed,
    ApprovalVoided,
    ApprovalDispatched,
)
PEOPLE = ("alice", "bob", "cat", "dan", "eve", "T0ACME/U0ZOE")
MOLE = Agent("mole", "platform", "alice")
ASSESSMENTS = (
    assessed(),
    assessed(terms=(Term("platform", 2),)),
    assessed(terms=(Term("platform", 1), Term("security", 1))),
    assessed(reason_required=True, grantable=False),
    assessed(Effect.ALLOW),
    assessed(Effect.DENY),
)

ACTION = st.tuples(
    st.sampled_from(
        [
            *("ask",) * 4,
            *("vote",) * 6,
            *("claim",) * 3,
            *("wait",) * 2,
            "expire",
            "grant",
            "revoke-grant",
            "revoke-agent",
            "complete",
            "lose",
            "redefine",
            "freeze",
            *("unfreeze",) * 2,
            "restart",
        ]
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 3),
)


class World:
    """A ledger in memory on which one action after the other is tried."""

    def __init__(self) -> None:
        self.book = Book()
        self.book.do(ADD_MOLE)
        self.at = NOON
        self.tool = WRITE_FILE.hash
        self.count = 0

    def act(self, action: tuple[str, int, int, int]) -> None:
        """Try one action; the domain may refuse it."""
        kind, first, second, third = action
        self.count += 1
        if kind == "wait":
            self.at += timedelta(seconds=(1, 7, 300, 890, 1790, 3600)[first])
        elif kind == "restart":
            self.book = self.book.restarted()
        else:
            with suppress(Refused):
                self.book.do(self.command(kind, first, second, third), self.at)

    def command(self, kind: str, first: int, second: int, third: int) -> Command:
        """Return the command of an action."""
        if kind == "ask":
            return self.ask(second, third)
        if kind == "vote":
            return self.vote(first, second, third)
        approvals = self.approvals() or ["apr_none"]
        approval = approvals[first % len(approvals)]
        name = f"{kind}-{self.count}"
        if kind == "claim":
            call = self.book.state.approval(approval)
            waiting = call.calls[second % len(call.calls)] if call else "call_none"
            return replace(
                claim(waiting, approval, self.assessment(second, third), **self.facts(third)),
                id=name,
            )
        return self.housekeeping(kind, name, approval, first)

    def housekeeping(self, kind: str, name: str, approval: str, which: int) -> Command:
        """Return the command of an action that no agent and no voter takes."""
        calls = [e.call for e in self.events() if isinstance(e, CallDecided)] or ["call_none"]
        call, grants = calls[which % len(calls)], f"grt_{which % 3}"
        self.tool = f"{which:064x}" if kind == "redefine" else self.tool
        redefined = (replace(WRITE_FILE, hash=self.tool),)
        giver = PEOPLE[which]
        issue = grant(giver, self.at, id=name, evidence=self.evidence(giver, 0))
        commands: dict[str, Command] = {
            "expire": ExpireApproval(id=name, actor="placet:sweep", approval=approval),
            "grant": replace(issue, grant=f"grt_{name}", uses=(None, 1, 2)[which % 3]),
            "revoke-grant": RevokeGrant(id=name, actor="shell:ops", grant=self.grant(which)),
            "revoke-agent": RevokeAgent(id=name, actor="shell:ops", agent="mole"),
            "complete": CompleteCall(
                id=name, actor="placet:x", call=call, outcome="ok", duration_ms=1, size=1
            ),
            "lose": PresumeLost(id=name, actor="placet:x", instances=("one",)),
            "freeze": BeginFreeze(
                id=name,
                actor="shell:ops",
                freeze=f"frz_{name}",
                over=(Frozen.AGENT, Frozen.SERVER, Frozen.EVERYTHING)[which % 3],
                name=("ci-bot", "files", "")[which % 3],
                lasting=(None, timedelta(seconds=300))[which % 2],
            ),
            "unfreeze": EndFreeze(id=name, actor="shell:root", freeze=self.freeze(which)),
            "redefine": SeeTools(id=name, actor="placet:x", server="files", tools=redefined),
        }
        if kind == "expire" and which == 5:
            return ExpireGrant(id=name, actor="placet:sweep", grant=grants)
        return commands[kind]

    def ask(self, second: int, third: int) -> Command:
        """Return the command of a call; the same `third` is the same call again."""
        return ask(f"call_{self.count}", self.assessment(second, third), **self.facts(third))

    def assessment(self, which: int, third: int) -> Assessment:
        """Return what the policy says of a call."""
        return replace(ASSESSMENTS[which], agent="mole" if third == 3 else "ci-bot")

    def facts(self, third: int) -> dict[str, object]:
        """Return what is known of one of four calls; the last one is the mole's."""
        agent = MOLE if third == 3 else DIRECTORY.agents["ci-bot"]
        return {"agent": agent, "digests": (f"k1:{third}",), "definition_hash": self.tool}

    def vote(self, first: int, second: int, third: int) -> Command:
        """Return the command of a click by somebody on some card."""
        approvals = self.approvals() or ["apr_none"]
        known = self.book.state.approval(approvals[-1 - third % len(approvals)])
        earlier = {vote.slack for vote in known.votes} if known else set()
        voters = tuple(evidence(slack, self.at) for slack in sorted(earlier))
        return click(
            PEOPLE[first],
            self.at,
            id=f"vote-{self.count}",
            approval=known.id if known else "apr_none",
            approves=second != 5,
            reason="INC-7" if second % 2 else None,
            evidence=self.evidence(PEOPLE[first], second),
            voters=voters if second % 3 else (),
        )

    def evidence(self, name: str, flaw: int) -> object:
        """Return what Slack says of a person; some `flaw`s make it worthless."""
        groups = ["S0PLATFORM"] if name.endswith("ZOE") else []
        facts = {2: {"guest": True}, 4: {"undetermined": "timeout"}}.get(flaw, {})
        return evidence(name, self.at - timedelta(seconds=3 * flaw), groups=groups, **facts)

    def events(self) -> Iterator[object]:
        """Yield every event so far."""
        return (recorded.event for recorded in self.book.recorded)

    def approvals(self) -> list[str]:
        """Return the ids of all approvals so far."""
        return [e.approval for e in self.events() if isinstance(e, ApprovalRequested)]

    def freeze(self, which: int) -> str:
        """Return the id of some freeze."""
        freezes = [e.freeze for e in self.events() if isinstance(e, FreezeBegun)] or ["frz_none"]
        return freezes[which % len(freezes)]

    def grant(self, which: int) -> str:
        """Return the id of some grant."""
        grants = [e.grant for e in self.events() if isinstance(e, GrantIssued)] or ["grt_none"]
        return grants[which % len(grants)]


@settings(max_examples=250, deadline=None)
@given(st.lists(ACTION, max_size=60))
def test_the_promises_hold_whatever_happens(actions) -> None:
    world = World()

    for action in actions:
        world.act(action)

    history = world.book.recorded
    assert_approvals_run_once_and_only_by_their_approvers(history)
    assert_grants_lift_only_while_they_live(history)
    assert_calls_end_only_after_they_began(history)
    assert_nothing_runs_while_it_is_frozen(history)
    assert_a_fresh_fold_finds_the_same(world.book)


def assert_approvals_run_once_and_only_by_their_approvers(history: list[Recorded]) -> None:
    asked: dict[str, ApprovalRequested] = {}
    yes: dict[str, list[VoteCast]] = {}
    given: dict[str, datetime] = {}
    over: set[str] = set()
    for recorded in history:
        event = recorded.event
        match event:
            case ApprovalRequested():
                asked[event.approval] = event
            case VoteCast():
                assert event.approval not in over | set(given)
                assert recorded.at < asked[event.approval].expires_at
                assert event.person != asked[event.approval].owner
                assert not event.evidence.guest
                assert event.evidence.undetermined is None
                assert recorded.at - event.evidence.fetched_at <= timedelta(seconds=10)
                if event.approves:
                    yes.setdefault(event.approval, []).append(event)
            case ApprovalGiven():
                for term in asked[event.approval].terms:
                    people = {v.person for v in yes[event.approval] if term.team in v.teams}
                    assert len(people & set(event.by)) >= term.approvals
                given[event.approval] = event.use_until
            case ApprovalDispatched():
                assert recorded.at < given[event.approval]
        if isinstance(event, ENDED):
            assert event.approval not in over, "an approval ends once"
            over.add(event.approval)
    for name, votes in yes.items():
        assert max(Counter(vote.person for vote in votes).values()) == 1, name


def assert_grants_lift_only_while_they_live(history: list[Recorded]) -> None:
    live: dict[str, GrantIssued] = {}
    used: Counter[str] = Counter()
    for recorded in history:
        event = recorded.event
        match event:
            case GrantIssued():
                assert event.by != "alice"
                live[event.grant] = event
            case CallDecided() if event.grant is not None:
                assert recorded.at < live[event.grant].until
                assert event.effect is Effect.ALLOW
            case GrantUsed():
                used[event.grant] += 1
                assert used[event.grant] <= (live[event.grant].uses or 10**6)
            case GrantRevoked() | GrantExpired():
                del live[event.grant]


def assert_nothing_runs_while_it_is_frozen(history: list[Recorded]) -> None:
    live: dict[str, FreezeBegun] = {}
    agents: dict[str, str] = {}
    for recorded in history:
        event = recorded.event
        match event:
            case FreezeBegun():
                live[event.freeze] = event
            case FreezeEnded():
                assert event.by != live.pop(event.freeze).by
            case ApprovalRequested():
                agents[event.approval] = event.agent
        runs = None
        if isinstance(event, CallDecided) and event.effect is Effect.ALLOW:
            runs = event.agent
        elif isinstance(event, ApprovalDispatched):
            runs = agents[event.approval]
        for freeze in live.values():
            held = freeze.until is None or recorded.at < freeze.until
            stops = freeze.over is not Frozen.AGENT or freeze.name == runs
            assert runs is None or not (held and stops), "every call here is to `files`"


def assert_calls_end_only_after_they_began(history: list[Recorded]) -> None:
    running: set[str] = set()
    ended: set[str] = set()
    for recorded in history:
        match recorded.event:
            case CallDecided(effect=Effect.ALLOW, call=call):
                running.add(call)
            case ApprovalDispatched(call=call):
                assert call not in running, "a call is dispatched once"
                running.add(call)
            case CallCompleted(call=call):
                assert call in running
                assert call not in ended
                ended.add(call)


def assert_a_fresh_fold_finds_the_same(book: Book) -> None:
    kept: dict[tuple[str, str], str] = {}
    fresh = Book(prepared=False)
    state = State(Directory(), fresh._fetch)
    for recorded in book.recorded:
        state.apply(recorded)
        for kind, model in state.touched():
            fresh._kept[kind, model.id] = kept[kind, model.id] = model.model_dump_json()
        state.settle_down()

    assert kept == book._kept
