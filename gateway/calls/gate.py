"""Has every call decided by the ledger before it can go anywhere."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gateway.calls.call_ids import anew
from gateway.calls.continuations import Continuation
from gateway.calls.examining import Asked, Examined, Examiner, shown_answers
from gateway.calls.outcomes import Outcomes
from gateway.upstreams import UpstreamRequest
from ledger.deciding.claims import (
    AlreadyDecided,
    ClaimApproval,
    PolicyChanged,
    TermsUnread,
    ToolChanged,
)
from ledger.deciding.continuing import ContinueCall
from ledger.deciding.rulings import Dispatched, Ruling, ruling
from ledger.events.envelopes import Command, Recorded
from ledger.events.events import CallDecided
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval
from ledger.lives.calls import DecideCall
from ledger.unavailable import LedgerUnavailable, NotRecorded
from policies.rules.decisions import GrantTerms
from policies.rules.policy import Policy
from policies.values.calls import Tool
from policies.values.refusals import Refused

_ATTEMPTS = 5
_AT_ONCE = 128 * 1024
"""Bytes of a call that are looked at while all others wait."""


class PolicyInForce(Protocol):
    """The policy in force, as whoever keeps it hands it out."""

    def __call__(self) -> Policy:
        """Return it as far as this process has heard."""
        ...

    async def again(self) -> Policy:
        """Return it after asking the ledger."""
        ...


class Tools(Protocol):
    """The tools of one server, as far as they are known."""

    @property
    def known(self) -> Mapping[str, Tool]:
        """Those that can be decided on without asking anybody, by name."""
        ...

    async def find(self, name: str, request: UpstreamRequest | None) -> Tool | None:
        """Return the tool as the sender of `request` sees it; None where the server lists none.

        Raises Refused where it is not known, Rejected where the caller's session is over.
        """
        ...

    async def learn_now(
        self, name: str, request: UpstreamRequest | None, *, differs: bool = False
    ) -> None:
        """Look up anew what `find` finds. Raises Refused and Rejected as that does.

        `differs` says that another definition of it is known than was found.
        """
        ...


class Undecided(Refused):
    """The policy or the tool changed each time the call was looked at."""


class Gate:
    """Examines a call and has it decided, or its approval claimed, in the ledger.

    INVARIANT: only `Allowed` and `Dispatched` let a call pass, and both are
    durable when they are returned. Everything else, an exception too, is a no.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: PolicyInForce,
        examiner: Examiner,
        toolboxes: Mapping[str, Tools],
        outcomes: Outcomes,
        reach: Callable[[str], None],
    ) -> None:
        """Take the collaborators; `reach` is called where a test may kill the process."""
        self._ledger = ledger
        self._policy = policy
        self._examiner = examiner
        self._toolboxes = toolboxes
        self._outcomes = outcomes
        self._reach = reach

    async def examine(self, asked: Asked) -> Examined:
        """Return the call with what the rules say now. Raises NotLearned, Rejected."""
        tools = self._toolboxes[asked.server]
        tool = tools.known.get(asked.tool) or await tools.find(asked.tool, asked.request)
        if asked.size <= _AT_ONCE:
            return self._examiner.examine(asked, self._policy(), tool)
        return await asyncio.to_thread(self._examiner.examine, asked, self._policy(), tool)

    async def examine_anew(self, asked: Asked) -> Examined:
        """Return the same, after asking the server for its tools: not all say when these change.

        So people are asked about, and have agreed to, the tool that runs.
        """
        await self._toolboxes[asked.server].learn_now(asked.tool, asked.request)
        return await self.examine(asked)

    def with_terms(self, asked: Asked, examined: Examined, terms: Sequence[GrantTerms]) -> Examined:
        """Return the call with whether it meets what grants ask of its arguments."""
        return self._examiner.with_terms(asked, examined, terms)

    async def decide(self, asked: Asked, examined: Examined) -> tuple[Ruling, Examined]:
        """Return the durable decision on a call, and what it was decided on.

        The names of all commands of a call begin with its own: they grow with
        time like it, and the ledger keeps what grows in less room and time.
        Raises Refused where nothing was decided, LedgerUnavailable among them.
        """

        def command(seen: Examined, attempt: int) -> Command:
            return DecideCall.made(
                id=f"{asked.id}:decide:{attempt}",
                actor=f"agent:{asked.agent.name}",
                facts=seen.facts,
                assessment=seen.assessment,
            )

        found = await self._settled(asked, examined, command)
        self._reach("decided")
        if isinstance(found[0], Dispatched):
            self._reach("claimed")
        return found

    async def decide_anew(self, asked: Asked, approval: Approval) -> tuple[Ruling, Examined, Asked]:
        """Return what is decided of a held call whose approval another policy has ended.

        It is a new call in the ledger, the same for all who were held for that
        approval: one of them is decided. Raises AlreadyDecided for the others,
        else as `decide`.
        """
        again = asked._replace(id=anew(approval.id))

        def command(seen: Examined, attempt: int) -> Command:
            return DecideCall(
                id=f"anew:{asked.id}:{attempt}",
                actor=f"agent:{asked.agent.name}",
                causation_id=asked.id,
                facts=seen.facts._replace(named=True),
                assessment=seen.assessment,
            )

        examined = await self.examine_anew(again)
        ruling, examined = await self._settled(again, examined, command, shared=True)
        self._reach("decided")
        return ruling, examined, again

    async def claim(
        self, asked: Asked, examined: Examined, approval: str, task: str | None = None
    ) -> tuple[Ruling, Examined]:
        """Return what became of the approval: dispatched for this call, voided or lapsed.

        The call has to be examined anew before. For a `task`, it is a new one.
        Raises AlreadyUsed where another call won, else as `decide`.
        """

        def command(seen: Examined, attempt: int) -> Command:
            return ClaimApproval(
                id=f"{asked.id}:claim:{attempt}",
                actor=f"agent:{asked.agent.name}",
                causation_id=asked.id,
                approval=approval,
                facts=seen.facts,
                assessment=seen.assessment,
                task=task,
            )

        self._reach("claiming")
        found = await self._settled(asked, examined, command)
        self._reach("claimed")
        return found

    async def go_on(
        self, asked: Asked, examined: Examined, continuation: Continuation
    ) -> tuple[Ruling, Examined]:
        """Return the durable decision on a further round of an approved call.

        Raises AlreadyUsed where that round was sent before, Unfit where the
        terms are not met any more, else as `decide`.
        """

        def command(seen: Examined, attempt: int) -> Command:
            answers, hidden = shown_answers(asked, seen.policy)
            return ContinueCall(
                id=f"{asked.id}:continue:{attempt}",
                actor=f"agent:{asked.agent.name}",
                causation_id=continuation.leg.approval,
                approval=continuation.leg.approval,
                state=continuation.name,
                round=continuation.leg.round,
                facts=seen.facts,
                assessment=seen.assessment,
                answers=answers,
                hidden=hidden,
            )

        found = await self._settled(asked, examined, command)
        self._reach("continued")
        return found

    async def _settled(
        self,
        asked: Asked,
        examined: Examined,
        command: Callable[[Examined, int], Command],
        *,
        shared: bool = False,
    ) -> tuple[Ruling, Examined]:
        """Settle a call; one that is `shared` others may want decided under the same id."""
        for attempt in range(_ATTEMPTS):
            sent = command(examined, attempt)
            try:
                events = await self._ledger.execute(sent)
            except NotRecorded:
                raise  # so that there is nothing to see to
            except (asyncio.CancelledError, LedgerUnavailable) as error:
                self._see_to(asked, sent, error, shared=shared)
                raise
            except TermsUnread as unread:
                examined = self.with_terms(asked, examined, unread.terms)
                continue
            except PolicyChanged:
                await self._policy.again()
            except ToolChanged:
                tools = self._toolboxes[asked.server]
                await tools.learn_now(asked.tool, asked.request, differs=True)
            else:
                _check_same(examined, events)
                return ruling(events), examined
            examined = await self.examine(asked)
        message = "the policy or the tool keeps changing; nothing was executed, call again"
        raise Undecided(message)

    def _see_to(
        self, asked: Asked, command: Command, error: BaseException, *, shared: bool
    ) -> None:
        """See to a decision that nobody waits for, or that the ledger did not confirm.

        Whoever stops waiting for it runs nothing. A call that its caller has
        named stays as it is recorded: the caller comes back to hear it.
        """
        if shared:
            self._outcomes.give_up(asked.id, command)
        elif asked.named:
            return
        elif isinstance(error, LedgerUnavailable):
            self._outcomes.doubt(asked.id)
        else:
            self._outcomes.abandon(asked.id, command)


def _check_same(examined: Examined, events: Sequence[Recorded]) -> None:
    """Refuse what was recorded of another call: a command sent again gets what it caused first."""
    for recorded in events:
        event = recorded.event
        if isinstance(event, CallDecided) and event.digest not in examined.facts.digests:
            raise AlreadyDecided(f"call `{event.call}` was decided before, and was another one")
