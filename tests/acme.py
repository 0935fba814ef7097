"""The company that the ledger's tests speak of, and a ledger of it in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ledger.deciding.claims import ClaimApproval
from ledger.deciding.deciding import decide
from ledger.deciding.state import State
from ledger.events.card_events import VoteRefused
from ledger.events.envelopes import Command, Draft, Event, Model, Recorded
from ledger.events.events import CallDecided
from ledger.events.evidence import Evidence, Membership
from ledger.lives.agents import AddAgent
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallFacts, CallRecord, CompleteCall, DecideCall
from ledger.lives.deliveries import RecordCard
from ledger.lives.grants import IssueGrant
from ledger.lives.kinds import KINDS
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from ledger.lives.votes import CastVote
from policies.people.people import Agent, Directory, Person, Team
from policies.rules.decisions import Assessment, Charge, Effect, Spoke, Term
from policies.values.calls import Risk, Tool

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

DIRECTORY = Directory(
    people={
        "alice": Person("alice", "T0ACME/U0ALICE", "alice@example.com"),
        "bob": Person("bob", "T0ACME/U0BOB"),
        "cat": Person("cat", "T0ACME/U0CAT"),
        "dan": Person("dan", "T0ACME/U0DAN"),
        "eve": Person("eve", "T0ACME/U0EVE"),
    },
    teams={
        "platform": Team("platform", "C0PLATFORM", ("alice", "bob", "cat", "dan"), ("S0PLATFORM",)),
        "security": Team("security", "C0SEC", ("cat", "eve")),
    },
    agents={
        "ci-bot": Agent("ci-bot", "platform", "alice"),
        "helper": Agent("helper", "platform", "alice", on_behalf_of="bob"),
    },
    server_teams={"files": "platform", "vault": "security"},
)

POLICY = "5f" * 32
WRITE_FILE = Tool(
    server="files",
    name="write_file",
    description="Writes a file.",
    definition='{"description":"Writes a file.","name":"write_file"}',
    hash="aa" * 32,
)
PATH_TO_MOTD = '{"content":"hello","path":"/etc/motd"}'


def after(seconds: float) -> datetime:
    """Return the time `seconds` after noon."""
    return NOON + timedelta(seconds=seconds)


def evidence(
    name: str, at: datetime = NOON, *, groups: Sequence[str] = (), **facts: object
) -> Evidence:
    """Return what Slack says of a person read at `at`; `name` is a name or a Slack id."""
    known = DIRECTORY.people.get(name)
    slack = known.slack if known is not None and known.slack else name
    memberships = tuple(Membership(group=g, member=True, fetched_at=at) for g in groups)
    return Evidence(slack=slack, fetched_at=at, **{"memberships": memberships, **facts})


def assessed(effect: Effect = Effect.REQUIRE_APPROVAL, **changes: object) -> Assessment:
    """Return an assessment of `files/write_file` by ci-bot: by default, one yes of platform."""
    asking = effect is Effect.REQUIRE_APPROVAL
    assessment = Assessment(
        agent="ci-bot",
        server="files",
        tool="write_file",
        effect=effect,
        spoke=(Spoke("writes", "/rules/1", effect, "it has no condition"),),
        terms=(Term("platform", 1),) if asking else (),
        reason_required=False,
        expires_in=timedelta(minutes=30),
        use_within=timedelta(minutes=15),
        show_result=False,
        grantable=True,
        risk=Risk.WRITE,
        evidence="the name says `write`",
        message=None,
        policy_digest=POLICY,
    )
    return replace(assessment, **changes)


def facts(call: str = "call_1", **changes: object) -> CallFacts:
    """Return a call of ci-bot to `files/write_file`; the same arguments each time."""
    known = CallFacts(
        call=call,
        agent=DIRECTORY.agents["ci-bot"],
        server="files",
        tool="write_file",
        description=WRITE_FILE.description,
        definition_hash=WRITE_FILE.hash,
        digests=("k1:" + "d1" * 32,),
        arguments=PATH_TO_MOTD,
        hidden=0,
        meta_keys=(),
        instance="one",
    )
    return known._replace(**changes)


def ask(
    call: str = "call_1", assessment: Assessment | None = None, **changes: object
) -> DecideCall:
    """Return the command that settles a call of ci-bot."""
    known = facts(call, **changes)
    return DecideCall(
        id=f"decide-{call}",
        actor=f"agent:{known.agent.name}",
        facts=known,
        assessment=assessment or assessed(agent=known.agent.name),
    )


def completed(call: str) -> CompleteCall:
    """Return the command that notes that a call went well."""
    return CompleteCall(
        id=f"complete-{call}",
        actor="placet:gateway",
        call=call,
        outcome="ok",
        duration_ms=1,
        size=1,
    )


def use(
    call: str = "call_1",
    approval: str = "apr_1",
    assessment: Assessment | None = None,
    **changes: object,
) -> ClaimApproval:
    """Return the command that uses an approval for a call that waited for it."""
    known = facts(call, **changes)
    return ClaimApproval(
        id=f"claim-{call}",
        actor=f"agent:{known.agent.name}",
        approval=approval,
        facts=known,
        assessment=assessment or assessed(agent=known.agent.name),
    )


def charge(amount: int | None = 1, **changes: object) -> Charge:
    """Return what a call adds to a limit of 2 calls of ci-bot within an hour."""
    known = Charge(
        limit="busy",
        pointer="/limits/0",
        meter="m1",
        bucket="m1-ci",
        whose="agent `ci-bot`",
        sums=False,
        amount=None if amount is None else Decimal(amount),
        obstacle="" if amount is not None else "`args.amount` is missing",
        at_most=Decimal(2),
        within=timedelta(hours=1),
        effect=Effect.DENY,
        term=Term("platform", 1),
        reason_required=False,
        expires_in=timedelta(minutes=30),
        use_within=timedelta(minutes=15),
        message=None,
    )
    return replace(known, **changes)


def card(approval: str = "apr_1", team: str = "platform", **changes: object) -> RecordCard:
    """Return the command that notes a whole card in the team's channel."""
    known = RecordCard(
        id=f"card-{approval}-{team}",
        actor="placet:courier",
        approval=approval,
        team=team,
        channel=DIRECTORY.teams[team].channel,
        ts="1763899200.000100",
        revision=1,
        blocks='[{"type":"section"}]',
        sha256="c0" * 32,
        whole=True,
    )
    return replace(known, **changes)


