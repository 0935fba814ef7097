"""What holds beyond one call: grants, policies, tools and agents. Names are for ever."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event, Fact
from ledger.events.evidence import Evidence


class GrantIssued(Event):
    """An agent may use the tools under `target` (a glob `server/tool`) until `until`.

    `teams` are those for which the giver counted as an approver; `uses` is None
    where uses are not counted. With a `digest` it is for calls of that digest
    only; `given_with` is the approval on whose card it was given. It is for calls
    of which `when` (CEL) holds, and as long as what `sum` (a path like
    `args.amount`, or CEL) comes to of all of them is `at_most` at most. `renews` is
    the grant in whose place it was given.
    """

    TOPIC: ClassVar[str] = "GrantIssued"

    grant: str
    agent: str
    target: str
    until: AwareDatetime
    uses: int | None
    reason: str | None
    by: str
    teams: tuple[str, ...]
    evidence: Evidence | None
    digest: str | None = None
    given_with: str | None = None
    when: str | None = None
    sum: str | None = None
    at_most: str | None = None
    renews: str | None = None


class GrantRefused(Event):
    """A person asked for a grant or its end and was refused."""

    TOPIC: ClassVar[str] = "GrantRefused"

    person: str
    agent: str
    target: str
    because: str
    message: str


class GrantUsed(Event):
    """A call was allowed under a grant; `amount` is what it takes of the grant's sum."""

    TOPIC: ClassVar[str] = "GrantUsed"

    grant: str
    call: str
    amount: str | None = None


class GrantRevoked(Event):
    """A grant was ended by hand."""

    TOPIC: ClassVar[str] = "GrantRevoked"

    grant: str
    by: str
    reason: str | None


class GrantExpired(Event):
    """A grant reached its end, or its last use."""

    TOPIC: ClassVar[str] = "GrantExpired"

    grant: str


class RuleChanged(Fact):
    """A rule or a setting of a policy that is another than before; see PolicyChange."""

    rule: str
    key: str
    before: str | None
    after: str | None


class PolicyActivated(Event):
    """A policy came into force; the whole text is kept.

    `changes` are the first 50 of those, of `changed` in all, that it makes to
    the policy before. `file_owner` is the account that the file belonged to,
    None where that is not known: who wrote it, nobody can tell from that.
    """

    TOPIC: ClassVar[str] = "PolicyActivated"

    digest: str
    text: str
    source: str
    file_owner: str | None = None
    changes: tuple[RuleChanged, ...] = ()
    changed: int = 0


class ToolSeen(Event):
    """A server's tool was seen for the first time or with another definition.

    `accepted` says that its calls need no more than the policy asks: it is so
    of the first list ever seen of a server, and of a definition that was
    accepted before. `changed` names the members of the tool object that are
    not those of the definition accepted last.
    """

    TOPIC: ClassVar[str] = "ToolSeen"

    server: str
    tool: str
    hash: str
    definition: str
    previous_hash: str | None
    accepted: bool = True
    changed: tuple[str, ...] = ()


class ToolGone(Event):
    """A tool that was seen before is no longer listed by its server."""

    TOPIC: ClassVar[str] = "ToolGone"

    server: str
    tool: str
    hash: str


class ToolsPinned(Event):
    """The first list of a server's tools was empty; every tool from here on has to be accepted.

    Of a first list with tools, each is a ToolSeen that is accepted.
    """

    TOPIC: ClassVar[str] = "ToolsPinned"

    server: str


class InstructionsSeen(Event):
    """A server tells models something that it did not tell them before.

    `text` is without secrets, `hash` the SHA-256 of what the server wrote;
    `previous_hash` is None the first time. `accepted` says that models may be
    told it: it is so of what came with the first list ever seen of a server,
    and of what was accepted before.
    """

    TOPIC: ClassVar[str] = "InstructionsSeen"

    server: str
    hash: str
    text: str
    previous_hash: str | None
    accepted: bool = True


class InstructionsAccepted(Event):
    """A person accepted what a server tells models; `evidence` is None where the shell did.

    `review` is the card on which it was accepted.
    """

    TOPIC: ClassVar[str] = "InstructionsAccepted"

    server: str
    hash: str
    by: str
    review: str | None = None
    evidence: Evidence | None = None


class ToolAccepted(Event):
    """A person accepted a tool's definition; `evidence` is None where the shell did.

    `review` is the card on which it was accepted.
    """

    TOPIC: ClassVar[str] = "ToolAccepted"

    server: str
    tool: str
    hash: str
    by: str
    review: str | None = None
    evidence: Evidence | None = None


class ToolAcceptanceRefused(Event):
    """A person wanted to accept tools of a server and was refused; `because` is a code."""

    TOPIC: ClassVar[str] = "ToolAcceptanceRefused"

    server: str
    review: str | None
    person: str
    because: str
    message: str
    evidence: Evidence | None


class ProjectionsMended(Event):
    """Kept rows were not what the events make, and were replaced; `rows` counts them by kind.

    Whatever a process has in memory may come from such rows: it is read anew.
    """

    TOPIC: ClassVar[str] = "ProjectionsMended"

    rows: Mapping[str, int]


class AgentAdded(Event):
    """An agent was made in the ledger; only the SHA-256 of its key is kept."""

    TOPIC: ClassVar[str] = "AgentAdded"

    agent: str
    team: str
    owner: str
    key_sha256: str


class AgentKeyRotated(Event):
    """An agent of the ledger has another key; only the SHA-256 is kept.

    The key before it is good until `previous_until`, and no more at all where
    that is None; one that is older still is not good either way.
    """

    TOPIC: ClassVar[str] = "AgentKeyRotated"

    agent: str
    key_sha256: str
    previous_sha256: str
    previous_until: AwareDatetime | None


class AgentRevoked(Event):
    """An agent of the ledger may no longer call."""

    TOPIC: ClassVar[str] = "AgentRevoked"

    agent: str
    because: str | None
