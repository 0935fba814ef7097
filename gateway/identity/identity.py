"""Tells who calls, by the key or token alone: an agent, or an operator."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.callers.nearness import is_near
from gateway.callers.seeing import once
from gateway.identity.agent_keys import AgentKeys
from gateway.identity.challenges import Challenges
from gateway.identity.departures import told_in
from gateway.identity.strangers import Strangers
from gateway.identity.token_callers import TokenCallers, TooLittle
from gateway.identity.tokens import BadToken, KeyMissing, KeysAway
from gateway.wire.errors import Code, Rejected
from ledger.events.envelopes import Recorded
from ledger.lives.agents import LedgerAgent
from ledger.shell import Misconfigured
from policies.configuration.configuration import Configuration
from policies.people.people import Agent


@dataclass(frozen=True)
class Operator:
    """Who may read approvals, grants and the audit over HTTP; an operator approves nothing."""

    name: str


@dataclass(frozen=True)
class Roster:
    """Whom the configuration names: agents and operators by the SHA-256 of their keys.

    `names` are those of all agents. `anonymous` is the agent that callers
    without a key are: on loopback only, never where a header shows that
    somebody else was in between, and `anywhere` only where an operator said
    that this is wanted, unsafe as it is.
    """

    agents: Mapping[bytes, Agent]
    names: frozenset[str] = frozenset()
    operators: Mapping[bytes, Operator] = field(default_factory=dict)
    anonymous: Agent | None = None
    anywhere: bool = False

    @classmethod
    def of(cls, configuration: Configuration, *, anywhere: bool) -> "Roster":
        """Return those of a configuration."""
        agents = configuration.directory().agents
        anonymous = configuration.anonymous_agent
        return cls(
            agents={
                section.hashed_key: agents[name]
                for name, section in configuration.agents.items()
                if section.hashed_key is not None
            },
            names=frozenset(agents),
            operators={
                section.hashed_key: Operator(name)
                for name, section in configuration.operators.items()
                if section.hashed_key is not None
            },
            anonymous=agents[anonymous] if anonymous is not None else None,
            anywhere=anywhere,
        )


class Unchecked(Rejected):
    """A token that cannot be checked before its issuer's keys are fetched once more."""

    def __init__(self, refusal: Rejected, issuer: str, why: str) -> None:
        """Answer as `refusal` does; `issuer` is its name, `why` is for the log."""
        super().__init__(refusal.status, refusal.code, refusal.message, headers=refusal.headers)
        self.issuer = issuer
        self.why = why


