"""Keeps what callers asked for while people decide, so that an id is enough to come back with."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.calls.examining import Asked
from gateway.calls.open_calls import Ticket
from gateway.sealing import Sealer, Unsealable
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval
from ledger.readings.decided_calls import DecidedCall
from ledger.readings.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable
from policies.people.people import Agent
from policies.values.calls import JsonValue
from policies.values.strict_json import canonical, parse

_MOST = 1000
"""Waiting calls that one caller has at most."""

_LARGEST = 1024 * 1024
"""Bytes of a request above which it is not kept."""


@dataclass(frozen=True)
class KeptAsks:
    """The waiting calls of callers that run them by themselves: sealed, and gone with the wait.

    `now` returns UTC; `report_within` is how long a caller has to say how its
    call ended.
    """

    ledger: Ledger
    sealer: Sealer
    now: Callable[[], datetime]
    report_within: timedelta

    def asked(
        self, agent: Agent, call: str, server: str, tool: str, arguments: Mapping[str, JsonValue]
    ) -> Asked:
        """Return what a caller asks for that names its call and runs it itself."""
        return Asked(
            id=call,
            agent=agent,
            server=server,
            tool=tool,
            params={"name": tool, "arguments": dict(arguments)},
            ticket=Ticket(agent.name, server, "/v1", call, agent.on_behalf_of),
            size=0,
            report_within=self.report_within,
            named=True,
        )

    async def keep(self, asked: Asked, approval: Approval) -> None:
        """Keep a call that waits, if there is room; else its caller has to send it again."""
        plain = canonical(asked.params).encode()
        if len(plain) > _LARGEST:
            return
        task = KeptTask(
            id=asked.id,
            principal=asked.agent.principal,
            server=asked.server,
            approval=approval.id,
            created_at=self.now(),
            expires_at=approval.request.expires_at,
            request=self.sealer.seal(plain, *_names(asked.id, asked.agent, asked.server)),
        )
        if await self.ledger.tasks.find(asked.id) is None:
            await self.ledger.tasks.put(task, _MOST)

    async def find(self, agent: Agent, known: DecidedCall) -> Asked | None:
        """Return what was asked for in a call of this agent that waits; None where it is lost."""
        task = await self.ledger.tasks.find(known.record.id)
        if task is None or task.request is None:
            return None
        names = _names(task.id, agent, task.server)
        try:
            params = parse(self.sealer.unseal(task.request, *names))
        except Unsealable:
            return None
        assert isinstance(params, dict), "it was kept as an object"
        tool, arguments = params["name"], params["arguments"]
        assert isinstance(tool, str), "it was kept as text"
        assert isinstance(arguments, dict), "they were kept as an object"
        return self.asked(agent, task.id, task.server, tool, arguments)

    async def drop(self, call: str) -> bool:
        """Forget a call that waits no more; tell whether its caller had yet to come back for it.

        If it cannot be forgotten, the sweep of the ledger does.
        """
        with contextlib.suppress(LedgerUnavailable):
            task = await self.ledger.tasks.find(call)
            if task is not None and not task.cancelled:
                await self.ledger.tasks.cancel(call, self.now())
                return True
        return False


def _names(call: str, agent: Agent, server: str) -> tuple[str, ...]:
    return "ask", call, agent.principal, server
