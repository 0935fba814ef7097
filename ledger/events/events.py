"""What happens to calls and approvals. Names and fields are for ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event, Fact, Spelled
from ledger.events.evidence import Evidence
from ledger.events.patience_events import PlannedEscalation, PlannedReminder
from policies.rules.decisions import Effect
from policies.values.calls import Risk


class SpokenRule(Fact):
    """A rule that spoke: name, JSON Pointer into the policy, effect, and why it covered."""

    rule: str
    pointer: str
    effect: Spelled[Effect]
    because: str


class HiddenValue(Fact):
    """Where a value was hidden, and the keyed code by which a known value can be tested.

    See `policies.secrets.hidden_values`.
    """

    path: str
    code: str


class ChargedLimit(Fact):
    """What a call that runs takes of a limit.

    `bucket` names what is counted together, `within_ms` for how many
    milliseconds it counts; `amount` is a decimal number, as exact as it was sent.
    """

    limit: str
    bucket: str
    amount: str
    within_ms: int


class ApprovalTerm(Fact):
    """How many of a team's approvers must say yes."""

    team: str
    approvals: int


class CallDecided(Event):
    """A call was settled: what may happen to it, by which rules, under which policy.

    `agent_team` and `owner` are the agent's at that moment. `arguments` is
    canonical JSON after redaction, `hidden` counts the values taken out of it;
    `hidden_values` has the codes of the first 100 of them. `digest` binds the
    exact call and names its key. `approval` is the one asked for, joined or
    used; `grant` the one that lifted the call; `instance` the process that
    holds the call. Where it was `observed`, the server blocked nothing:
    whatever the effect, the call ran. With `report_within_seconds` the caller
    runs the call itself as soon as it may, and has so long to report how it
    ended. `charges` are what it takes of limits, where it runs by this decision.
    """

    TOPIC: ClassVar[str] = "CallDecided"

    call: str
    agent: str
    on_behalf_of: str | None
    server: str
    tool: str
    definition_hash: str
    digest: str
    arguments: str
    hidden: int
    effect: Spelled[Effect]
    rules: tuple[SpokenRule, ...]
    message: str | None
    risk: Spelled[Risk]
    evidence: str
    policy_digest: str
    instance: str
    approval: str | None = None
    grant: str | None = None
    meta_keys: tuple[str, ...] = ()
    agent_team: str = ""
    owner: str = ""
    observed: bool = False
    report_within_seconds: int | None = None
    hidden_values: tuple[HiddenValue, ...] = ()
    charges: tuple[ChargedLimit, ...] = ()


class CallCompleted(Event):
    """A call that ran came back.

    `outcome` is `ok`, `tool-error` (a result with isError), `rpc-error` or
    `failed` (no answer that could be used). `duration_ms` is milliseconds,
    `size` bytes of the answer. `content` is there only where policy shows it.
    Where it was not `sent`, it surely did not run: limits get back what it took.
    """

    TOPIC: ClassVar[str] = "CallCompleted"

    call: str
    approval: str | None
    outcome: str
    duration_ms: int
    size: int
    content: str | None = None
    error: str | None = None
    sent: bool = True


class OutcomeUnknown(Event):
    """Whoever ran the call was lost, or did not report in time; it may or may not have run."""

    TOPIC: ClassVar[str] = "OutcomeUnknown"

    call: str
    approval: str | None
    instance: str


class ApprovalRequested(Event):
    """A yes is asked for. Carries all that the approvers are shown and bound to.

    `grantable` says that the policy let grants lift such calls. `reminders`
    and `escalations` are what is planned for as long as nobody decides.
    `repeats` is an identical call that was sent under an earlier yes, and of
    which nobody knows whether it ran.
    """

    TOPIC: ClassVar[str] = "ApprovalRequested"

    approval: str
    call: str
    agent: str
    agent_team: str
    owner: str
    on_behalf_of: str | None
    server: str
    tool: str
    description: str
    definition_hash: str
    digest: str
    arguments: str
    hidden: int
    meta_keys: tuple[str, ...]
    rules: tuple[SpokenRule, ...]
    terms: tuple[ApprovalTerm, ...]
    reason_required: bool
    show_result: bool
    risk: Spelled[Risk]
    evidence: str
    policy_digest: str
    expires_at: AwareDatetime
    use_within_seconds: int
    grantable: bool = False
    reminders: tuple[PlannedReminder, ...] = ()
    escalations: tuple[PlannedEscalation, ...] = ()
    repeats: str | None = None


class ApprovalJoined(Event):
    """An identical call came while the approval was pending and waits on it too."""

    TOPIC: ClassVar[str] = "ApprovalJoined"

    approval: str
    call: str


class GrantedWith(Fact):
    """The grant that came with a yes: its id, its tool, until when, for how many `uses`.

    It is for calls with `exact`ly the arguments that were approved, for those
    of which `when` (CEL) holds, or for any.
    """

    grant: str
    target: str
    until: AwareDatetime
    exact: bool
    when: str | None = None
    uses: int | None = None


class ApprovalGiven(Event):
    """Every named team reached its count; the approval may be used until `use_until`.

    `confirmed` is the fresh evidence on which the earlier votes still counted.
    `granted` is the grant that the last voter gave with it. Where one person
    approved alone, `broke_glass` names that.
    """

    TOPIC: ClassVar[str] = "ApprovalGiven"

    approval: str
    by: tuple[str, ...]
    use_until: AwareDatetime
    confirmed: tuple[Evidence, ...] = ()
    granted: GrantedWith | None = None
    broke_glass: str | None = None


class ApprovalDenied(Event):
    """A person who may decide said no.

    `suggested` are the arguments that they would rather see, canonical JSON
    after redaction: data for the agent, which may call again with them.
    """

    TOPIC: ClassVar[str] = "ApprovalDenied"

    approval: str
    by: str
    reason: str | None
    suggested: str | None = None


class ApprovalExpired(Event):
    """Nobody decided in time. Silence is not a denial."""

    TOPIC: ClassVar[str] = "ApprovalExpired"

    approval: str


class ApprovalCancelled(Event):
    """The question fell away before it was answered; `policy_digest` names a policy that did it."""

    TOPIC: ClassVar[str] = "ApprovalCancelled"

    approval: str
    because: str
    policy_digest: str | None = None


class ApprovalDispatched(Event):
    """The approval was used: this call goes to the server, once, from this instance.

    `task` is the one that the call was made for, where its caller waits so.
    `charges` are what the call takes of limits.
    """

    TOPIC: ClassVar[str] = "ApprovalDispatched"

    approval: str
    call: str
    instance: str
    policy_digest: str
    task: str | None = None
    charges: tuple[ChargedLimit, ...] = ()


class CallContinued(Event):
    """The agent answered what the server had asked for before it ends an approved call.

    It is one more call to the server, of its own in the ledger, under the
    approval of the first. `state` names what the server asked, which is
    answered once; `round` counts from 1. `answers` is canonical JSON after
    redaction, `hidden` the number of values taken out; None where they are too
    large to keep.
    """

    TOPIC: ClassVar[str] = "CallContinued"

    call: str
    approval: str
    state: str
    round: int
    instance: str
    policy_digest: str
    answers: str | None = None
    hidden: int = 0


class ApprovalLapsed(Event):
    """The approval was given but not used in time."""

    TOPIC: ClassVar[str] = "ApprovalLapsed"

    approval: str


class ApprovalVoided(Event):
    """The terms changed after it was asked for or given; `policy_digest` names a new policy."""

    TOPIC: ClassVar[str] = "ApprovalVoided"

    approval: str
    because: str
    policy_digest: str | None = None
