"""Checks a token as its issuer's: form, signature, time and kind; not whom it is for."""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jwt import PyJWK, PyJWS
from jwt.exceptions import PyJWTError

from gateway.identity.jwks import KeySet
from policies.configuration.identity_settings import IssuerSection
from policies.values.calls import JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import Plain, parse, plain

LONGEST = 8192
"""Characters that a token may have."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_DEEPEST = 20
_ID_TOKEN = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims of ID tokens (OpenID Connect Core, 2 and 3.3.2.11) and of security events (RFC 8417)."""

_JWS = PyJWS()


class BadToken(Exception):
    """A token that is not believed; the message says why, for the log and not for the caller."""


class KeyMissing(BadToken):
    """A token that none of its issuer's keys has signed, as far as they are known."""

    def __init__(self, issuer: str, message: str) -> None:
        """Keep the issuer's name in the configuration."""
        super().__init__(message)
        self.issuer = issuer


class KeysAway(BadToken):
    """A token of an issuer whose keys cannot be had."""

    def __init__(self, issuer: str) -> None:
        """Keep the issuer's name in the configuration."""
        super().__init__(f"the keys of issuer `{issuer}` cannot be had")
        self.issuer = issuer


@dataclass(frozen=True)
class Trusted:
    """An issuer by its name in the configuration; `keys` is None where they cannot be had."""

    name: str
    section: IssuerSection
    keys: KeySet | None


@dataclass(frozen=True)
class Token:
    """A token that its issuer made and that is in force; `until` is in seconds since 1970."""

    issuer: Trusted
    claims: Mapping[str, Plain]
    audience: frozenset[str]
    scopes: frozenset[str]
    until: float


def checked(text: str, issuer_of: Callable[[str], Trusted | None], at: datetime) -> Token:
    """Return what the token `text` says, if one of the issuers says so and it is in force at `at`.

    Of RFC 7515, 7519 and 8725: the compact form and nothing else; the issuer
    and one of its algorithms, which the key fits; no critical extensions; what
    the header says of other keys is not looked at. Raises BadToken.
    """
    header, claims = _parts(text)
    named = claims.get("iss")
    issuer = issuer_of(named) if isinstance(named, str) else None
    if issuer is None:
        message = "its issuer is not one of the configuration"
        raise BadToken(message)
    _signed(text, _keys(header, issuer), issuer.name)
    _of_a_kind(header, claims, issuer.section)
    until = _in_force(claims, issuer.section, at.timestamp())
    return Token(issuer, claims, _audience(claims), _scopes(claims), until)


def _parts(text: str) -> tuple[Mapping[str, Plain], Mapping[str, Plain]]:
    """Return header and claims, before anything says that they are true."""
    found = _COMPACT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        message = "it has not the form of a signed token"
        raise BadToken(message)
    return _object(found[1]), _object(found[2])


def _object(segment: str) -> Mapping[str, Plain]:
    try:
        raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        value: JsonValue = parse(raw, max_depth=_DEEPEST)
    except (binascii.Error, Refused) as flaw:
        message = "it holds what is not strict JSON"
        raise BadToken(message) from flaw
    if not isinstance(value, dict):
        message = "it holds what is not a JSON object"
        raise BadToken(message)
    return {name: plain(member) for name, member in value.items()}


def _keys(header: Mapping[str, Plain], issuer: Trusted) -> Sequence[PyJWK]:
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.section.algorithms:
        message = f"its algorithm is not one that issuer `{issuer.name}` may use"
        raise BadToken(message)
    if not isinstance(key_id, str | None) or {"crit", "b64", "enc", "zip"} & header.keys():
        message = "its header asks for what is not supported"
        raise BadToken(message)
    if issuer.keys is None:
        raise KeysAway(issuer.name)
    keys = issuer.keys.fitting(key_id, algorithm)
    if not keys:
        named = f"a key that issuer `{issuer.name}` does not publish"
        none = f"no key, and not just one of issuer `{issuer.name}` fits"
        raise KeyMissing(issuer.name, f"it names {none if key_id is None else named}")
    return keys


def _signed(text: str, keys: Sequence[PyJWK], issuer: str) -> None:
    """Raise KeyMissing where none of the keys signed the token.

    One that is new may have the id of the one before it, or none.
    """
    for key in keys:
        try:
            _JWS.decode_complete(text, key, algorithms=[key.algorithm_name])
        except PyJWTError:
            continue
        return
    raise KeyMissing(issuer, "its signature is not the issuer's")


def _of_a_kind(
    header: Mapping[str, Plain], claims: Mapping[str, Plain], section: IssuerSection
) -> None:
    """Raise BadToken for tokens that are made for something else (RFC 8725, 3.11 and 3.12).

    A token that is bound to a key of its holder (RFC 7800) would have to be
    shown together with that key.
    """
    kind = header.get("typ", "JWT")
    named = kind.lower().removeprefix("application/") if isinstance(kind, str) else ""
    if named not in {each.lower() for each in section.types}:
        message = "its type is not one that the issuer's access tokens have"
        raise BadToken(message)
    if named == "jwt" and claims.get("typ") != "Bearer" and _is_foreign(claims):
        message = "it is an ID token or another that is no access token"
        raise BadToken(message)
    if "cnf" in claims:
        message = "it is bound to a key, so nobody else may bring it"
        raise BadToken(message)


def _is_foreign(claims: Mapping[str, Plain]) -> bool:
    """Tell whether a token that does not say its type has claims of those that grant no access."""
    marked = any(name in claims for name in _ID_TOKEN)
    return marked or claims.get("token_use") == "id" or claims.get("typ") == "ID"


def _in_force(claims: Mapping[str, Plain], section: IssuerSection, now: float) -> float:
    """Return when the token ends. Raises BadToken where it is not in force, or lives too long."""
    leeway, longest = section.leeway.total_seconds(), section.longest.total_seconds()
    ends = _moment(claims, "exp")
    if ends is None:
        message = "it has no end"
        raise BadToken(message)
    if now >= ends + leeway:
        message = "it has expired"
        raise BadToken(message)
    begins, made = _moment(claims, "nbf"), _moment(claims, "iat")
    if max(begins or 0.0, made or 0.0) > now + leeway:
        message = "it is not in force yet, or its issuer's clock is ahead of ours"
        raise BadToken(message)
    if ends - (now if made is None else made) > longest:
        message = "it lives longer than the configuration lets the issuer's tokens live"
        raise BadToken(message)
    return ends


def _moment(claims: Mapping[str, Plain], name: str) -> float | None:
    """Return a NumericDate (RFC 7519, section 2) in seconds; None where there is none."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)  # strict JSON holds no number that is none here
    message = f"its claim `{name}` is not a time"
    raise BadToken(message)


def _audience(claims: Mapping[str, Plain]) -> frozenset[str]:
    value = claims.get("aud")
    listed = value if isinstance(value, list) else [value]
    found = [each for each in listed if isinstance(each, str)]
    if not found or len(found) < len(listed):
        message = "it has no audience, or one that is not text"
        raise BadToken(message)
    return frozenset(found)


def _scopes(claims: Mapping[str, Plain]) -> frozenset[str]:
    """Return the scopes, as RFC 8693 (4.2) has them or as `scp`; a list or one text with blanks."""
    value = claims.get("scope", claims.get("scp"))
    listed = value.split(" ") if isinstance(value, str) else value
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(each for each in listed if isinstance(each, str) and each)
