"""Tells which agent calls, by its key alone."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

from aiohttp import web

from gateway.errors import Code, Rejected
from ledger.agents import LedgerAgent
from ledger.envelopes import Recorded
from ledger.standing_events import AgentAdded, AgentRevoked
from policies.people import Agent

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_BEARER = "bearer "
_RELAYED = ("via", "cdn-loop", "cf-ray")
_OF_ANOTHER = ("forwarded", "real-ip", "client-ip", "connecting-ip", "proxyuser-ip")
"""Parts of the names of headers in which proxies and tunnels name the caller they speak for."""


@dataclass(frozen=True)
class _Known:
    agent: Agent
    key: bytes


class Identity:
    """The agents of the configuration and of the ledger, by the SHA-256 of their keys.

    `anonymous` is the agent that callers without a key are: on loopback only,
    and never where a header shows that somebody else was in between.
    """

    def __init__(
        self,
        configured: Mapping[bytes, Agent],
        anonymous: Agent | None = None,
        *,
        anywhere: bool = False,
    ) -> None:
        """Know the configuration's agents; `configured` has them by the SHA-256 of their keys.

        `anywhere` lets callers without a key in from everywhere: only where an
        operator said that this is wanted, unsafe as it is.
        """
        self._configured = {key: _Known(agent, key) for key, agent in configured.items()}
        self._ledger: dict[bytes, _Known] = {}
        self._anonymous = anonymous
        self._anywhere = anywhere

    def learn(self, agents: Iterable[LedgerAgent]) -> None:
        """Know the ledger's agents that may call, and no others of it."""
        self._ledger = {
            key: _Known(agent.caller(), key)
            for agent in agents
            if agent.open and (key := bytes.fromhex(agent.key_sha256)) not in self._configured
        }

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take agents in and out as the ledger says so; a listener of `Ledger.observe`."""
        for recorded in events:
            match recorded.event:
                case AgentAdded() as event:
                    agent = Agent(event.agent, event.team, event.owner)
                    key = bytes.fromhex(event.key_sha256)
                    self._ledger[key] = _Known(agent, key)
                case AgentRevoked() as event:
                    self._forget(event.agent)
                case _:
                    pass

    def authenticate(self, request: web.BaseRequest) -> Agent:
        """Return who calls. Raises Rejected (HTTP 401, RFC 6750) where that is nobody we know."""
        given = request.headers.getall("Authorization", [])
        if not given:
            return self._without_key(request)
        if len(given) == 1 and given[0][: len(_BEARER)].lower() == _BEARER:
            agent = self._with_key(given[0][len(_BEARER) :].strip())
            if agent is not None:
                return agent
        text = "the key is not that of an agent, or the agent was revoked; ask for another key"
        raise Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)

    def _with_key(self, key: str) -> Agent | None:
        hashed = sha256(key.encode(errors="surrogateescape")).digest()
        known = self._configured.get(hashed) or self._ledger.get(hashed)
        if known is None or not hmac.compare_digest(known.key, hashed):
            return None
        return known.agent

    def _without_key(self, request: web.BaseRequest) -> Agent:
        if self._anonymous is not None and (self._anywhere or _is_near(request)):
            return self._anonymous
        text = "no key was given; send `Authorization: Bearer KEY` with an agent's key"
        raise Rejected(401, Code.NOT_AUTHENTICATED, text, headers=_CHALLENGE)

    def _forget(self, name: str) -> None:
        self._ledger = {
            key: known for key, known in self._ledger.items() if known.agent.name != name
        }


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
