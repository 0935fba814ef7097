"""Looks at one call: what it is bound to, what people may see of it, what the rules say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from gateway.calls.beside import beside
from gateway.calls.open_calls import Ticket
from gateway.tools.acceptance import Acceptance
from gateway.upstreams import UpstreamRequest
from gateway.wire.errors import Code, Rejected
from ledger.lives.calls import CallFacts
from policies.deciding.assessment import assess, lasts, scope_of, subject_of, undeclared, unlisted
from policies.deciding.listing import never_runs
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding, classify
from policies.rules.decisions import Assessment, Effect, GrantTerms, Spoke
from policies.rules.grant_terms import answered
from policies.rules.policy import Policy
from policies.secrets.hidden_values import hidden_codes
from policies.secrets.redaction import redact, redact_text
from policies.values.calls import Call, JsonValue, Tool
from policies.values.digests import DigestKey, digests
from policies.values.inert import inert_line
from policies.values.near_names import near_name
from policies.values.strict_json import canonical

MOST_SHOWN = 256 * 1024
"""Bytes of redacted arguments above which nobody can be asked to approve a call."""

_KNOWN = frozenset({"name", "arguments", "_meta", "task", "requestState", "inputResponses"})
_ALLOW = Effect.ALLOW
_NO_EXTRAS: Mapping[str, JsonValue] = MappingProxyType({})
_MOST_ANSWERS = 16 * 1024
_MOST_REMEMBERED = 4096
_ECHO = 60
_MOST_EXTENDED = 64


class Asked(NamedTuple):
    """A call that an agent asks for: its id in the ledger, and what is asked.

    `ticket` is how the caller itself can name the call while it is open;
    `size` is that of the request in bytes. With `report_within` the caller
    runs the call itself. Where the caller `named` the call, it can come back
    and finds it as it was left. `request` is what goes to an MCP server.
    """

    id: str
    agent: Agent
    server: str
    tool: str
    params: Mapping[str, JsonValue]
    ticket: Ticket
    size: int
    report_within: timedelta | None = None
    named: bool = False
    request: UpstreamRequest | None = None

    @property
    def asked(self) -> "Asked":
        """What is asked: this."""
        return self

    def rest(self) -> None:
        """Keep all of it."""

    async def whole(self) -> "Asked":
        """Return what is asked."""
        return self


class Examined(NamedTuple):
    """A call with what is known of it and what the rules say."""

    facts: CallFacts
    assessment: Assessment
    policy: Policy

    @property
    def asks(self) -> bool:
        """Whether people may have to be asked; nobody is about a call that is only observed."""
        assessment = self.assessment
        if assessment.effect is _ALLOW and not assessment.charges:  # which most are
            return False
        effects = [assessment.effect, *(charge.effect for charge in assessment.charges)]
        needed = Effect.REQUIRE_APPROVAL in effects and assessment.effect is not Effect.DENY
        return needed and not self.facts.observed


class _Lasting(NamedTuple):
    """What a policy says of every call of an agent to a tool."""

    tool: Tool
    agent: Agent
    policy: Policy
    assessment: Assessment


class Examiner:
    """Turns what is asked into facts and an assessment; pure but for the time it is given."""

    def __init__(
        self,
        directory: Directory,
        keys: Sequence[DigestKey],
        trusted: frozenset[str],
        instance: str,
        now: Callable[[], datetime],
        acceptance: Acceptance,
        observing: frozenset[str] = frozenset(),
        asking: frozenset[str] = frozenset(),
    ) -> None:
        """Keep the surroundings; `keys` has the one in force first.

        `trusted`, `observing` and `asking` name servers; calls of tools that
        these last have not declared need approval.
        """
        self._acceptance = acceptance
        self._directory = directory
        self._keys = tuple(keys)
        self._trusted = trusted
        self._instance = instance
        self._now = now
        self._observing = observing
        self._asking = asking
        self._extended: dict[str, Directory] = {}
        self._risks: dict[tuple[str, str, str], RiskFinding] = {}
        self._lasting: dict[tuple[str, str, str, str | None], _Lasting] = {}

    def examine(self, asked: Asked, policy: Policy, tool: Tool | None) -> Examined:
        """Return facts and assessment; `tool` is None where the server lists none of that name.

        Raises Rejected where the call cannot be shown to anybody as it is, or
        could be read in two ways.
        """
        call = _call(asked)
        if tool is not None and asked.server not in self._observing:
            _check_names(tool, call)
        given = _shown(call)
        shown = redact(given, policy.redact)
        written = canonical(call.arguments)
        same = not shown.hidden and not call.extras
        arguments = written if same else canonical(shown.value)
        facts = CallFacts.__new__(  # not by the type, which makes a dictionary of the names first
            CallFacts,
            call=asked.id,
            agent=asked.agent,
            server=asked.server,
            tool=asked.tool if tool else redact_text(asked.tool).text,
            description=tool.description if tool else "",
            definition_hash=tool.hash if tool else "",
            digests=digests(call, self._keys, written),
            arguments=arguments,
            hidden=shown.hidden,
            meta_keys=beside(asked.params),
            instance=self._instance,
            observed=asked.server in self._observing,
            report_within=asked.report_within,
            named=asked.named,
            hidden_values=(
                hidden_codes(asked.id, given, shown.value, self._keys[0]) if shown.hidden else ()
            ),
        )
        assessment = self._assessed(call, asked.agent, policy, tool)
        if assessment.effect is Effect.REQUIRE_APPROVAL and len(arguments) > MOST_SHOWN // 4:
            assessment = _kept_small(assessment, arguments)
        return Examined(facts, assessment, policy)

    def with_terms(self, asked: Asked, examined: Examined, terms: Sequence[GrantTerms]) -> Examined:
        """Return the call with whether it meets what grants ask of its arguments."""
        call, directory, policy = _call(asked), self._with(asked.agent), examined.policy
        subject = subject_of(call, policy, directory, examined.assessment.risk)
        if subject is None or not terms:
            return examined
        scope = scope_of(call, subject, self._now(), directory)
        return examined._replace(assessment=answered(examined.assessment, terms, scope))

    def hides(self, agent: Agent, server: str, policy: Policy) -> Callable[[Tool], bool]:
        """Return what tells of a server's tools that no call of `agent` to them could run."""
        if server in self._observing:
            return lambda _: False
        directory = self._with(agent)
        return lambda tool: never_runs(
            agent, tool, policy, risk=self._risk(tool, policy), directory=directory
        )

    def recognises(self, asked: Asked, digest: str) -> bool:
        """Tell whether a call is the one that has this digest, under whatever key of ours."""
        return digest in digests(_call(asked), self._keys)

    def _assessed(self, call: Call, agent: Agent, policy: Policy, tool: Tool | None) -> Assessment:
        if tool is None and call.server in self._asking:
            return undeclared(call, policy, self._now(), self._with(agent))
        if tool is None:
            return unlisted(call, policy)
        named = (call.server, call.tool, call.agent, call.on_behalf_of)
        known = self._lasting.get(named)
        if known and known.tool is tool and known.agent is agent and known.policy is policy:
            return self._acceptance.tightened(known.assessment, tool.hash)
        directory, risk = self._with(agent), self._risk(tool, policy)
        assessment = assess(call, policy, tool=tool, risk=risk, at=self._now(), directory=directory)
        if lasts(call, policy, assessment, directory):
            if len(self._lasting) >= _MOST_REMEMBERED or (known and known.policy is not policy):
                self._lasting.clear()
            self._lasting[named] = _Lasting(tool, agent, policy, assessment)
        return self._acceptance.tightened(assessment, tool.hash)

    def _risk(self, tool: Tool, policy: Policy) -> RiskFinding:
        known = (tool.server, tool.hash, policy.digest)
        found = self._risks.get(known)
        if found is None:
            trusted = tool.server in self._trusted
            found = classify(tool, trusted=trusted, overrides=policy.risks)
            if len(self._risks) >= _MOST_REMEMBERED:
                self._risks.clear()
            self._risks[known] = found
        return found

    def _with(self, agent: Agent) -> Directory:
        """Return the directory, with an agent that only the ledger knows."""
        if agent.name in self._directory.agents:
            return self._directory
        known = self._extended.get(agent.name)
        if known is None or known.agents[agent.name] is not agent:
            if len(self._extended) >= _MOST_EXTENDED:
                self._extended.clear()
            known = replace(self._directory, agents={**self._directory.agents, agent.name: agent})
            self._extended[agent.name] = known
        return known