class Identity:
    """The agents and operators, by their keys, and agents by tokens; nobody is both.

    Those who are not let in cost a hash and a look into a table; nothing is
    kept of them, so nobody is locked out by what others try.
    """

    def __init__(
        self,
        roster: Roster,
        now: Callable[[], datetime],
        tokens: TokenCallers | None = None,
        strangers: Strangers | None = None,
        challenges: Challenges | None = None,
    ) -> None:
        """Know whom the configuration names; `now` returns UTC.

        `tokens` are there where it names issuers; `strangers` are told of
        those who are not let in, with what `challenges` say.
        """
        self._agents = AgentKeys(roster.agents, roster.names, now)
        self._now = now
        self._operators = dict(roster.operators)
        self._anonymous = roster.anonymous
        self._anywhere = roster.anywhere
        self._tokens = tokens
        self._strangers = strangers or Strangers(CollectorRegistry())
        self._challenges = challenges or Challenges()

    def learn(self, agents: Iterable[LedgerAgent]) -> None:
        """Know the ledger's agents.

        Raises Misconfigured where the configuration has one of them, or its
        key, as well.
        """
        self._agents.learn(agents)
        collisions = self._agents.collisions()
        if collisions:
            raise Misconfigured("\n".join(collisions))

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take agents and keys in and out as the ledger says so; a listener of `Ledger.observe`."""
        self._agents.follow(events)

    @contextlib.contextmanager
    def while_good(self, agent: Agent) -> Iterator[None]:
        """Cancel the block's task where the key or token that the agent came with ends meanwhile.

        Of the keys only those of the ledger do; what was let in once could else listen for ever.
        """
        task = asyncio.current_task()
        assert task is not None, "requests are answered by tasks"
        with contextlib.ExitStack() as told:
            if agent.key is not None:
                told.enter_context(self._agents.while_good(agent.key, task.cancel))
            if agent.until is not None:
                left = (agent.until - self._now()).total_seconds()
                told.enter_context(told_in(left, task.cancel))
            yield

    async def caller(self, request: web.BaseRequest, server: str | None = None) -> Agent:
        """Return which agent calls, as `authenticate` does.

        A token whose key is not known waits for a moment, while its issuer is
        asked for its keys; nobody else does.
        """
        try:
            return self.authenticate(request, server)
        except Unchecked as unchecked:
            assert self._tokens is not None, "only a token is not checked"
            await self._tokens.issuers.renewed(unchecked.issuer)
        try:
            return self.authenticate(request, server)
        except Unchecked as unchecked:
            self._strangers.note("token", unchecked.why, request.remote)
            raise

    def authenticate(self, request: web.BaseRequest, server: str | None = None) -> Agent:
        """Return which agent calls: the server of this name, or Placet itself.

        Raises Rejected: HTTP 401 (RFC 6750) where that is nobody we know, 403
        where it is an operator, or a token is good and names nobody we know,
        or lacks a scope; 503 where an issuer's keys cannot be had.
        """
        if self._anonymous is not None and "Authorization" not in request.headers:
            return self._without_key(request, self._anonymous)
        shown, hashed = once(request, "key", self._shown)
        agent = self._agents.holder(hashed)
        if agent is not None:
            return agent
        if hashed in self._operators:
            text = "this is an operator's key, which calls nothing; call with an agent's key"
            raise Rejected(403, Code.NOT_PERMITTED, text)
        return self._by_token(request, shown, hashed, server)

    def operator(self, request: web.BaseRequest) -> Operator:
        """Return which operator asks.

        Raises Rejected: HTTP 401 (RFC 6750) where that is nobody we know, 403
        where it is an agent, by its key or by a token.
        """
        shown, hashed = self._shown(request)
        operator = self._operators.get(hashed)
        if operator is not None:
            return operator
        if self._agents.holder(hashed) is None:
            self._checked(request, shown, hashed)
        text = "this is an agent's key, which reads nothing here; ask with an operator's key"
        raise Rejected(403, Code.NOT_PERMITTED, text)

    def _shown(self, request: web.BaseRequest) -> tuple[str, bytes]:
        """Return the key or token that a request brings, in the one way that counts; and hashed."""
        self._refuse_in_address(request)
        given = request.headers.getall("Authorization", ())
        if len(given) > 1:
            text = "the header `Authorization` is there more than once; send it once"
            raise self._malformed(request, text)
        scheme, _, shown = given[0].partition(" ") if given else ("", "", "")
        if scheme.lower() != "bearer":
            raise self._challenges.nothing_sent(request.path)
        shown = shown.strip()
        return shown, sha256(shown.encode(errors="surrogateescape")).digest()

    def _refuse_in_address(self, request: web.BaseRequest) -> None:
        """Refuse a token that is in the address, where logs and others see it (RFC 9700, 4.3.2)."""
        if "?" in request.raw_path and "access_token" in request.query:
            text = "a token in the address is never taken; send it in the header `Authorization`"
            raise self._malformed(request, text)

    def _without_key(self, request: web.BaseRequest, anonymous: Agent) -> Agent:
        self._refuse_in_address(request)
        if self._anywhere or is_near(request):
            return anonymous
        raise self._challenges.nothing_sent(request.path)

    def _by_token(
        self, request: web.BaseRequest, shown: str, hashed: bytes, server: str | None
    ) -> Agent:
        if self._tokens is None or "." not in shown:
            raise self._stranger(request, "key", "it is nobody's")
        try:
            return self._tokens.caller(shown, hashed, server)
        except TooLittle as lacking:
            raise self._challenges.too_little(request.path, lacking.scopes) from None
        except KeysAway as away:
            text = "the keys of the token's issuer cannot be had; call again in a moment"
            refusal = Rejected(503, Code.UNDECIDED, text, headers={"Retry-After": "10"})
            raise Unchecked(refusal, away.issuer, str(away)) from None
        except KeyMissing as missing:
            refusal = self._challenges.not_good(request.path)
            raise Unchecked(refusal, missing.issuer, str(missing)) from None
        except BadToken as bad:
            raise self._stranger(request, "token", str(bad)) from None

    def _checked(self, request: web.BaseRequest, shown: str, hashed: bytes) -> None:
        """Let pass the token of an agent, by the keys that are known now. Raises Rejected."""
        try:
            self._by_token(request, shown, hashed, None)
        except Unchecked as unchecked:
            self._strangers.note("token", unchecked.why, request.remote)
            raise

    def _malformed(self, request: web.BaseRequest, text: str) -> Rejected:
        self._strangers.note("malformed key", text, request.remote)
        return self._challenges.malformed(request.path, text)

    def _stranger(self, request: web.BaseRequest, kind: str, why: str) -> Rejected:
        self._strangers.note(kind, why, request.remote)
        return self._challenges.not_good(request.path)
