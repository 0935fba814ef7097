"""Patterns of secrets inside text; each runs in time linear in the text.

Where two groups are named, `kept` stays and `value` is hidden; else all of it
is hidden.
"""

import re

_LINE_END = r"(?:\s|\\[nr])"
_PEM_TEXT = r"A-Za-z0-9+/=._*…"
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_LINE_END}*+(?:"
    r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): [^\r\n\\]{0,100}+"
    rf"|[{_PEM_TEXT}]++(?=[ \t]*+(?:[\r\n]|\\[nr]|-----END|\Z))"
    r"|[A-Za-z0-9+/=]{16,}+(?=[ \t])"
    r"))*+"
    rf"(?:{_LINE_END}*+-----END [A-Z0-9 ]{{1,50}}+-----)?"
)
"""A private key in PEM (RFC 7468); what no key could contain ends it."""

KNOWN_KEY = re.compile(
    r"""(?<![A-Za-z0-9_])(?:
      eyJ[A-Za-z0-9_-]{6,}+(?:\.{1,2}[A-Za-z0-9_-]++){1,4}+ # JWT (RFC 7519), JWE
    | A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA|NPA|NVA|IPA)[A-Z0-9]{12,}+ # AWS
    | AIza[A-Za-z0-9_-]{30,}+|ya29\.[A-Za-z0-9_-]{16,}+|GOCSPX-[A-Za-z0-9_-]{16,}+ # GCP
    | gh[pousr]_[A-Za-z0-9]{16,}+|github_pat_[A-Za-z0-9_]{16,}+
    | gl(?:pat|ptt|dt|rt|cbt|agent)-[A-Za-z0-9_-]{16,}+ # GitLab
    | xox[a-z](?:\.[a-z]{1,4})?-[A-Za-z0-9.-]{8,}+|x(?:app|wfp)-[A-Za-z0-9-]{8,}+ # Slack
    | [srp]k_(?:live|test)_[A-Za-z0-9]{8,}+|whsec_[A-Za-z0-9+/=]{16,}+ # Stripe
    | sk-[A-Za-z0-9_-]{16,}+ # OpenAI, Anthropic
    | npm_[A-Za-z0-9]{30,}+|pypi-[A-Za-z0-9_-]{16,}+|hf_[A-Za-z0-9]{20,}+
    | SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+|SK[0-9a-f]{32} # SendGrid, Twilio
    | do[pot]_v1_[a-f0-9]{40,}+|shp(?:at|ca|pa|ss)_[A-Za-z0-9]{16,}+
    | hv[sbr]\.[A-Za-z0-9_-]{16,}+|dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{20,}+
    | gl(?:sa|c)_[A-Za-z0-9_+=/]{20,}+|ATATT3[A-Za-z0-9_=-]{20,}+ # Grafana, Atlassian
    | Q(?:UtJQ|VNJQ)[A-Za-z0-9+/]{16,}+={0,2} # AWS in base64: AKIA, ASIA
    | AGE-SECRET-KEY-1[0-9A-Z]{20,}+|[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}+ # age, Telegram
    )""",
    re.VERBOSE,
)
"""Keys and tokens whose makers gave them a prefix."""


def may_hold_known_key(text: str) -> bool:
    """Tell quickly, without a look at every word, whether `KNOWN_KEY` may match in `text`."""
    return (
        "_" in text
        or "-" in text
        or "A" in text
        or "eyJ" in text
        or "SK" in text
        or "dapi" in text
        or "QUtJQ" in text
        or "QVNJQ" in text
        or ("." in text and ("ya29." in text or "SG." in text or "hv" in text))
    )


WEBHOOK = re.compile(
    r"(?P<kept>hooks\.slack\.com/(?:services|workflows|triggers)/)(?P<value>[A-Za-z0-9/_-]{8,}+)"
)
"""The secret part of a Slack webhook's address."""

URL_PASSWORD = re.compile(r"(?P<kept>://[^\s/?#@:]{0,200}+:)(?P<value>[^\s/?#]{1,500})(?=@)")
"""A password in an address (RFC 3986, section 3.2.1)."""

URL_USER = re.compile(
    r"(?P<kept>://)(?P<value>[A-Za-z0-9._~+=-]{16,200}+)(?=(?::[^\s/?#@]{0,200}+)?@)"
)
"""A long name in an address, as in `https://TOKEN@…`; the reader tells tokens from names."""

QUERY = re.compile(
    r"(?P<kept>[?&;](?:[a-z0-9]{1,16}[_.-]){0,3}(?:access|refresh|id|auth|client|api|x)?"
    r"(?:token|secret|password|passwd|passphrase|pass|pwd|otp|signature|credential|apikey|auth|key|sig|jwt|session"
    r"|sessionid|code)=)(?P<value>[^&\s#\"'<>;]++)",
    re.IGNORECASE,
)
"""A query parameter that carries a secret."""

BEARER = re.compile(
    r"(?<![A-Za-z0-9])(?P<kept>bearer[ \t]{1,8})(?P<value>[A-Za-z0-9._~+/=-]{6,}+)", re.IGNORECASE
)
"""A bearer token (RFC 6750); the reader of a match tells tokens from words."""