def shown_answers(asked: Asked, policy: Policy) -> tuple[str | None, int]:
    """Return what a call brings to a server that asked for it, as people may see it.

    Canonical JSON without secrets, and how many values were hidden; None where
    it is too large to be kept for ever.
    """
    given = asked.params.get("inputResponses", {})
    shown = redact(given, policy.redact)
    text = canonical(shown.value)
    return (text if len(text) <= _MOST_ANSWERS else None), shown.hidden


def _call(asked: Asked) -> Call:
    arguments = asked.params.get("arguments", {})
    assert isinstance(arguments, dict), "the envelope was checked"
    return Call.__new__(
        Call,
        agent=asked.agent.name,
        team=asked.agent.team,
        on_behalf_of=asked.agent.on_behalf_of,
        server=asked.server,
        tool=asked.tool,
        arguments=arguments,
        extras=_NO_EXTRAS if asked.params.keys() <= _KNOWN else _extras(asked.params),
    )


def _extras(params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return the parameters that the protocol does not know."""
    return {name: value for name, value in params.items() if name not in _KNOWN}


def _check_names(tool: Tool, call: Call) -> None:
    """Refuse an argument that some servers take for one of another name, which rules look at."""
    near = near_name(tool, call.arguments)
    if near is not None:
        given, meant = inert_line(near.given, _ECHO), inert_line(near.meant, _ECHO)
        text = f"the argument `{given}` is almost `{meant}`; spell it so"
        raise Rejected(400, Code.INVALID_PARAMS, text)


def _shown(call: Call) -> Mapping[str, JsonValue]:
    """Return what people are to see: the arguments, and the parameters that MCP does not know."""
    if not call.extras:
        return call.arguments
    shown = dict(call.arguments)
    for name, value in call.extras.items():
        written = f"params.{name}"
        if written in shown:
            text = f"`{redact_text(written).text}` is an argument and a parameter; send one of them"
            raise Rejected(400, Code.INVALID_PARAMS, text)
        shown[written] = value
    return shown


def _kept_small(assessment: Assessment, arguments: str) -> Assessment:
    """Return a denial where the arguments are too large to be read by a person."""
    size = len(arguments.encode())
    if size <= MOST_SHOWN:
        return assessment
    because = f"{size} bytes of arguments are more than the {MOST_SHOWN} a person can be shown"
    spoke = Spoke("arguments-too-large", "", Effect.DENY, because)
    return replace(
        assessment, effect=Effect.DENY, spoke=(spoke, *assessment.spoke), terms=(), message=because
    )
