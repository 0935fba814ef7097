"""Tells which agent a token lets call, and remembers for a minute what it took to know."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.identity.bearers import Bearers
from gateway.identity.issuer_keys import Renewal
from gateway.identity.issuers import Issuers
from gateway.identity.resources import Resources
from gateway.identity.tokens import BadToken, Token, checked
from policies.configuration.configuration import Configuration
from policies.people.people import Agent

_MOST = 4096
_SECONDS = 60.0
"""How many tokens are remembered, and for how long at most."""


class TooLittle(Exception):
    """A token that lacks scopes; `scopes` are all that it needs."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        """Keep what the issuer's tokens need."""
        super().__init__("it lacks a scope")
        self.scopes = scopes


@dataclass(frozen=True)
class _Remembered:
    """What is known of a token until `until`, in seconds since 1970."""

    agent: Agent
    token: Token
    until: float


class TokenCallers:
    """The agents that come with tokens of the configuration's issuers."""

    def __init__(
        self,
        configuration: Configuration,
        resources: Resources,
        folder: Path,
        now: Callable[[], datetime],
        renewal: Renewal,
    ) -> None:
        """Know the issuers and whom their tokens name; `now` returns UTC."""
        self.resources = resources
        self.issuers = Issuers(configuration.identity.issuers, folder, renewal)
        self._bearers = Bearers(configuration)
        self._now = now
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def caller(self, text: str, hashed: bytes, server: str | None) -> Agent:
        """Return the agent that the token lets call a server, or Placet itself where that is None.

        `hashed` is the token's SHA-256. Raises BadToken, TooLittle, and Rejected where the
        configuration does not know whom the token names.
        """
        at = self._now()
        known = self._remembered.get(hashed)
        if known is not None and self._holds(known, at):
            self._for_us(known.token, server)
            self._remembered.move_to_end(hashed)
            return known.agent
        token = checked(text, self.issuers.trusted, at)
        self._for_us(token, server)
        if not token.scopes.issuperset(token.issuer.section.scopes):
            raise TooLittle(token.issuer.section.scopes)
        agent = replace(self._bearers.agent(token), until=_end(token))
        self._remember(hashed, token, agent, at)
        return agent

    def _holds(self, known: _Remembered, at: datetime) -> bool:
        """Tell whether nothing changed that counted when the token was checked."""
        issuer = self.issuers.trusted(known.token.issuer.section.issuer)
        same = issuer is not None and issuer.keys is known.token.issuer.keys
        return same and at.timestamp() < known.until

    def _for_us(self, token: Token, server: str | None) -> None:
        """Raise BadToken where a token is for somebody else, or for another server of ours."""
        ours = self.resources.audiences(server)
        if token.audience.isdisjoint(ours.union(token.issuer.section.audience)):
            message = "its audience is not what it was brought to"
            raise BadToken(message)

    def _remember(self, hashed: bytes, token: Token, agent: Agent, at: datetime) -> None:
        until = min(token.until, at.timestamp() + _SECONDS)
        self._remembered[hashed] = _Remembered(agent, token, until)
        if len(self._remembered) > _MOST:
            self._remembered.popitem(last=False)


def _end(token: Token) -> datetime:
    """Return when a token is believed no more."""
    leeway = token.issuer.section.leeway
    return datetime.fromtimestamp(token.until, UTC) + leeway