def click(name: str, at: datetime = NOON, *, approves: bool = True, **changes: object) -> CastVote:
    """Return the command of a click on the card of `apr_1`, with fresh evidence."""
    given = changes.pop("evidence", None) or evidence(name, at)
    known = CastVote(
        id=f"click-{name}-{at.timestamp()}",
        actor=f"person:{DIRECTORY.person_at(given.slack)}",
        approval="apr_1",
        approves=approves,
        reason=None,
        channel="C0PLATFORM",
        ts="1763899200.000100",
        revision=1,
        whole=True,
        evidence=given,
    )
    return replace(known, **changes)


def grant(name: str | None = "bob", at: datetime = NOON, **changes: object) -> IssueGrant:
    """Return the command that gives ci-bot `files/write_*` for an hour; None is the shell."""
    known = IssueGrant(
        id=f"issue-{name}-{at.timestamp()}",
        actor="shell:root" if name is None else f"person:{name}",
        grant="grt_1",
        agent="ci-bot",
        target="files/write_*",
        lasting=timedelta(hours=1),
        longest=timedelta(hours=8),
        evidence=None if name is None else evidence(name, at),
    )
    return replace(known, **changes)


PREPARED: tuple[Command, ...] = (
    ActivatePolicy(
        id="policy-1",
        actor="placet:policy",
        digest=POLICY,
        text="version: 1\nrules: []\n",
        source="policy.yaml",
    ),
    SeeTools(id="see-1", actor="placet:gateway", server="files", tools=(WRITE_FILE,)),
)
"""What a serving Placet records before the first call."""

GUARDED = ActivatePolicy(
    id="policy-2",
    actor="placet:policy",
    digest="6f" * 32,
    text='version: 1\nowners: {"files/write_*": security}\n',
    source="policy.yaml",
)
"""A policy by which the team security owns tools on a server of the team platform."""

ADD_MOLE = AddAgent(
    id="add-mole",
    actor="shell:root",
    agent="mole",
    team="platform",
    owner="alice",
    key_sha256="ab" * 32,
)


