"""Says whom and what an event concerns: itself, or by the approval, call or grant it names."""

from collections import OrderedDict
from dataclasses import astuple, dataclass, replace

from sqlalchemy import Connection

from ledger.events.envelopes import Event, Model
from ledger.events.events import ApprovalRequested, CallDecided
from ledger.events.standing_events import GrantIssued
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallRecord
from ledger.lives.grants import Grant
from ledger.storage.projections import find_model
from policies.rules.decisions import Effect

_REMEMBERED = 8192


@dataclass(frozen=True)
class Concern:
    """Whom an event concerns; None stands for what neither it nor its subject says.

    `target` is the glob `server/tool` of a grant. `effect` is the decision on
    the call that the event belongs to, and require_approval of an approval.
    """

    agent: str | None = None
    agent_team: str | None = None
    owner: str | None = None
    on_behalf_of: str | None = None
    server: str | None = None
    tool: str | None = None
    target: str | None = None
    effect: Effect | None = None


_NOBODY = Concern()

_SUBJECTS = ("approval", "call", "grant")


class Concerns:
    """Remembers the newest calls, approvals and grants, so that few have to be looked up.

    INVARIANT: nothing of what a Concern says of a call, an approval or a grant ever changes.
    """

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._known: OrderedDict[tuple[str, str], Concern] = OrderedDict()

    def of(self, connection: Connection, event: Event) -> Concern:
        """Return whom an event concerns; its subjects are read on `connection` where not known."""
        concern = _own(event)
        match event:
            case CallDecided():
                self._remember("call", event.call, concern)
            case ApprovalRequested():
                concern = replace(concern, effect=Effect.REQUIRE_APPROVAL)
                self._remember("approval", event.approval, concern)
            case GrantIssued():
                self._remember("grant", event.grant, concern)
            case _ if concern.agent is None and concern.server is None:
                concern = self._by_subjects(connection, event)
            case _:
                pass
        return concern

    def _by_subjects(self, connection: Connection, event: Event) -> Concern:
        """Return what the subjects say: of the effect the call first, else the approval."""
        concern, effect = _NOBODY, None
        for kind in _SUBJECTS:
            name = getattr(event, kind, None)
            if name is not None:
                subject = self._subject(connection, kind, name)
                concern = _filled(concern, subject)
                effect = subject.effect if kind == "call" else effect
        return concern if effect is None else replace(concern, effect=effect)

    def _subject(self, connection: Connection, kind: str, name: str) -> Concern:
        known = self._known.get((kind, name))
        if known is None:
            known = _of_model(find_model(connection, kind, name))
            self._remember(kind, name, known)
        return known

    def _remember(self, kind: str, name: str, concern: Concern) -> None:
        self._known[kind, name] = concern
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _own(event: Event) -> Concern:
    """Return what an event says itself."""
    target: str | None = getattr(event, "target", None)
    server = target.partition("/")[0] if target is not None else None
    return Concern(
        agent=getattr(event, "agent", None),
        agent_team=getattr(event, "agent_team", None),
        owner=getattr(event, "owner", None),
        on_behalf_of=getattr(event, "on_behalf_of", None),
        server=getattr(event, "server", server),
        tool=getattr(event, "tool", None),
        target=target,
        effect=getattr(event, "effect", None),
    )


def _filled(concern: Concern, by: Concern) -> Concern:
    """Return `concern` with what it does not say taken from `by`."""
    pairs = zip(astuple(concern), astuple(by), strict=True)
    return Concern(*(first if first is not None else second for first, second in pairs))


def _of_model(model: Model | None) -> Concern:
    match model:
        case Approval():
            return replace(_own(model.request), effect=Effect.REQUIRE_APPROVAL)
        case CallRecord():
            return Concern(
                agent=model.agent, server=model.server, tool=model.tool, effect=model.effect
            )
        case Grant():
            server = model.target.partition("/")[0]
            return Concern(agent=model.agent, server=server, target=model.target)
        case _:
            return _NOBODY
