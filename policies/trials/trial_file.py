"""The sections of a file of tests: decisions that a policy is expected to come to."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from policies.rules.decisions import Effect
from policies.rules.policy_file import OneOrMany, RiskWord
from policies.trials.trial_fields import (
    Amount,
    Amounts,
    CalledTool,
    Counts,
    Definition,
    GrantTarget,
    Json,
    JsonObject,
    Moment,
    Standing,
)
from policies.yaml.fields import Many, Name, Text, Version
from policies.yaml.validation import Section

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When a call comes whose test does not say: a Thursday, at noon."""


def _effect_alone(value: object) -> object:
    return {"effect": value} if isinstance(value, str) else value


class ServerTools(Section):
    """A server of the tests: the team that owns it and the tools that it lists.

    `tools_from` names JSON files with lists of tools, beside the file of tests.
    """

    team: Name | None = None
    trusted: bool | None = None
    tools: Annotated[tuple[Definition, ...], Many] = ()
    tools_from: Annotated[tuple[Text, ...], OneOrMany] = ()


class TestedAgent(Section):
    """An agent of the tests; without an owner, conditions that read it cannot be evaluated."""

    team: Name
    owner: Name | None = None


class GrantInForce(Section):
    """A grant that is in force in a test, for the agent that calls unless another is named.

    `when` is what calls under it must be like, `sum` what they take of `left`.
    """

    name: Name = "grant"
    agent: Name | None = None
    target: GrantTarget
    teams: Standing
    until: Moment | None = None
    uses: Annotated[int, Field(ge=0)] | None = None
    when: Text | None = None
    sum: Text | None = None
    left: Amount | None = None


class Expected(Section):
    """What a call is expected to come to; what is not written is not looked at.

    `rules` are all that speak. `team` names all teams that are asked.
    """

    effect: Annotated[Effect, Field(strict=False)]
    rules: Annotated[tuple[str, ...], OneOrMany] | None = None
    team: Annotated[tuple[Name, ...], OneOrMany] | None = None
    approvals: Counts | None = None
    reason: Literal["required", "optional"] | None = None
    message: Text | None = None
    risk: RiskWord | None = None
    grant: Name | None = None


class TrialSection(Section):
    """One test: a call, what is in force, and what is expected.

    `usage` is what earlier calls have taken of limits that speak of this one.
    """

    name: Text | None = None
    call: CalledTool
    arguments: Json = JsonObject()
    agent: Name | None = None
    on_behalf_of: Name | None = None
    at: Moment | None = None
    grants: Annotated[tuple[GrantInForce, ...], Many] = ()
    usage: Amounts = Field(default_factory=dict)
    expect: Annotated[Expected, BeforeValidator(_effect_alone)]


class TrialFile(Section):
    """All that a file of tests says.

    `policy` is a file beside it. `agent` and `at` stand for what a test does not say.
    """

    version: Version
    policy: Text | None = None
    servers: dict[Name, ServerTools] = Field(default_factory=dict)
    agents: dict[Name, TestedAgent] = Field(default_factory=dict)
    agent: Name | None = None
    at: Moment = NOON
    tests: Annotated[tuple[TrialSection, ...], OneOrMany]
