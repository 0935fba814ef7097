"""Says what of a grant would lift nothing: by `grants.never`, or by what its terms read."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ledger.ledger import Ledger
from ledger.lives.owning import compiled
from ledger.lives.tools import SeenTool
from policies.checking.argument_checks import reading_problem
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.policy import Policy
from policies.values.calls import Tool
from policies.values.matching import Glob, Subject
from policies.values.refusals import Refused
from policies.values.tool_objects import tool_in

Weigh: TypeAlias = Callable[[Tool], RiskFinding]
"""Says how risky a tool is, by the policy in force."""

_NAMED = 5


@dataclass(frozen=True)
class Barred:
    """The tools, `server/tool`, that a grant names and cannot lift; `all`: it names no others.

    Tools that a server does not list now are not looked at.
    """

    tools: tuple[str, ...] = ()
    all: bool = False

    @property
    def named(self) -> str:
        """The tools in backticks, the first few of them."""
        more = len(self.tools) - _NAMED
        told = [f"`{tool}`" for tool in self.tools[:_NAMED]]
        return " and ".join([*told, f"{more} more"] if more > 0 else told)


async def barred(
    ledger: Ledger, directory: Directory, agent: str, target: str, weigh: Weigh
) -> Barred:
    """Return what of a grant to `target` would lift nothing. Raises LedgerUnavailable."""
    standing = await ledger.policy_in_force()
    policy = await asyncio.to_thread(compiled, standing.text) if standing else None
    if policy is None or not policy.grants.never:
        return Barred()
    named = await named_tools(ledger, directory, target)
    found = tuple(_covered(named, agent, policy, directory, weigh))
    return Barred(found, all=bool(named) and len(found) == len(named))


async def named_tools(ledger: Ledger, directory: Directory, target: str) -> list[SeenTool]:
    """Return the tools listed now that a target `server/tool` names."""
    server, _, tool = target.partition("/")
    servers = [name for name in directory.server_teams if Glob(server).matches(name)]
    return [
        each
        for name in servers
        for each in await ledger.tools(name)
        if each.listed and Glob(tool).matches(each.tool)
    ]


async def refuse_unread(
    ledger: Ledger, directory: Directory, target: str, *, when: str | None, summed: str | None
) -> None:
    """Raise Refused where a grant asks or adds up what none of the tools has that it names."""
    if when is None and summed is None:
        return
    listed = await named_tools(ledger, directory, target)
    tools = [tool_in(each.server, each.tool, each.definition, each.hash) for each in listed]
    for text, sums in ((when, False), (summed, True)):
        problem = None if text is None else reading_problem(text, tools, sums=sums)
        if problem is not None:
            raise Refused(problem)


async def refuse_barred(
    ledger: Ledger, directory: Directory, agent: str, target: str, weigh: Weigh
) -> Barred:
    """Return what of a grant would lift nothing. Raises Refused where all of it would."""
    found = await barred(ledger, directory, agent, target, weigh)
    if found.all:
        raise Refused(
            f"no grant lifts calls of {found.named}, by `grants.never` of the policy;"
            " each of them needs a yes of its own"
        )
    return found


def _covered(
    tools: Iterable[SeenTool], agent: str, policy: Policy, directory: Directory, weigh: Weigh
) -> Iterator[str]:
    """Yield the tools whose calls by `agent` the policy lets no grant lift."""
    known = directory.agents.get(agent)
    for each in tools:
        subject = Subject(
            server=each.server,
            tool=each.tool,
            agent=agent,
            team=policy.owner(each.server, each.tool) or directory.server_teams[each.server],
            on_behalf_of=known.on_behalf_of if known else None,
            risk=weigh(tool_in(each.server, each.tool, each.definition, each.hash)).risk,
        )
        if policy.grants.forbid(subject):
            yield f"{each.server}/{each.tool}"
