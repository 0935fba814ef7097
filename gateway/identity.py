"""Tells who calls, by the key alone: an agent, or an operator."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address

from aiohttp import web

from gateway.agent_keys import AgentKeys
from gateway.errors import Code, Rejected
from ledger.agents import LedgerAgent
from ledger.envelopes import Recorded
from ledger.shell import Misconfigured
from policies.people import Agent

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_BEARER = "bearer "
_RELAYED = ("via", "cdn-loop", "cf-ray")
_OF_ANOTHER = ("forwarded", "real-ip", "client-ip", "connecting-ip", "proxyuser-ip")
"""Parts of the names of headers in which proxies and tunnels name the caller they speak for."""


@dataclass(frozen=True)
class Operator:
    """Who may read approvals, grants and the audit over HTTP; an operator approves nothing."""

    name: str


class Identity:
    """The agents and operators, by the SHA-256 of their keys; nobody is both.

    `anonymous` is the agent that callers without a key are: on loopback only,
    and never where a header shows that somebody else was in between.
    """

    def __init__(
        self,
        configured: Mapping[bytes, Agent],
        anonymous: Agent | None = None,
        *,
        operators: Mapping[bytes, str] | None = None,
        taken: Collection[str] = (),
        anywhere: bool = False,
        now: Callable[[], datetime],
    ) -> None:
        """Know the configuration's agents and operators by the SHA-256 of their keys.

        `taken` are the names of all its agents, which the ledger's may not
        have; `now` returns UTC. `anywhere` lets callers without a key in from
        everywhere: only where an operator said that this is wanted, unsafe as
        it is.
        """
        self._agents = AgentKeys(configured, taken, now)
        self._operators = {key: Operator(name) for key, name in (operators or {}).items()}
        self._anonymous = anonymous
        self._anywhere = anywhere

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

    def authenticate(self, request: web.BaseRequest) -> Agent:
        """Return which agent calls.

        Raises Rejected: HTTP 401 (RFC 6750) where that is nobody we know, 403
        where it is an operator.
        """
        if self._anonymous is not None and "Authorization" not in request.headers:
            return self._without_key(request, self._anonymous)
        hashed = _hashed_key(request)
        agent = self._agents.holder(hashed)
        if agent is not None:
            return agent
        if hashed in self._operators:
            text = "this is an operator's key, which calls nothing; call with an agent's key"
            raise Rejected(403, Code.NOT_PERMITTED, text)
        text = "the key is not that of an agent, or the agent was revoked; ask for another key"
        raise Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)

    def operator(self, request: web.BaseRequest) -> Operator:
        """Return which operator asks.

        Raises Rejected: HTTP 401 (RFC 6750) where that is nobody we know, 403
        where it is an agent.
        """
        hashed = _hashed_key(request)
        operator = self._operators.get(hashed)
        if operator is not None:
            return operator
        if self._agents.holder(hashed) is not None:
            text = "this is an agent's key, which reads nothing here; ask with an operator's key"
            raise Rejected(403, Code.NOT_PERMITTED, text)
        text = "the key is not that of an operator; `operators` in the configuration names them"
        raise Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)

    def _without_key(self, request: web.BaseRequest, anonymous: Agent) -> Agent:
        if self._anywhere or _is_near(request):
            return anonymous
        raise _no_key()


def _hashed_key(request: web.BaseRequest) -> bytes:
    """Return the SHA-256 of the key that a request brings. Raises Rejected where there is none."""
    given = request.headers.getall("Authorization", [])
    if not given:
        raise _no_key()
    if len(given) == 1 and given[0][: len(_BEARER)].lower() == _BEARER:
        key = given[0][len(_BEARER) :].strip()
        return sha256(key.encode(errors="surrogateescape")).digest()
    text = "no key can be read; send one header, `Authorization: Bearer KEY`"
    raise Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)


def _no_key() -> Rejected:
    text = "no key was given; send `Authorization: Bearer KEY` with a key of yours"
    return Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)


def _is_near(request: web.BaseRequest) -> bool:
    """Tell whether the caller is on this machine with nobody in between."""
    names = [name.lower().replace("_", "-") for name in request.headers]
    relayed = any(name in _RELAYED or any(part in name for part in _OF_ANOTHER) for name in names)
    if relayed or request.transport is None:
        return False
    ends = [request.transport.get_extra_info(end) for end in ("peername", "sockname")]
    return all(isinstance(end, tuple) and _is_loopback(end[0]) for end in ends)


def _is_loopback(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
