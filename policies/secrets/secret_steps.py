"""Knows which patterns of secrets may apply to a text, and what stands for a match of each."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from policies.secrets import secret_patterns as patterns
from policies.secrets import shell_secrets as shell
from policies.secrets import told_secrets as told

MARKER: Final = "[hidden]"
"""Stands where a secret was."""

Replacement: TypeAlias = Callable[[re.Match[str]], str | None]
"""Returns what stands for a match, or None where it is no secret."""

Step: TypeAlias = tuple[re.Pattern[str], Replacement]

_SHORTEST_KEY = 14
_SHORTEST_WORD_TOKEN = 20
_CURL_BEFORE = 300
# Words that stand after a secret's name in code and prose, and are no secrets.
_WORDS = """str string bytes none null nil true false int any object optional text varchar undefined
required bool boolean await new raise return yes no [hidden] hidden secret password token"""
_NO_VALUES = frozenset(_WORDS.split())


def steps(text: str, folded: str) -> list[Step]:
    """Return what may apply anywhere in `text`, in order; nothing to most texts.

    `folded` is `text` in lower case. Quick, for it is always run.
    INVARIANT: a pattern matches no text, nor what an earlier one leaves of it,
    without the signs and words that are looked for here.
    """
    found: list[Step] = []
    if "-----begin " in folded:
        found.append(_PRIVATE_KEY)
    if len(folded) >= _SHORTEST_KEY and patterns.may_hold_known_key(text):
        found.append(_KNOWN_KEY)
    if "://" in folded and "@" in folded:
        found += (_URL_PASSWORD, _URL_USER)
    if "/" in folded and _may_be_webhook(folded):
        found.append(_WEBHOOK)
    if "machine" in folded and "password" in folded:
        found.append(_NETRC)
    if "=" in folded and ("?" in folded or "&" in folded or ";" in folded):
        found.append(_QUERY)
    return found


def line_steps(folded: str, *, named: bool, digits: bool) -> list[Step]:
    """Return what may apply within a line, in order; see `steps`.

    `named` says whether a secret's name may be in it, `digits` whether a digit is.
    INVARIANT: what applies to a line applies to every text that it is a line of.
    """
    found: list[Step] = []
    joined = ":" in folded or "=" in folded
    blank = " " in folded or "\t" in folded
    if joined and ("authorization" in folded or "cookie" in folded or "x-" in folded):
        found.append(_HEADER)
    if joined and digits and "-" in folded and (named or "-signature" in folded):
        found.append(_KEY_HEADER)
    if blank and "bearer" in folded:
        found.append(_BEARER)
    if blank and "basic" in folded:
        found.append(_BASIC)
    if named:
        found += _beside_names(folded, joined=joined, digits=digits)
    if blank:
        found += _spaced(folded, named=named, digits=digits)
    if "@" in folded and "/" in folded and ("oracle:" in folded or blank):
        found.append(_ORACLE)
    if joined and "-u" in folded:
        found.append(_CURL_USER)
    if joined and ("wifi:" in folded or "otpauth" in folded):
        found += (_WIRELESS, _AUTHENTICATOR)
    return found


def _may_be_webhook(folded: str) -> bool:
    return (
        "hook" in folded
        or "/v2/" in folded
        or "/v3/" in folded
        or "/key/" in folded
        or "/integration/" in folded
        or "/private-" in folded
        or ".quiknode." in folded
    )


def _beside_names(folded: str, *, joined: bool, digits: bool) -> list[Step]:
    """Return what may apply where a secret stands beside its name."""
    found: list[Step] = []
    if joined:
        found.append(_ASSIGNED)
    if "</" in folded:
        found.append(_TAGGED)
    if digits and "`" in folded:
        found.append(_TICKED)
    if digits and "," in folded and ("'" in folded or '"' in folded):
        found.append(_PAIRED)
    if digits and (" " in folded or "\t" in folded):
        if "2fa" in folded or "mfa" in folded or "setup" in folded:
            found.append(_AUTHENTICATOR)
        found += (_SPOKEN, _BESIDE)
    return found


def _spaced(folded: str, *, named: bool, digits: bool) -> list[Step]:
    """Return what may apply where a secret stands behind a word and a blank."""
    found: list[Step] = []
    if digits:
        if not named and ":" in folded and ("login " in folded or "creds " in folded):
            found.append(_BESIDE)
        if "code" in folded or "otp" in folded or " pin" in folded or "pin:" in folded:
            found += (_ONE_TIME, _CODE_FIRST, _AUTHENTICATOR)
    if ("'" in folded or '"' in folded) and ("password" in folded or "identified" in folded):
        found.append(_STATED)
    if "-" in folded and named:
        found.append(_FLAG)
    if "-" in folded and _may_take_password(folded):
        found += (_LOGGED_IN, _OPTION)
    if "|" in folded and ("stdin" in folded or "passwd" in folded or "sudo" in folded):
        found.append(_PIPED)
    return found


def _may_take_password(folded: str) -> bool:
    """Tell whether an option that takes a password may be in a command line."""
    return (
        " -p" in folded
        or "\t-p" in folded
        or " -a" in folded
        or "openssl" in folded
        or "htpasswd" in folded
    )


def names_secrets(folded: str) -> bool:
    """Tell whether one of the names of secrets may be in the text; unrolled, it is always run."""
    return (
        "pass" in folded
        or "key" in folded
        or "token" in folded
        or "secret" in folded
        or "credential" in folded
        or "session" in folded
        or "pw" in folded
        or "jwt" in folded
        or "kennwort" in folded
        or "contrase" in folded
        or "senha" in folded
        or "wachtwoord" in folded
        or "heslo" in folded
        or (not folded.isascii() and any(name in folded for name in _OTHER_NAMES))
    )


def _whole(_: re.Match[str]) -> str:
    return MARKER


def _value(found: re.Match[str]) -> str:
    return found["kept"] + MARKER


def _bearer(found: re.Match[str]) -> str | None:
    """Return what hides a bearer token; "bearer tokens" in prose is none."""
    is_word = found["value"].rstrip(".").isalpha() and len(found["value"]) < _SHORTEST_WORD_TOKEN
    return None if is_word else _value(found)


def _url_user(found: re.Match[str]) -> str | None:
    """Return what hides a token in the place of a name; names have seldom figures in them."""
    name = found["value"]
    figures = sum(map(str.isdigit, name))
    return _value(found) if figures > 1 and not name.isdigit() else None


def _basic(found: re.Match[str]) -> str | None:
    """Return what hides Basic credentials; "basic auth" in prose is none."""
    try:
        decoded = base64.b64decode(found["value"], validate=True)
    except binascii.Error:
        return None
    return _value(found) if b":" in decoded else None


def _assigned(found: re.Match[str]) -> str | None:
    """Return what hides an assigned value and keeps its opening quote."""
    value = found["value"]
    bare = value.lstrip("\\")
    opening = value[: len(value) - len(bare)] + bare[:1] * bare.startswith(('"', "'"))
    word = value[len(opening) :].lower().strip("\\.")
    counted = word.isdigit() and "tokens" in found["kept"].lower()
    return None if counted or word in _NO_VALUES else found["kept"] + opening + MARKER


def _curl_user(found: re.Match[str]) -> str | None:
    """Return what hides a password for curl; `docker run -u app:staff` has none."""
    before = found.string[max(0, found.start() - _CURL_BEFORE) : found.start()]
    return _value(found) if "curl" in before.casefold() else None


_OTHER_NAMES = (
    *("hasło", "şifre", "lösenord", "jelszó", "парол", "密码", "密碼", "口令", "パスワード"),
    "비밀번호",
)
_PRIVATE_KEY: Step = (patterns.PRIVATE_KEY, _whole)
_KNOWN_KEY: Step = (patterns.KNOWN_KEY, _whole)
_WEBHOOK: Step = (patterns.WEBHOOK, _value)
_URL_PASSWORD: Step = (patterns.URL_PASSWORD, _value)
_URL_USER: Step = (patterns.URL_USER, _url_user)
_TAGGED: Step = (patterns.TAGGED, _value)
_QUERY: Step = (patterns.QUERY, _value)
_HEADER: Step = (patterns.HEADER, _value)
_KEY_HEADER: Step = (patterns.KEY_HEADER, _value)
_BEARER: Step = (patterns.BEARER, _bearer)
_BASIC: Step = (patterns.BASIC, _basic)
_ASSIGNED: Step = (patterns.ASSIGNED, _assigned)
_FLAG: Step = (patterns.FLAG, _assigned)
_SPOKEN: Step = (told.SPOKEN, _value)
_BESIDE: Step = (told.BESIDE, _value)
_ONE_TIME: Step = (told.ONE_TIME, _value)
_CODE_FIRST: Step = (told.CODE_FIRST, _value)
_STATED: Step = (told.STATED, _value)
NAMED: Step = (told.NAMED, _assigned)
_TICKED: Step = (told.TICKED, _value)
_PAIRED: Step = (told.PAIRED, _value)
APART: Step = (told.APART, _assigned)
_LOGGED_IN: Step = (shell.LOGGED_IN, _value)
_NETRC: Step = (shell.NETRC, _value)
_OPTION: Step = (shell.OPTION, _value)
_PIPED: Step = (shell.PIPED, _value)
_ORACLE: Step = (shell.ORACLE, _value)
_WIRELESS: Step = (shell.WIRELESS, _value)
_AUTHENTICATOR: Step = (shell.AUTHENTICATOR, _value)
_CURL_USER: Step = (shell.CURL_USER, _curl_user)
