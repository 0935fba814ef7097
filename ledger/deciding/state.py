"""What the writer keeps in memory: what is open, folded from the events, or how it is found."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

from ledger.deciding.open_index import OpenIndex
from ledger.deciding.past import NoPast, Past
from ledger.events.envelopes import Draft, Model, Recorded
from ledger.events.events import CallDecided
from ledger.lives import policy_in_force
from ledger.lives.agents import LedgerAgent
from ledger.lives.approvals import OPEN, Approval
from ledger.lives.calls import CallRecord
from ledger.lives.delegations import Delegation
from ledger.lives.freezes import Freeze
from ledger.lives.glasses import Glass
from ledger.lives.grant_requests import GrantRequest
from ledger.lives.grants import Grant
from ledger.lives.kinds import KINDS, OPENING, Kept, concerned, fold, kind_of
from ledger.lives.notices import Notice
from ledger.lives.policy_in_force import PolicyInForce
from ledger.lives.reviews import Review
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool
from ledger.lives.usage import UsageBook
from policies.deciding.freezes import LiveFreeze
from policies.people.people import Agent, Directory

_DROPPED = frozenset(
    {
        *("agent", "approval", "call", "delegation", "freeze"),
        *("glass", "grant", "notice", "request", "review"),
    }
)
"""Kinds whose ended models leave memory; they are fetched again when asked for."""

_AT_HAND = 32
"""Open approvals that stay in memory; thousands may wait, for days, and each takes 3 KB."""

_INDEXED = ("approval", "grant")
"""Kinds that are found by something else than their ids."""

Fetch: TypeAlias = Callable[[str, str], Model | None]
"""Reads a model that is not in memory, by kind and id, as of the head."""

_K = TypeVar("_K", bound=Model)


class State:
    """The open models, the open approvals by digest, and how far the ledger was read.

    Of more than a few open approvals, the oldest leave memory; like what has
    ended, they are fetched again when they are asked for.
    """

    def __init__(self, directory: Directory, fetch: Fetch, at_hand: int = _AT_HAND) -> None:
        """Start empty, at position 0; `restore` and `apply` fill it.

        Of the open approvals, `at_hand` stay in memory.
        """
        self.directory = directory
        self.position = 0
        self.at = datetime.min.replace(tzinfo=UTC)
        self._fetch = fetch
        self._at_hand = at_hand
        self._models: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self._touched: dict[tuple[str, str], Kept] = {}
        self._fetched: set[tuple[str, str]] = set()
        self._index = OpenIndex()
        self.usage = UsageBook()
        self.recent: list[Recorded] = []
        """What was applied since the last `settle_down`."""
        self.past: Past = NoPast()

    def restore(self, kind: str, model: Model) -> None:
        """Put a model that a projection kept in its place."""
        known = self._models[kind]
        known[model.id] = model
        self._index.take(model)
        if kind == "approval" and len(known) > 2 * self._at_hand:
            self._shed()

    def apply(self, recorded: Recorded) -> None:
        """Fold one event into every model that it concerns. Raises CorruptHistory."""
        position, at = recorded.position, recorded.at
        opens = type(recorded.event) in OPENING
        for concern in concerned(recorded):
            kind, name = concern
            known = self._models[kind]
            model = known.get(name)
            if model is None and not opens:
                model = self._find(kind, name)
            if model is not None and model.position >= position:
                self._arrive(kind, model)
                continue
            known[name] = self._touched[concern] = after = fold(kind, model, recorded)
            self.usage.follow(model, after, at)
            if kind in _INDEXED:
                self._index.take(after)
        self.recent.append(recorded)
        self.position = position
        if at is not self.at:  # all of a batch have one time
            self.at = max(self.at, at)

    def _arrive(self, kind: str, model: Model) -> None:
        """Take in what was read as others have left it, be it by events that come yet."""
        self.usage.arrive(model)
        if kind in _INDEXED:
            self._index.take(model)

    def touched(self) -> list[tuple[str, Kept]]:
        """Return the models changed since the last `settle_down`, as projections keep them."""
        return [(kind, model) for (kind, _), model in self._touched.items()]

    def settle_down(self) -> None:
        """Forget what was touched, and drop ended models from memory, and old open approvals."""
        for kind, name in self._fetched - self._touched.keys() if self._fetched else ():
            if not cast("Kept", self._models[kind][name]).open:
                del self._models[kind][name]
        for (kind, name), model in self._touched.items():
            if kind in _DROPPED and not model.open:
                del self._models[kind][name]
        self._shed()
        self._touched.clear()
        self._fetched.clear()
        self.recent.clear()

    def _shed(self) -> None:
        """Let the oldest open approvals leave memory; all of them are kept by their projection."""
        approvals = self._models["approval"]
        for name in [*islice(approvals, max(len(approvals) - self._at_hand, 0))]:
            del approvals[name]

    def next_version(self, draft: Draft) -> int:
        """Return the version that a draft gets in its stream, the first being 1.

        An event that opens a stream is not looked up: a new call costs no read.
        The ledger's unique key over stream and version catches a second one.
        """
        kind, name = kind_of(draft.stream)
        if not kind:
            return 1
        model = self._models[kind].get(name)
        if model is None and type(draft.event) not in OPENING:
            model = self._find(kind, name)
        return 1 if model is None else model.version + 1

    def since(self, moment: datetime) -> Iterator[Recorded]:
        """Yield what was recorded of calls from `moment` on, in order, this batch's too."""
        yield from self.past.since(moment)
        yield from self.recent

    def decision(self, call: str) -> CallDecided | None:
        """Return how a call was decided, None where that is not kept."""
        mine = (each.event for each in self.recent if isinstance(each.event, CallDecided))
        found = next((event for event in mine if event.call == call), None)
        return found or self.past.decision(call)

    def of_unknown_outcome(self, digests: Iterable[str]) -> str | None:
        """Return the newest call bound to one of these digests that may have run, or None."""
        return self.past.of_unknown_outcome(digests)

    def redacted(self, approval: str, after: int) -> bool:
        """Tell whether an event that names an approval was redacted after position `after`."""
        return self.past.redacted(approval, after)

    def approval(self, name: str) -> Approval | None:
        """Return an approval, open or ended."""
        return cast("Approval | None", self._find("approval", name))

    def approval_for(self, digests: Iterable[str]) -> Approval | None:
        """Return the approval, pending or given, that is bound to one of these digests."""
        for digest in digests:
            name = self._index.bound_to(digest)
            found = None if name is None else self.approval(name)
            if found is not None and found.status in OPEN:
                return found
        return None

    def open_approvals(self, agent: str) -> list[Approval]:
        """Return the agent's approvals that can still be decided or used, as they were asked."""
        found = [self.approval(name) for name in self._index.asked_by(agent)]
        return [each for each in found if each is not None and each.status in OPEN]

    def grant(self, name: str) -> Grant | None:
        """Return a grant, live or ended."""
        return cast("Grant | None", self._find("grant", name))

    def live_grants(self, agent: str) -> list[Grant]:
        """Return the grants of an agent that are not revoked or expired, by id."""
        names = self._index.grants_of(agent)
        if not names:
            return []
        return [
            grant
            for name in sorted(names)
            if (grant := self.grant(name)) is not None and grant.open
        ]

    def call(self, name: str) -> CallRecord | None:
        """Return a call."""
        known: CallRecord | None = self._models["call"].get(name)
        return cast("CallRecord | None", self._find("call", name)) if known is None else known

    def runs(self, call: str) -> bool:
        """Tell whether a call is at its server, as far as is known; nothing is read."""
        known: CallRecord | None = self._models["call"].get(call)
        return known is not None and known.open

    def running_calls(self) -> list[CallRecord]:
        """Return the calls that are at their servers, as far as is known."""
        return [call for call in self._all(CallRecord) if call.open]

    def ledger_agent(self, name: str) -> LedgerAgent | None:
        """Return an agent of the ledger, live or revoked."""
        return cast("LedgerAgent | None", self._find("agent", name))

    def agent(self, name: str) -> Agent | None:
        """Return an agent that may call: of the configuration, or live in the ledger."""
        if name in self.directory.agents:
            return self.directory.agents[name]
        known = self.ledger_agent(name)
        return known.caller() if known is not None and known.open else None

    def tools(self, server: str) -> dict[str, SeenTool]:
        """Return the tools seen of a server, by name."""
        seen = self._all(SeenTool)
        return {tool.tool: tool for tool in seen if tool.server == server}

    def tool(self, server: str, name: str) -> SeenTool | None:
        """Return a tool of a server."""
        found: SeenTool | None = self._models["tool"].get(f"{server}/{name}")
        return found

    def server(self, name: str) -> KnownServer | None:
        """Return a server of which something was seen as a whole."""
        return cast("KnownServer | None", self._models["server"].get(name))

    def review(self, name: str) -> Review | None:
        """Return a card about changed tools."""
        return cast("Review | None", self._find("review", name))

    def freeze(self, name: str) -> Freeze | None:
        """Return a freeze, in force or ended."""
        return cast("Freeze | None", self._find("freeze", name))

    def live_freezes(self) -> tuple[LiveFreeze, ...]:
        """Return the freezes that nobody has lifted; nothing is read."""
        known = self._models["freeze"]
        if not known:
            return ()
        return tuple(freeze.live() for freeze in self._all(Freeze) if freeze.open)

    def delegation(self, name: str) -> Delegation | None:
        """Return a delegation, in force or ended."""
        return cast("Delegation | None", self._find("delegation", name))

    def live_delegations(self) -> list[Delegation]:
        """Return the delegations that have not ended, the oldest first; nothing is read."""
        live = [each for each in self._all(Delegation) if each.open]
        return sorted(live, key=lambda each: each.position)

    def notice(self, name: str) -> Notice | None:
        """Return a message that tells a channel of something."""
        return cast("Notice | None", self._find("notice", name))

    def glass(self, name: str) -> Glass | None:
        """Return a glass that somebody broke."""
        return cast("Glass | None", self._find("glass", name))

    def request(self, name: str) -> GrantRequest | None:
        """Return a request for a grant, open or answered."""
        return cast("GrantRequest | None", self._find("request", name))

    def policy(self) -> PolicyInForce | None:
        """Return the policy in force."""
        found: PolicyInForce | None = self._models["policy"].get(policy_in_force.STREAM)
        return found

    def _all(self, wanted: type[_K]) -> list[_K]:
        kind = next(kind for kind, model in KINDS.items() if model is wanted)
        return cast("list[_K]", list(self._models[kind].values()))

    def _find(self, kind: str, name: str) -> Model | None:
        known = self._models[kind].get(name)
        if known is not None or kind not in _DROPPED:
            return known
        found = self._fetch(kind, name)
        if found is not None:
            self._models[kind][name] = found
            self._fetched.add((kind, name))
        return found
