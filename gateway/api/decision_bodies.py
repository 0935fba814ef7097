"""The bodies of `/v1/decisions`: what a caller may ask and report, and what it is told."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.wire.definitions import LONGEST_NAME, TOOL_NAME
from policies.rules.decisions import Effect
from policies.values.calls import Risk

LONGEST_WAIT = 300
"""Seconds for which one request waits at most; longer waits are several requests."""

REQUEST_ID = r"[A-Za-z0-9._~-]{1,128}"
"""What a caller may call a request of its own: it can stand in a path as it is."""

_LONGEST_ERROR = 10_000


class Body(BaseModel):
    """A JSON object of the API: no members that it does not know, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Told(BaseModel):
    """A JSON object that Placet answers with; members may be added in later versions."""

    model_config = ConfigDict(frozen=True)


Wait = Annotated[
    float,
    Field(
        ge=0,
        le=LONGEST_WAIT,
        description="How many seconds to wait for people, if they have to answer. "
        f"At most {LONGEST_WAIT}; to wait longer, ask again with GET.",
    ),
]


class Ask(Body):
    """A call that the caller wants to make, and runs itself if it may."""

    server: Annotated[str, Field(description="A server that placet.yaml names.")]
    tool: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_NAME,
            pattern=TOOL_NAME,
            description="The name of the tool, as it is listed: without control characters.",
        ),
    ]
    arguments: Annotated[
        dict[str, Any],
        Field(
            description="The arguments, exactly as the call will be made with them: what is "
            "approved is bound to them."
        ),
    ] = {}
    wait: Wait = 0
    request_id: Annotated[
        str | None,
        Field(
            pattern=f"^{REQUEST_ID}$",
            description="What the caller calls this request, unique among its own. Sent again with "
            "the same call it gets the same decision, so that no answer is lost; the decision is "
            "also found at `/v1/decisions/request:{request_id}`.",
        ),
    ] = None


class WaitQuery(Body):
    """How long to wait."""

    wait: Wait = 0


class NoQuery(Body):
    """Nothing is asked in a query string."""


class Report(Body):
    """How a call ended that its caller ran."""

    outcome: Annotated[
        Literal["ok", "tool-error", "failed"],
        Field(
            description="`ok`; `tool-error` where the tool says that it failed; `failed` where "
            "nobody can tell what it did."
        ),
    ]
    duration_ms: Annotated[
        int, Field(ge=0, le=2**53 - 1, description="How long it took, in milliseconds.")
    ] = 0
    size: Annotated[
        int, Field(ge=0, le=2**53 - 1, description="How large its result was, in bytes.")
    ] = 0
    error: Annotated[
        str | None,
        Field(
            max_length=_LONGEST_ERROR,
            description="What went wrong, for the card and the history: secrets are taken out, "
            "and it is cut to 500 characters.",
        ),
    ] = None


class Decision(StrEnum):
    """What the caller may do."""

    ALLOW = "allow"
    DENY = "deny"
    PENDING = "pending"
    ENDED = "ended"


class Status(StrEnum):
    """Why it may, or may not."""

    ALLOWED = "allowed"
    DENIED_BY_POLICY = "denied_by_policy"
    FROZEN = "frozen"
    PENDING = "pending"
    UNDELIVERABLE = "undeliverable"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    VOIDED = "voided"
    USED = "used"
    COMPLETED = "completed"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"


class ToldRule(Told):
    """A rule that spoke."""

    rule: Annotated[str, Field(description="Its name.")]
    pointer: Annotated[
        str,
        Field(
            description="Where it stands in the policy, as a JSON Pointer (RFC 6901); empty where "
            "Placet itself speaks."
        ),
    ]
    effect: Effect
    because: Annotated[str, Field(description="Why it covers the call.")]


class ToldOutcome(Told):
    """How a call ended."""

    outcome: Annotated[
        str, Field(description="`ok`, `tool-error`, `rpc-error`, `failed` or `unknown`.")
    ]
    duration_ms: int | None
    size: int | None
    error: str | None
    at: datetime


class ToldDecision(Told):
    """A decision as it stands."""

    id: Annotated[
        str | None,
        Field(
            description="The call's id in the ledger. It is null where the answer is the end of an "
            "earlier, identical call: this one was not recorded, and asked again it is decided "
            "anew."
        ),
    ]
    decision: Annotated[
        Decision,
        Field(
            description="`allow`: run the call, once, and report how it ended. `deny`: do not run "
            "it. `pending`: do not run it; people were asked, wait with GET. `ended`: it was "
            "allowed, and its outcome is known or given up; do not run it again."
        ),
    ]
    status: Annotated[Status, Field(description="Why; `decision` follows from it.")]
    message: Annotated[
        str, Field(description="The same for people and models, with what to do next.")
    ]
    server: str
    tool: str
    observed: Annotated[
        bool, Field(description="Whether it may run only because its server blocks nothing.")
    ] = False
    risk: Risk | None = None
    rules: list[ToldRule] = []
    policy: Annotated[str | None, Field(description="The digest of the policy.")] = None
    grant: Annotated[str | None, Field(description="The grant that lifted the call.")] = None
    approval: Annotated[str | None, Field(description="The approval it waits for, or used.")] = None
    teams: Annotated[list[str], Field(description="The teams that have to approve.")] = []
    expires_at: Annotated[datetime | None, Field(description="When the question expires.")] = None
    report_until: Annotated[
        datetime | None,
        Field(description="When the outcome is unknown if it was not reported until then."),
    ] = None
    outcome: ToldOutcome | None = None
