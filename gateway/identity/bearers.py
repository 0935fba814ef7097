"""Tells whom a token names: which agent acts, and on whose behalf."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.identity.tokens import BadToken, Token
from gateway.wire.errors import Code, Rejected
from policies.configuration.configuration import Configuration
from policies.people.people import Agent
from policies.values.inert import inert_line
from policies.values.strict_json import Plain

_ECHO = 80
_ACTOR = "act"


class Bearers:
    """Agents and people as each issuer's tokens call them; nobody is known by another's tokens."""

    def __init__(self, configuration: Configuration) -> None:
        """Know who is called how, by the issuer's name and what its tokens say."""
        named = configuration.identity.named
        agents = configuration.directory().agents
        self._agents = {
            of: agents[name]
            for name, section in configuration.agents.items()
            for of in named(section.client_id).items()
        }
        self._selves = {
            (issuer, name): subject
            for name, section in configuration.agents.items()
            for issuer, subject in {
                **named(section.client_id),
                **named(section.subject),
            }.items()
        }
        self._people = {
            of: name
            for name, section in configuration.people.items()
            for of in named(section.subject).items()
        }

    def agent(self, token: Token) -> Agent:
        """Return the agent that acts, with the person on whose behalf, if that is not itself.

        Raises Rejected (HTTP 403) where the configuration does not know one of
        them, and BadToken where the token names an actor in no way that RFC
        8693, section 4.1, has.
        """
        actor = _actor(token.claims)
        if actor is not None and actor.get("iss", token.claims["iss"]) != token.claims["iss"]:
            raise _unknown("the token's actor is another issuer's; Placet knows each issuer's own")
        agent = self._acting(token, actor)
        section, issuer = token.issuer.section, token.issuer.name
        subject = token.claims.get("sub")
        person = token.claims.get(section.person_claim)
        own = self._selves.get((issuer, agent.name))
        if own is not None and own == (subject if person is None else person):
            return agent
        known = self._people.get((issuer, person)) if isinstance(person, str) else None
        if known is None or _is_anybodys(section.person_claim, token.claims):
            shown = _shown(section.person_claim, person)
            raise _unknown(f"{shown} is nobody here; ask for it as the `subject` of a person")
        return replace(agent, on_behalf_of=known)

    def _acting(self, token: Token, actor: Mapping[str, Plain] | None) -> Agent:
        """Return the agent; where the token names an actor, that is who acts, whoever asked."""
        issuer, claim = token.issuer.name, token.issuer.section.agent_claim
        named = token.claims.get(claim)
        if claim == _ACTOR:
            named = actor["sub"] if actor is not None else None
        agent = self._agents.get((issuer, named)) if isinstance(named, str) else None
        if agent is None:
            shown = _shown(claim, named)
            raise _unknown(f"{shown} is no agent here; ask for it as the `client_id` of an agent")
        if actor is not None and actor["sub"] not in {named, self._selves[issuer, agent.name]}:
            raise _unknown("the token was made for one agent and names another as its actor")
        return agent


def _actor(claims: Mapping[str, Plain]) -> Mapping[str, Plain] | None:
    """Return who acts now; the actors inside of `act` acted before and decide nothing."""
    if _ACTOR not in claims:
        return None
    actor = claims[_ACTOR]
    if not isinstance(actor, dict) or not isinstance(actor.get("sub"), str):
        message = "its claim `act` names nobody"
        raise BadToken(message)
    return actor


def _is_anybodys(claim: str, claims: Mapping[str, Plain]) -> bool:
    """Tell whether people are named by an address that the issuer says it did not verify.

    Some issuers say so in words (Amazon Cognito, Sign in with Apple).
    """
    verified = claims.get("email_verified", True)
    return claim == "email" and verified is not True and verified != "true"


def _shown(claim: str, value: Plain) -> str:
    if isinstance(value, str):
        return f"`{inert_line(value, _ECHO)}`, the token's `{claim}`,"
    return f"the token has no `{claim}` that is text, and so"


def _unknown(text: str) -> Rejected:
    return Rejected(403, Code.NOT_PERMITTED, text)
