"""The kinds of text a file may hold: names, secrets, addresses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
)

from policies.yaml.validation import NotAName, Wrong
from policies.yaml.web_addresses import reachable

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_VISIBLE = re.compile(r"[!-~]+")
_LINE = re.compile(r"[ -~]+")
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_KEY_LENGTH = 32
_SOMETHING = r"(?s).*\S.*"


@dataclass(frozen=True, eq=False)
class Shaped:
    """A check of a value that says in keywords of JSON Schema what it takes."""

    check: Callable[[Any], object]
    shape: Mapping[str, object]

    def __call__(self, value: object) -> object:
        """Return what the check returns."""
        return self.check(value)


def shaped(check: Callable[[Any], object], **shape: object) -> AfterValidator:
    """Return a validator that checks by `check`, and is written in schemas as `shape`."""
    return AfterValidator(Shaped(check, shape))


def matching(pattern: str, what: str, instead: str, wrong: type[Wrong] = Wrong) -> AfterValidator:
    """Return a validator that refuses, as `wrong`, what `pattern` does not match as a whole."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise wrong(what, instead)
        return text

    plain = r"\S" if pattern == _SOMETHING else f"^(?:{pattern})$"
    return shaped(check, pattern=plain)


def _secret(text: object) -> object:
    if not isinstance(text, str):
        raise Wrong("must be text", 'write it in quotes, for example "${NAME}"')
    if not text.strip():
        raise Wrong("is empty", "set the variable it comes from, or write the secret")
    if _LINE.fullmatch(text) is None or text != text.strip():
        raise Wrong("holds blanks, line ends or other characters", "use printable ASCII only")
    return SecretStr(text)


def _key(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _KEY_LENGTH:
        raise Wrong("is shorter than 32 characters", "make one with `openssl rand -hex 32`")
    if _VISIBLE.fullmatch(secret.get_secret_value()) is None:
        raise Wrong("holds a blank", "use letters, digits and signs only")
    return secret


def _version(number: int) -> int:
    if number != 1:
        raise Wrong("must be 1", "write `version: 1`: there is no other yet")
    return number


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[
    str,
    matching(
        _NAME.pattern,
        "is not a name",
        "use up to 64 of a-z, 0-9, `_`, `.` and `-`, beginning with a letter or digit",
        NotAName,
    ),
]
"""A name of a person, team, server or agent: safe in a path and on a card."""
Text = Annotated[str, matching(_SOMETHING, "is empty", "write something, or remove the key")]
Secret = Annotated[SecretStr, BeforeValidator(_secret, json_schema_input_type=str)]
Key = Annotated[Secret, AfterValidator(_key)]
"""A secret of at least 32 visible ASCII characters."""
KeyHash = Annotated[
    str,
    matching(
        r"[0-9a-fA-F]{64}",
        "is not a SHA-256",
        'write the 64 hex digits that `printf %s "$KEY" | sha256sum` prints',
    ),
    AfterValidator(str.lower),
]
"""The SHA-256 of a key, as 64 hex digits in lower case."""
Url = Annotated[
    str,
    matching(
        _URL.pattern,
        "is not an http or https address",
        "write it like `https://example.com/mcp/`, without query or user name",
    ),
    AfterValidator(reachable),
]
SecureUrl = Annotated[
    str,
    matching(
        r"(https://[A-Za-z0-9.:\[\]-]+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?)"
        r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?",
        "is not an https address",
        "write it like `https://login.example.com/`, without query; http is for loopback only",
    ),
    AfterValidator(reachable),
]
PublicUrl = Annotated[SecureUrl, AfterValidator(lambda url: url.rstrip("/"))]
"""A secure address without a slash at its end, so that paths can follow."""
Origin = Annotated[
    str,
    matching(
        r"(?!(?:http://.*:80|https://.*:443)$)[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._:\[\]-]+",
        "is not an origin as browsers send them",
        "write it like `https://app.example.com` or `http://localhost:5173`: no path, no slash at "
        "the end, no port that is usual, and no `*`",
    ),
    AfterValidator(str.lower),
]
"""Where a page comes from, in lower case (RFC 6454, 6.2); never the opaque one, `null`."""
Many = BeforeValidator(_list)
Version = Annotated[int, shaped(_version, const=1)]
"""The version of a file's form, which is 1."""


class Address(BaseModel):
    """Where to listen: host and port; port 0 lets the system choose."""

    model_config = {"frozen": True}
    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def anywhere(self) -> bool:
        """Whether it stands for all addresses of this machine."""
        return self.host in {"0.0.0.0", "::"}  # noqa: S104  looked at, not listened at

    def __str__(self) -> str:
        """Write `host:port`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")
_MOST_PORT = 65535


def parse_address(text: str) -> Address | None:
    """Return the address that `text` writes (`host:port`, `[::1]:port`), or None."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[3]) > _MOST_PORT:
        return None
    return Address(host=found[1] or found[2], port=int(found[3]))


def address_of(url: str) -> Address | None:
    """Return where an http or https address leads, or None."""
    scheme, _, rest = url.partition("://")
    host = rest.split("/", 1)[0]
    usual = 443 if scheme == "https" else 80
    return parse_address(host) or parse_address(f"{host}:{usual}")


def _address(value: object) -> Address:
    address = parse_address(value) if isinstance(value, str) else None
    if address is None:
        raise Wrong("is not an address", 'write host and port in quotes, like "127.0.0.1:8787"')
    return address


_AddressText = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")]
ListenAddress = Annotated[Address, BeforeValidator(_address, json_schema_input_type=_AddressText)]
