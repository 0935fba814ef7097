"""The sections of `placet.yaml` that say how callers show who they are."""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from policies.yaml.durations import Duration, between
from policies.yaml.fields import Key, KeyHash, Many, Name, SecureUrl, Text, matching
from policies.yaml.validation import Section, Wrong


def _claimed_kind(value: Any) -> str:
    return "=issuers" if isinstance(value, dict) else "=text"


Claimed = Annotated[
    Annotated[Text, Tag("=text")] | Annotated[dict[Name, Text], Tag("=issuers")],
    Discriminator(_claimed_kind),
]
"""What tokens call somebody: one text where there is one issuer, else one by issuer."""


class KeySection(Section):
    """Whoever is known by a key: the key, or its SHA-256 where no secret is to be had here."""

    key: Key | None = None
    key_sha256: KeyHash | None = None

    @property
    def hashed_key(self) -> bytes | None:
        """The SHA-256 of the key; None where there is no key."""
        if self.key is not None:
            return sha256(self.key.get_secret_value().encode()).digest()
        return bytes.fromhex(self.key_sha256) if self.key_sha256 is not None else None


class OperatorSection(KeySection):
    """Whoever may read approvals, grants and the audit over HTTP, and change nothing."""


class JwksSection(Section):
    """Where an issuer's public keys (RFC 7517) are: at a `url`, or in a `file`."""

    url: SecureUrl | None = None
    file: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "JwksSection":
        if (self.url is None) == (self.file is None):
            raise Wrong("needs a `url` or a `file`", "write one of the two")
        return self


Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Signatures with a public key (RFC 7518, RFC 8037); no shared secrets, and never `none`."""

TokenType = Literal["at+jwt", "JWT"]

Scope = Annotated[
    str,
    matching(
        r"[!#-\[\]-~]+", "is not a scope", "write it without blanks and quotes, like `mcp:tools`"
    ),
]


def _not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise Wrong("is an empty list, so no token would be taken", "name some, or remove the key")
    return values


def _no_offline_access(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "offline_access" in scopes:
        raise Wrong("asks for `offline_access`", "remove it: refreshing is the client's affair")
    return scopes


class IssuerSection(Section):
    """Who signs tokens (RFC 9068, RFC 7519), and what of them is believed.

    `audience` is taken beside a server's own address; `agent_claim` and
    `person_claim` name the claims that say who calls and on whose behalf.
    `scopes` are those that every token needs, `longest` is how long a token
    may live, `leeway` how far its clock may be from ours.
    """

    issuer: SecureUrl
    jwks: JwksSection
    algorithms: Annotated[tuple[Algorithm, ...], Many, AfterValidator(_not_empty)] = (
        "RS256",
        "ES256",
        "EdDSA",
    )
    types: Annotated[tuple[TokenType, ...], Many, AfterValidator(_not_empty)] = ("at+jwt", "JWT")
    audience: Annotated[tuple[Text, ...], Many] = ()
    agent_claim: Text = "client_id"
    person_claim: Text = "sub"
    scopes: Annotated[tuple[Scope, ...], Many, AfterValidator(_no_offline_access)] = ()
    leeway: Duration = timedelta(seconds=30)
    longest: Duration = timedelta(hours=24)

    @field_validator("leeway")
    @classmethod
    def _small(cls, leeway: timedelta) -> timedelta:
        return between(leeway, least=timedelta(0), most=timedelta(minutes=2))

    @field_validator("longest")
    @classmethod
    def _bounded(cls, longest: timedelta) -> timedelta:
        return between(longest, least=timedelta(minutes=1), most=timedelta(days=30))


class IdentitySection(Section):
    """Who else says who calls: the issuers of tokens, by names of our own."""

    issuers: dict[Name, IssuerSection] = Field(default_factory=dict)

    def named(self, value: str | dict[str, str] | None) -> dict[str, str]:
        """Return what the tokens of each issuer, by its name, call somebody."""
        if isinstance(value, str):
            return dict.fromkeys(self.issuers, value)
        return dict(value or {})