class Book:
    """A ledger in memory: decides, records, folds; ended things are read back from their JSON."""

    def __init__(self, directory: Directory = DIRECTORY, *, prepared: bool = True) -> None:
        self.state = State(directory, self._fetch)
        self.recorded: list[Recorded] = []
        self._kept: dict[tuple[str, str], str] = {}
        self._versions: dict[str, int] = {}
        self.state.past = self
        if prepared:
            for command in PREPARED:
                self.do(command, NOON - timedelta(hours=1))

    def do(self, command: Command, at: datetime = NOON) -> list[Event]:
        """Decide a command at `at`, record what it causes, and return it. Raises Refused."""
        drafts = decide(command, self.state, at)
        events = [self._record(draft, command, at) for draft in drafts]
        for kind, model in self.state.touched():
            self._kept[kind, model.id] = model.model_dump_json()
        self.state.settle_down()
        return events

    def names(self) -> list[str]:
        """Return the names of what was recorded after the preparations, in order."""
        return [r.event.TOPIC for r in self.recorded if r.command_id not in {"policy-1", "see-1"}]

    def approval(self, name: str = "apr_1") -> Approval:
        """Return an approval that is known to be there."""
        found = self.state.approval(name)
        assert found is not None
        return found

    def restarted(self, directory: Directory | None = None) -> "Book":
        """Return the ledger as a new process finds it: open things in memory, all else fetched."""
        book = Book(directory or self.state.directory, prepared=False)
        book.recorded, book._kept = self.recorded, self._kept
        book._versions = self._versions
        for kind, name in self._kept:
            model = book._fetch(kind, name)
            if model is not None and model.open:
                book.state.restore(kind, model)
        for kind, name in self._kept:
            if kind == "meter" and (model := book._fetch(kind, name)) is not None:
                book.state.usage.follow(None, model, self.state.at)
        calls = [m for m in map(book._call, self._kept) if m is not None and m.charged_at]
        for call in sorted(calls, key=lambda each: (each.charged_at, each.position)):
            book.state.usage.follow(None, call, self.state.at)
        book.state.position, book.state.at = self.state.position, self.state.at
        return book

    def since(self, moment: datetime) -> list[Recorded]:
        """Return what was recorded from `moment` on, but for what is decided now."""
        now = len(self.state.recent)
        return [each for each in self.recorded[: len(self.recorded) - now] if each.at >= moment]

    def decision(self, call: str) -> CallDecided | None:
        """Return how a call was decided."""
        decided = (each.event for each in self.recorded if isinstance(each.event, CallDecided))
        return next((event for event in decided if event.call == call), None)

    def redacted(self, approval: str, after: int) -> bool:
        """Tell that nothing is redacted here."""
        del approval, after
        return False

    def of_unknown_outcome(self, digests: Iterable[str]) -> str | None:
        """Return the newest call bound to one of these digests that may have run."""
        found = [self._fetch(*key) for key in self._kept if key[0] == "approval"]
        lost = [
            each.dispatched_call
            for each in found
            if isinstance(each, Approval)
            and each.status is ApprovalStatus.OUTCOME_UNKNOWN
            and each.request.digest in digests
        ]
        return lost[-1] if lost else None

    def _call(self, key: tuple[str, str]) -> CallRecord | None:
        model = self._fetch(*key)
        return model if isinstance(model, CallRecord) else None

    def _record(self, draft: Draft, command: Command, at: datetime) -> Event:
        stream, event = draft.stream, draft.event
        version = self.state.next_version(draft)
        assert version == self._versions.get(stream, 0) + 1, f"a second {version} in {stream}"
        self._versions[stream] = version
        recorded = Recorded(
            position=self.state.position + 1,
            stream=stream,
            version=version,
            at=at,
            actor=command.actor,
            command_id=command.id,
            correlation_id=getattr(event, "approval", None) or getattr(event, "call", stream),
            causation_id=command.causation_id,
            event=event,
        )
        self.state.apply(recorded)
        self.recorded.append(recorded)
        return event

    def _fetch(self, kind: str, name: str) -> Model | None:
        kept = self._kept.get((kind, name))
        return None if kept is None else KINDS[kind].model_validate_json(kept)


def refusal(book: Book, command: CastVote, at: datetime = NOON) -> VoteRefused:
    """Cast a vote that does not count, and return why."""
    events = book.do(command, at)
    assert isinstance(events[-1], VoteRefused)
    return events[-1]