BASIC = re.compile(
    r"(?<![A-Za-z0-9])(?P<kept>basic[ \t]{1,8})(?P<value>[A-Za-z0-9+/]{4,}+={0,2})", re.IGNORECASE
)
"""Basic credentials (RFC 7617); the reader of a match looks for the colon inside."""

HEADER = re.compile(
    r"(?P<kept>(?:authorization|x-api-key|x-auth-token|x-vault-token|cookie)\\{0,3}[\"']?[ \t]{0,8}"
    r"[:=][ \t]{0,8}\\{0,3}[\"']?(?:(?:basic|bearer|digest|token|apikey|negotiate)[ \t]{1,8})?)"
    r"(?P<value>(?:[^\s\"'\\`$()<>|&\[\]]|(?<=;)[ ]){2,4000}+)",
    re.IGNORECASE,
)
"""A header that carries a secret, in text."""

_NAMES = (
    r"(?:password|passwd|passphrase|pwd|secret|token|credential|jwt|session[_-]?id"
    r"|passwort|kennwort|contrase(?:ñ|n)a|senha|wachtwoord|(?<=[_-])pass(?![a-z])"
    r"|(?:api|access|private|secret|auth|account|signing|encryption|master|shared)[_-]?key)"
    r"(?:[_-]?key(?:[_-]?base)?|[_-]?value|[_-]?[0-9]{1,2}|s)?"
)
_QUOTED = (
    r"\"(?:[^\"\\$`\n]|\\[^\n]|\$(?!\()){1,2000}+"
    r"|\\{1,3}\"(?:[^\"\\$`\n]|\\(?!\\{0,2}\")|\$(?!\()){1,2000}+"
    r"|\\{0,3}'[^'\n]{1,2000}+"
)
_BARE = r"(?![=-])[^\s\"'`$(){}<>|;&,\\\[\]]{1,2000}+(?![(\[])"
ASSIGNED = re.compile(
    rf"(?P<kept>{_NAMES}\\{{0,3}}[\"']?[ \t]{{0,8}}(?::=|=>|={{1,3}}|:)[ \t]{{0,8}})"
    rf"(?P<value>{_QUOTED}|{_BARE})",
    re.IGNORECASE,
)
"""`password=…`, `"token": "…"`; a value that would run as shell code stays visible."""

FLAG = re.compile(
    rf"(?<![-\w])(?P<kept>--?(?:[a-z]{{1,12}}-){{0,3}}{_NAMES}[ \t]{{1,8}})"
    rf"(?P<value>{_QUOTED}|{_BARE})",
    re.IGNORECASE,
)
"""`--password …` on a command line."""

TAGGED = re.compile(
    rf"(?P<kept><(?:[a-z0-9_.:-]{{1,40}}?)??{_NAMES}(?:[ \t][^<>\n]{{0,200}}+)?>)"
    r"(?P<value>[^<>$`\s](?:[^<>$`\n]{0,2000}[^<>$`\s])?)(?=</)",
    re.IGNORECASE,
)
"""`<password>…</password>`."""

SPOKEN = re.compile(
    rf"(?<![A-Za-z])(?P<kept>{_NAMES}[ \t](?:is|was)[ \t](?:now[ \t])?[\"']?)"
    r"(?P<value>(?=[^\s\"']{0,200}?[0-9])[^\s\"'`$(){}<>|;&,\\\[\]]{6,200}+)",
    re.IGNORECASE,
)
"""`the password is …`, where what follows has a digit in it."""

STATED = re.compile(
    r"(?P<kept>(?:\bpassword|\bidentified[ \t]{1,8}by(?:[ \t]{1,8}password)?)[ \t]{1,8}\\{0,3})"
    r"(?P<value>'[^'\n$`]{1,500}'|\"[^\"\n$`]{1,500}\")",
    re.IGNORECASE,
)
"""`PASSWORD '…'` and `IDENTIFIED BY '…'` of SQL."""

LOGGED_IN = re.compile(
    r"(?P<kept>\bsshpass[ \t]{1,8}-p[ \t]{0,8}[\"']?"
    r"|\b(?:mysql|mariadb)[a-z_-]{0,20}+[ \t](?:[^\n;|&]{0,100}?[ \t])?-p[\"']?"
    r"|\bmachine[ \t]{1,8}\S{1,200}[ \t\n]{1,8}(?:login[ \t]{1,8}\S{1,200}[ \t\n]{1,8})?"
    r"password[ \t]{1,8})(?P<value>[^\s\"'`$(){}<>|;&,\\\[\]]{1,200}+)",
    re.IGNORECASE,
)
"""A password for `sshpass` and MySQL's clients, and in a `.netrc`."""

CURL_USER = re.compile(
    r"(?<![-\w])(?P<kept>(?:-u[ \t]{0,4}|--(?:proxy-)?user(?:[ \t]{1,4}|=))\\{0,3}[\"']?"
    r"[A-Za-z0-9._@%+-]{1,64}+:)(?P<value>[^\s\"'\\`$();&|<>]{1,200}+)",
    re.IGNORECASE,
)
"""A name and a password after `curl -u`; the reader of a match looks for curl before it."""

RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}+={0,2}")
"""A long run without a gap; the reader of a match judges whether it looks random."""
