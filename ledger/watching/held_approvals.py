"""Has open approvals decided again as soon as another policy is in force, or a tool accepted."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from ledger.deciding.reconsidering import ReconsiderApproval
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import PolicyActivated, ToolAccepted
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.views.approval_pages import approval_pages
from policies.past.recomputing import KeptCall, Recomputed, recompute
from policies.people.people import Directory
from policies.risks.risk import RiskFinding, classify
from policies.rules.decisions import STRICTNESS, Effect, Term
from policies.rules.policy import Policy
from policies.values.calls import Call, JsonValue, Tool
from policies.values.refusals import Refused
from policies.values.strict_json import NotStrict, parse
from policies.values.tool_objects import tool_in

_LOG = logging.getLogger(__name__)

ACTOR = "placet:policy"

_Definition: TypeAlias = tuple[str, str, str]
"""A server, its tool, and the hash of what it says of it."""


class HeldApprovals:
    """Looks at every open approval again after each change of the policy, and once at the start.

    So it does at those of a tool once the definition is accepted that people
    were asked about. Every replica does so; the first one is heard. Nothing
    rests on it: an approval is looked at again when it is used. By what is
    kept of a call, which lacks its secrets, not everything can be told.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Callable[[], Policy],
        directory: Directory,
        trusted: frozenset[str],
    ) -> None:
        """Take where policies are heard of; `trusted` names servers whose hints count."""
        self._ledger = ledger
        self._policy = policy
        self._directory = directory
        self._trusted = trusted
        self._due = False
        self._accepted: dict[_Definition, int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._leave: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to look at all approvals, once and again after each change from now on."""
        self._leave = self._ledger.observe(self._follow, plain_calls=False)
        self._look_soon()

    async def stop(self) -> None:
        """Look at nothing any more."""
        self._leave()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def look(self, accepted: Mapping[_Definition, int] | None = None) -> None:
        """Look at every open approval that was asked for under another policy.

        Those of definitions that were `accepted` meanwhile are looked at in any
        case; the numbers are the positions at which they were.
        """
        try:
            for status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED):
                async for page in approval_pages(self._ledger, status):
                    for approval in page:
                        await self._reconsider(approval, accepted or {})
        except Refused as refusal:
            _LOG.warning("approvals are looked at again when they are used: %s", refusal)

    def _follow(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            event = recorded.event
            if isinstance(event, ToolAccepted):
                self._accepted[event.server, event.tool, event.hash] = recorded.position
            if isinstance(event, PolicyActivated | ToolAccepted):
                self._look_soon()

    def _look_soon(self) -> None:
        self._due = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_due(), name="held approvals")

    async def _look_while_due(self) -> None:
        while self._due:
            self._due = False
            accepted, self._accepted = self._accepted, {}
            try:
                await self.look(accepted)
            except Exception:  # noqa: BLE001  the edge of a job: approvals are checked when used
                _LOG.exception("approvals could not be looked at again")

    async def _reconsider(self, approval: Approval, accepted: Mapping[_Definition, int]) -> None:
        policy = self._policy()
        request = approval.request
        since = accepted.get((request.server, request.tool, request.definition_hash))
        if request.policy_digest == policy.digest and since is None:
            return
        kept = await self._kept(approval, policy, await self._ledger.now())
        recomputed = recompute(kept, policy)
        if not request.definition_hash:
            recomputed = _undeclared(recomputed, kept.team or "")
        command = ReconsiderApproval(
            id=f"reconsider:{approval.id}:{policy.digest[:16]}:{approval.status}:{since or 0}",
            actor=ACTOR,
            approval=approval.id,
            assessment=recomputed.certain,
            effects=recomputed.effects,
            whole=not recomputed.doubts,
        )
        await self._ledger.execute(command)

    async def _kept(self, approval: Approval, policy: Policy, at: datetime) -> KeptCall:
        request = approval.request
        arguments, readable = _arguments(request.arguments)
        tool, risk = await self._tool(approval, policy)
        return KeptCall(
            call=Call(
                agent=request.agent,
                team=request.agent_team,
                on_behalf_of=request.on_behalf_of,
                server=request.server,
                tool=request.tool,
                arguments=arguments,
            ),
            hidden=request.hidden,
            owner=request.owner,
            tool=tool,
            risk=risk,
            team=self._directory.server_teams.get(request.server),
            at=at,
            redacted=not readable,
        )

    async def _tool(self, approval: Approval, policy: Policy) -> tuple[Tool, RiskFinding]:
        """Return the tool that people were asked about, with its risk under the policy of now."""
        request = approval.request
        wanted = (request.tool, request.definition_hash)
        definition = (await self._ledger.definitions(request.server, [wanted])).get(wanted)
        if definition is None:
            tool = Tool(request.server, request.tool, "", "{}", request.definition_hash)
            return tool, RiskFinding(request.risk, request.evidence)
        tool = tool_in(request.server, request.tool, definition, request.definition_hash)
        trusted = request.server in self._trusted
        return tool, classify(tool, trusted=trusted, overrides=policy.risks)


def _arguments(text: str) -> tuple[dict[str, JsonValue], bool]:
    """Return the arguments that are kept, and whether they can be read."""
    try:
        found = parse(text.encode())
    except (NotStrict, UnicodeEncodeError):
        return {}, False
    return (found, True) if isinstance(found, dict) else ({}, False)


def _undeclared(recomputed: Recomputed, team: str) -> Recomputed:
    """Return what holds for a tool that nobody declared: `team` is asked, whatever rules allow."""
    asks, certain = Effect.REQUIRE_APPROVAL, recomputed.certain
    if certain.effect is Effect.ALLOW:
        certain = replace(certain, effect=asks, terms=(Term(team, 1),))
    effects = (max(each, asks, key=STRICTNESS.__getitem__) for each in recomputed.effects)
    return Recomputed(certain, recomputed.doubts, frozenset(effects))
