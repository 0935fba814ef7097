"""Patterns of secrets that stand in sentences, and beside their names in markup and code.

Each runs in time linear in the text; `kept` stays and `value` is hidden.
"""

import re

from policies.secrets.secret_patterns import NAMES, QUOTED

_WORD = r"[^\s\"'`$(){}<>|;&,\\\[\]/:=]"
_FILLERS = (
    r"(?:[ \t]{1,4}(?:is|was|to|be|will|now|provided|value|lautet|ist|war|est|es|é|è|changed|set"
    r"|reset|updated|rotated|equals|-|->|→|\u2013)(?=[ \t]))"
)

SPOKEN = re.compile(
    rf"(?<![A-Za-z])(?P<kept>{NAMES}"
    rf"(?:[ \t](?:is|was)[ \t](?:now[ \t])?|{_FILLERS}{{1,4}}[ \t]{{1,4}})[\"']?)"
    r"(?P<value>(?=[^\s\"']{0,200}?[0-9])[^\s\"'`$(){}<>|;&,\\\[\]]{6,200}+)",
    re.IGNORECASE,
)
"""`the password is …`, where what follows has a digit in it."""

BESIDE = re.compile(
    r"(?<![A-Za-z-])(?P<kept>(?:"
    r"(?:password|passwort|passphrase|pwd|creds|login|credentials)[ \t]{1,4}"
    r"|(?:token|(?:api|access)[ _-]?key)[ \t]{1,4}(?=[\"'(]?[^\s\"'\-_]{10})|(?:user|login|password"
    r"|credentials?)[ \t]?:[ \t]?\S{1,64}[ \t]{1,4}(?:/|pass:)[ \t]{1,4})"
    r"[\"'(]?(?:[a-z0-9._@-]{1,64}:)?)"
    rf"(?P<value>(?={_WORD}{{0,100}}?[0-9])(?={_WORD}{{0,100}}?[A-Za-z])"
    rf"{_WORD}{{6,200}}+)(?![/:=(\[])",
    re.IGNORECASE,
)
"""`with password …`, `login bob:…`, `token '…' is expired`: letters and digits in one word."""

ONE_TIME = re.compile(
    r"(?P<kept>\b(?:(?:verification|login|security|one-time|auth(?:entication)?|2fa|mfa"
    r"|confirmation|recovery|backup|sign-in|access)[ -](?:pass)?codes?|otp|\bpin)"
    r"(?:[ \t](?:is|are|was))?"
    r"[ \t]{0,4}:?[ \t]{1,4})"
    r"(?P<value>(?:[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,4}|[a-z0-9]{0,12}[0-9][a-z0-9]{3,16})"
    r"(?:,[ ]?[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,4}){0,20})(?![\w-])",
    re.IGNORECASE,
)
"""`your verification code is …`."""

CODE_FIRST = re.compile(
    r"(?P<kept>)\b(?P<value>(?:[A-Z]-)?[0-9]{4,8})(?=[ \t]is[ \t]your[ \t][\w -]{0,40}code\b)"
)
"""`482913 is your verification code`."""

TICKED = re.compile(
    rf"(?P<kept>(?i:{NAMES}(?:[ \t]?[:=]|[ \t](?:is|was)(?:[ \t]now)?)[ \t]?)`)"
    r"(?P<value>(?=[^`\s]{0,100}?[0-9])(?=[^`\s]{0,100}?[a-z])(?=[^`\s]{0,100}?[A-Z])"
    r"[^`\s$;|&()]{8,200}+)(?=`)",
)
"""A password in backticks; small and large letters and digits in a word are no command."""

STATED = re.compile(
    r"(?P<kept>(?:\bpassword|\bidentified[ \t]{1,8}by(?:[ \t]{1,8}password)?)[ \t]{1,8}\\{0,3}"
    r"|\bpassword[ \t]{1,8}for[ \t]{1,8}\S{1,100}[ \t]{0,8}=[ \t]{0,8})"
    r"(?P<value>'[^'\n$`]{1,500}'|\"[^\"\n$`]{1,500}\")",
    re.IGNORECASE,
)
"""`PASSWORD '…'` and `IDENTIFIED BY '…'` of SQL."""

NAMED = re.compile(
    r"(?P<kept>\b(?:name|key|id|type|label|variable)[\"']?\s{0,4}(?:[:=]\s{0,4})?[\"']?"
    rf"[A-Za-z0-9_.-]{{0,60}}?{NAMES}[\"']?[ \t]{{0,4}}(?:[,;{{]|\r?\n)?\s{{0,20}}"
    r"(?:name[\"']?\s{0,4}[:=]\s{0,4}[\"'][^\"'\n]{0,60}[\"']\s{1,8})?"
    r"[\"']?(?:value|default|val)[\"']?\s{0,4}[:=]\s{0,4})"
    rf"(?P<value>{QUOTED}|[^\s\"'`$(){{}}<>|;&,\\\[\]]{{1,2000}}+)",
    re.IGNORECASE,
)
"""A value whose name stands beside it: `name: DB_PASSWORD`, `value: …`, in YAML, XML or HCL."""

PAIRED = re.compile(
    rf"(?P<kept>(?P<quote>[\"'])[A-Za-z0-9_.-]{{0,60}}?{NAMES}(?P=quote)[ \t]?,[ \t]?(?P=quote))"
    r"(?P<value>(?=[^\"'\n]{0,200}?[0-9])[^\"'\n$`]{6,500}+)(?=(?P=quote))",
    re.IGNORECASE,
)
"""`define('DB_PASSWORD', '…')`, where what follows has a digit in it."""

APART = re.compile(
    rf"(?P<kept>[\"'][A-Za-z0-9_.-]{{0,60}}?{NAMES}[\"']\s{{0,40}}:\s{{0,40}})"
    rf"(?P<value>{QUOTED})",
    re.IGNORECASE,
)
"""A member of JSON whose value stands in another line."""
