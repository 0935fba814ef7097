"""Runs the tests of a policy by the functions that decide real calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from policies.conditions.amounts import NOTHING
from policies.deciding.assessment import assess, undeclared, unlisted
from policies.deciding.exceeding import NOTHING_USED
from policies.deciding.settling import decide, settle
from policies.people.people import Agent, Directory
from policies.risks.risk import classify
from policies.rules.decisions import Decision, GrantTerms, LiveGrant
from policies.rules.policy import Policy
from policies.trials.trial_file import Expected, GrantInForce, TrialFile, TrialSection
from policies.values.calls import Call, Tool
from policies.values.problems import Place
from policies.yaml.composing import Path
from policies.yaml.documents import Document


@dataclass(frozen=True)
class TriedServer:
    """A server as tests know it; `asks` says that calls of undeclared tools need approval."""

    team: str | None
    tools: Mapping[str, Tool]
    trusted: bool = False
    asks: bool = False


@dataclass(frozen=True)
class Ground:
    """What all tests of a file stand on: the policy, the servers, the people and the agents."""

    policy: Policy
    servers: Mapping[str, TriedServer]
    agents: Mapping[str, Agent]
    directory: Directory


@dataclass(frozen=True)
class Trial:
    """One test: a call, all that its decision depends on, and what is expected."""

    name: str
    file: str
    place: Place
    call: Call
    grants: tuple[LiveGrant, ...]
    usage: Mapping[str, Decimal]
    at: datetime
    expected: Expected


@dataclass(frozen=True)
class Taken:
    """What is taken of limits, by bucket."""

    amounts: Mapping[str, Decimal]

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return what is counted in `bucket`, 0 where no test says."""
        del at
        return self.amounts.get(bucket, NOTHING)


def trials_of(document: Document, written: TrialFile, ground: Ground) -> list[Trial]:
    """Return the tests of a file in which `trial_checks` finds nothing wrong."""
    return [
        _trial(document, ("tests", index), section, written, ground)
        for index, section in enumerate(written.tests)
    ]


def decision(trial: Trial, ground: Ground) -> Decision:
    """Return what the gateway would decide on the call of a test."""
    call, policy, at = trial.call, ground.policy, trial.at
    server = ground.servers[call.server]
    tool = server.tools.get(call.tool)
    if tool is None:
        directory = ground.directory
        assessment = (
            undeclared(call, policy, at, directory) if server.asks else unlisted(call, policy)
        )
        return settle(assessment, trial.grants, at, NOTHING_USED, freezes=())
    risk = classify(tool, trusted=server.trusted, overrides=policy.risks)
    charges = assess(call, policy, at=at, tool=tool, risk=risk, directory=ground.directory).charges
    usage = Taken({charge.bucket: trial.usage.get(charge.limit, NOTHING) for charge in charges})
    return decide(
        call,
        policy,
        trial.grants,
        at,
        tool=tool,
        risk=risk,
        directory=ground.directory,
        usage=usage,
    )


def _trial(
    document: Document, path: Path, section: TrialSection, written: TrialFile, ground: Ground
) -> Trial:
    place = document.place(path)
    server, _, tool = section.call.partition("/")
    agent = ground.agents[caller(section, written, ground.agents) or ""]
    acting = (
        agent if section.on_behalf_of is None else replace(agent, on_behalf_of=section.on_behalf_of)
    )
    at = section.at or written.at
    return Trial(
        name=section.name or f"{section.call} on line {place.line}",
        file=document.file,
        place=place,
        call=Call(
            agent=acting.name,
            team=acting.team,
            on_behalf_of=acting.on_behalf_of,
            server=server,
            tool=tool,
            arguments=section.arguments.values,
        ),
        grants=tuple(_grants(section.grants, acting.name, at)),
        usage=section.usage,
        at=at,
        expected=section.expect,
    )


def caller(section: TrialSection, written: TrialFile, agents: Mapping[str, Agent]) -> str | None:
    """Return who calls: whom the test names, or the file, or the only agent; None for nobody.

    Agents of the configuration are only looked at where the file has none of its own.
    """
    names = list(written.agents or agents)
    only = names[0] if len(names) == 1 else None
    return section.agent or written.agent or only


def _grants(sections: Sequence[GrantInForce], agent: str, at: datetime) -> list[LiveGrant]:
    return [
        LiveGrant(
            id=section.name,
            agent=section.agent or agent,
            target=section.target,
            until=section.until or at + timedelta(hours=1),
            uses_left=section.uses,
            standing=section.teams,
            terms=GrantTerms(section.when, section.sum) if section.when or section.sum else None,
            left=section.left,
        )
        for section in sections
    ]
