"""Judges long runs: keys by their makers' prefixes, digests, and what looks random."""

import re
from operator import ne
from typing import Final

SHORTEST_RUN: Final = 32
"""Characters of the shortest run that is judged."""

_AWS_SECRET = 40
_MOST_SYMBOLS = 0.12
_LEAST_CHANGES = 0.40
_LEAST_CHANGES_WITHOUT_CAPITALS = 0.25
_LEAST_DIGITS = 2
_LOOKED_BEFORE = 70
_NAMED_BEFORE = 36
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]+)")
_SHOWN = re.compile(r"sha(?:256|384|512)-.*|AAAA.*|bc1[a-z0-9]+|[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_LONG_SAME = re.compile(r"a{9}|A{9}|0{9}")
_CLASSES = str.maketrans(
    {chr(code): "a" for code in range(97, 123)}
    | {chr(code): "A" for code in range(65, 91)}
    | {chr(code): "0" for code in range(48, 58)}
    | dict.fromkeys("+/_-=", ".")
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MADE = re.compile(
    rf"""(?<![A-Za-z0-9])(?:
      (?:sk|fc|e2b|key|pul|sq[pua]|bk[a-z]{{1,2}}|sbp|slk|live|test|sgp)[_-](?:[0-9a-f]{{16}}_)?
        [0-9a-f]{{32,64}}
    | (?:sdk|api|mob|waka|HRKU|ctx7sk|pat-[a-z]{{2,3}}[0-9]
        |access-(?:sandbox|production|development))
        [_-]{_UUID}
    | (?:lsv2_[a-z]{{2}}|shippo_(?:live|test)|os_v2_(?:app|org)|signkey-[a-z]{{2,8}}
        |lin_(?:api|oauth)
        |rubygems|packagist_[a-z]{{2,4}}|xs?m?t?p?(?:key)?sib|hc[a-z]{{2,4}}|sntry[us]|napi|rdme
        |gloas        |dor_v1|ntn|secret|xai|pplx|gsk|csk|nvapi|pcsk|tvly|r8|rpa|vcp|nfp|sb_secret
        |pscale_[a-z]{{2,5}}
        |dckr_[a-z]{{3}}|tskey-[a-z]{{3,6}}|CCIPAT|fig[dp]|ph[cx]|p8e|PMAK|ATBB|EAAA|SWMTKN|FLWSECK)
        (?<![a-z]secret)[_-]?(?=[A-Za-z_-]{{0,200}}[0-9])[A-Za-z0-9_-]{{24,}}+
    | oy2[a-z0-9]{{43}}|nsec1[a-z0-9]{{58}} # NuGet, Nostr
    | S[A-Z2-7]{{55}}|SU[A-Z2-7]{{56}} # Stellar, NATS
    | [0-9a-f]{{32}}-(?:us[0-9]{{1,2}}|[0-9a-f]{{8}}-[0-9a-f]{{8}}) # Mailchimp, Mailgun
    | 0-[0-9a-f]{{24}}-[0-9a-f]{{100,}}+ # Cloudflare
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_PARTED = re.compile(
    r"""(?:
      \bpat[A-Za-z0-9]{14}\.|\b[0-2]/[0-9]{16}(?:/[0-9]{16})?: # Airtable, Asana
    | \$[a-z0-9]{16}\$|\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\. # PayPal, Dynatrace
    | \bst\.[0-9a-f]{24}\.(?:[^.]{8,32}\.)? # Infisical
    )\Z""",
    re.VERBOSE,
)
_CALLED = re.compile(
    r"""(?:
      (?:private|priv|secret|signing|encryption|master|aes|wallet|hmac|api|auth|access|shared)[ _-]?
        (?:key|secret|seed)[\"']?[ \t]{0,3}(?:is|was|provided|[:=]|->)?[ \t:]{0,3}[\"']?
    | \b(?:seed|sk|secret|token|password)[\"']?[ \t]{0,3}(?:is|was|[:=]|->)?[ \t]{0,3}[\"']?
    )\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_PARTS = frozenset(".:$")
_GO_SUM = "h1:"
_AFTER = re.compile(r":fx\b")


def is_hexadecimal(run: str) -> bool:
    """Tell whether a run is hexadecimal digits, as those of digests are."""
    return _HEX.fullmatch(run) is not None


def is_key(run: str, text: str, start: int, end: int) -> bool:
    """Tell whether a run that stands in `text` from `start` to `end` is a key.

    A digest in hexadecimal is one where what stands before it says so:
    `private key: 5e88…`.
    """
    hexadecimal = _HEX.fullmatch(run)
    if hexadecimal is not None:
        digits = hexadecimal[1]
        plain = len(digits) in _DIGEST_LENGTHS or digits.isdigit() or digits.isalpha()
        return not plain or _is_named(text, start) or _AFTER.match(text, end) is not None
    if _SHOWN.fullmatch(run) or text.endswith(_GO_SUM, 0, start):
        return False
    made = _MADE.search(run) is not None or _AFTER.match(text, end) is not None
    return made or _looks_random(run) or _is_named(text, start)


def _is_named(text: str, start: int) -> bool:
    """Tell whether what stands before `start` calls it a key."""
    before = text[max(0, start - _LOOKED_BEFORE) : start]
    if before[-1:] in _PARTS and _PARTED.search(before):
        return True
    folded = before[-_NAMED_BEFORE:].lower()
    calls = (
        "key" in folded
        or "secret" in folded
        or "seed" in folded
        or "token" in folded
        or "sk" in folded
    )
    return (calls or "password" in folded) and _CALLED.search(folded) is not None


def _looks_random(run: str) -> bool:
    """Tell whether the classes of characters in `run` change as often as in random text."""
    classes = run.translate(_CLASSES)
    has_capitals = "A" in classes
    like_aws = len(run) == _AWS_SECRET and has_capitals and "a" in classes and "0" in classes
    if not like_aws and (classes.count("0") < _LEAST_DIGITS or _LONG_SAME.search(classes)):
        return False
    changes = sum(map(ne, classes, classes[1:])) / len(run)
    if like_aws or (has_capitals and "a" in classes):
        return changes >= _LEAST_CHANGES and classes.count(".") <= _MOST_SYMBOLS * len(run)
    return "." not in classes and changes >= _LEAST_CHANGES_WITHOUT_CAPITALS
