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
    r"""(?<![A-Za-z0-9_])(?=[A-Za-z0-9][A-Za-z0-9_.+|:-]{10}|whsec_|glc_)(?:
      eyJ[A-Za-z0-9_-]{6,4000}+(?:\.{1,2}[A-Za-z0-9_-]++){1,4}+ # JWT (RFC 7519), JWE
    | A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA|NPA|NVA|IPA)[A-Z0-9]{12,}+ # AWS
    | AIza[A-Za-z0-9_-]{30,}+|ya29\.[A-Za-z0-9_-]{16,}+|GOCSPX-[A-Za-z0-9_-]{16,}+ # GCP
    | gh[pousr]_[A-Za-z0-9]{16,}+|github_pat_[A-Za-z0-9_]{16,}+
    | gl(?:pat|ptt|dt|rtr?|cbt|ft|imt|soat|agent|ffct)-[A-Za-z0-9_-]{16,}+
        (?:\.[0-9a-z]{2}\.[0-9a-z]{9})?|GR1348941[A-Za-z0-9_-]{16,}+ # GitLab
    | xox[a-z](?:\.[a-z]{1,4})?-[A-Za-z0-9.-]{8,}+|x(?:app|wfp)-[A-Za-z0-9-]{8,}+ # Slack
    | [srp]k_(?:live|test)_[A-Za-z0-9]{8,}+|whsec_[A-Za-z0-9+/=]{16,}+ # Stripe
    | sk-[A-Za-z0-9_-]{16,}+ # OpenAI, Anthropic
    | npm_[A-Za-z0-9]{30,}+|pypi-[A-Za-z0-9_-]{16,}+|hf_[A-Za-z0-9]{20,}+
    | SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+|SK[0-9a-f]{32} # SendGrid, Twilio
    | do[pot]_v1_[a-f0-9]{40,}+|shp(?:at|ca|pa|ss)_[A-Za-z0-9]{16,}+
    | hv[sbr]\.[A-Za-z0-9_-]{16,}+|dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{20,}+
    | gl(?:sa|c)_[A-Za-z0-9_+=/]{20,}+|ATATT3[A-Za-z0-9_=-]{20,}+ # Grafana, Atlassian
    | AGE-SECRET-KEY-1[0-9A-Z]{20,}+|[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}+ # age, Telegram
    | LTAI[A-Za-z0-9]{16,}+|BSA[A-Za-z0-9_-]{24,}+|API-[A-Z0-9]{25,}+ # Alibaba, Brave, Octopus
    | AVNS_[A-Za-z0-9_-]{16,}+|WPL_AP1\.[A-Za-z0-9]{10,}+\.[A-Za-z0-9+/=]{4,}+ # Aiven, LinkedIn
    | (?:md-|fw_|a[sk][-_]|unkey_|sq0[a-z]{3}-)
        (?=[a-z_-]{0,200}[A-Z0-9][A-Za-z_-]{0,200}[0-9]|[0-9])[A-Za-z0-9_-]{16,}+
    | amzn\.mws\.[0-9a-f-]{36}|[0-9]{13,17}\|[A-Za-z0-9_-]{20,}+|[0-9]{18,19}-[A-Za-z0-9]{30,40} # X
    | 0\.[0-9a-f]{8}-[0-9a-f-]{27}\.[A-Za-z0-9]{20,}+:[A-Za-z0-9+/=]{20,}+ # Bitwarden
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
        or "|" in text
        or "GR1" in text
        or ("." in text and ("ya29." in text or "SG." in text or "hv" in text or "mws." in text))
    )


WEBHOOK = re.compile(
    r"""(?P<kept>
      hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/
    | discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{5,25}/
    | (?:webhook\.office|outlook\.office(?:365)?)\.com/webhook(?:b2)?/
    | hooks\.zapier\.com/hooks/catch/[0-9]{1,20}/
    | maker\.ifttt\.com/trigger/[^/\s]{1,100}/(?:json/)?with/key/
    | events\.pagerduty\.com/integration/
    | \.(?:infura\.io|g\.alchemy\.com)/v[23]/|\.quiknode\.pro/
    | hooks?(?:\.[a-z0-9-]{1,10})?\.(?:make|integromat)\.com/
    | /ical/[^/\s]{1,200}/private-
    | /(?:web)?hooks?/(?:[^/\s]{1,40}/)?(?=[0-9a-f-]{0,40}[A-Za-z])(?=[A-Za-z-]{0,40}[0-9])
        (?=[A-Za-z0-9-]{16})
    )(?P<value>[A-Za-z0-9/_@.=-]{6,}+)""",
    re.VERBOSE | re.IGNORECASE,
)
"""The secret part of a webhook's address, and of others that need nothing but the address."""

URL_PASSWORD = re.compile(
    r"(?P<kept>://[^\s/?#@:]{0,200}+:)"
    r"(?P<value>[^\s/?#]{1,500}(?=@)|(?![0-9]{1,5}[/?#])[^\s@\"'<>]{1,200}+(?=@[A-Za-z0-9]))"
)
"""A password in an address (RFC 3986, section 3.2.1), with the `/` that people write in it, too."""

URL_USER = re.compile(
    r"(?P<kept>://)(?P<value>[A-Za-z0-9._~+=-]{16,200}+)(?=(?::[^\s/?#@]{0,200}+)?@)"
)
"""A long name in an address, as in `https://TOKEN@…`; the reader tells tokens from names."""

QUERY = re.compile(
    r"(?P<kept>[?&;](?:[a-z0-9]{1,16}[_.-]){0,3}(?:access|refresh|id|auth|client|api|x)?"
    r"(?:token|secret|password|passwd|passphrase|pass|pwd|otp|signature|credential|apikey|auth|key"
    r"|sig|jwt|session|sessionid|sid|ticket|passcode|pin|hmac|assertion|samlresponse|verifier|code(?==[^&\s#]{8}))=)"
    r"(?P<value>[^&\s#\"'<>;]++)",
    re.IGNORECASE,
)
"""A query parameter that carries a secret."""

BEARER = re.compile(
    r"(?<![A-Za-z0-9])(?P<kept>bearer,?[ \t]{1,8})(?P<value>[A-Za-z0-9._~+/=-]{6,}+)", re.IGNORECASE
)
"""A bearer token (RFC 6750); the reader of a match tells tokens from words."""

BASIC = re.compile(
    r"(?<![A-Za-z0-9])(?P<kept>basic[ \t]{1,8})(?P<value>[A-Za-z0-9+/]{4,}+={0,2})", re.IGNORECASE
)
"""Basic credentials (RFC 7617); the reader of a match looks for the colon inside."""

HEADER = re.compile(
    r"(?P<kept>(?:authorization|x-api-key|x-auth-token|x-vault-token|cookie)\\{0,3}[\"']?[ \t]{0,8}"
    r"[:=][ \t]{0,8}\\{0,3}[\"']?(?:(?:basic|bearer|digest|token|apikey|negotiate)[ \t]{1,8}"
    r"|[a-z][a-z0-9-]{1,24}[ \t]{1,8}(?=[^\s\"'`$;|&]{0,200}?[0-9]))?)"
    r"(?P<value>(?:=\"[^\"\s$`]{0,500}\"|[^\s\"'\\`$()<>|&\[\]]|(?<=;)[ ]"
    r"|(?<=,)[ ](?=[a-z_-]{1,30}=))"
    r"{2,4000}+)",
    re.IGNORECASE,
)
"""A header that carries a secret, in text."""

KEY_HEADER = re.compile(
    r"(?<![A-Za-z0-9-])(?P<kept>"
    r"(?!(?:idempotency|sort|partition|routing|surrogate|cache|public|host|sec)-)"
    r"(?:[a-z0-9]{1,20}-){1,6}(?:key|token|secret|signature|auth)(?:-256)?[\"']?"
    r"[ \t]{0,4}:[ \t]{0,8}[\"']?)"
    r"(?P<value>(?=[^\s\"']{0,200}?[0-9])[A-Za-z0-9+/=_.,~-]{16,}+)",
    re.IGNORECASE,
)
"""Any other header whose name has hyphens in it and ends as those of secrets do."""

_KEYS = r"[ _-]?key"
_PASSED = r"(?<![a-z_-])pass(?=[\"']?[ \t]?[:=][ \t]?[\"']?(?=[^\s]{0,99}?[a-z])[^\s]{0,99}?[0-9])"
_OTHER_SCRIPTS = "парол[ья]|密码|密碼|口令|パスワード|비밀번호"
NAMES = (
    "(?:(?=[acehjklmpstwş\u043f密口パ비])(?:"
    rf"p(?:ass(?:word|wd|phrase|code|wort)|wd|(?<![a-z].)w(?![a-z])|r(?:ivate|eshared){_KEYS})"
    rf"|s(?:ecret|ession(?:[_-]?id|(?==[^\s;&\]]{{10}}))|enha|(?:igning|hared){_KEYS})"
    rf"|token|credential|jwt"
    rf"|a(?:(?:pi|ccess|uth|ccount){_KEYS})|kennwort|contrase(?:ñ|n)a|wachtwoord"
    rf"|encryption{_KEYS}|m(?:aster{_KEYS}|ot de passe)|h(?:eslo|asło)|şifre|lösenord|jelszó"
    rf"|{_OTHER_SCRIPTS})|(?<=[_-])pass(?![a-z])|{_PASSED})"
    r"(?:[_-]?key(?:[_-]?base)?|[_-]?value|[_-]?[0-9]{1,2}|s)?"
)
_TYPED = r"(?:[ \t]{0,4}:[ \t]{0,4}(?:string|str|bytes|text|any)(?=[ \t]{0,4}=))?"
QUOTED = (
    r"\"(?:[^\"\\$`\n]|\\[^\n]|\$(?!\()){1,2000}+"
    r"|\\{1,3}\"(?:[^\"\\$`\n]|\\(?!\\{0,2}\")|\$(?!\()){1,2000}+"
    r"|\\{0,3}'[^'\n]{1,2000}+"
)
BARE = r"(?![=-])[^\s\"'`$(){}<>|;&,\\\[\]]{1,2000}+(?![(\[])"
ASSIGNED = re.compile(
    rf"(?P<kept>{NAMES}\\{{0,3}}[\"']?\]?(?:[*_]{{1,2}})?(?:[ \t]provided)?{_TYPED}"
    r"[ \t]{0,8}(?::=|=>|={1,3}|:)[ \t]{0,8}(?:[*_]{2}[ \t]{0,4})?)"
    rf"(?P<value>{QUOTED}|{BARE})",
    re.IGNORECASE,
)
"""`password=…`, `"token": "…"`; a value that would run as shell code stays visible."""

FLAG = re.compile(
    rf"(?<![-\w])(?P<kept>--?(?:[a-z]{{1,12}}-){{0,3}}{NAMES}[ \t]{{1,8}})"
    rf"(?P<value>{QUOTED}|{BARE})",
    re.IGNORECASE,
)
"""`--password …` on a command line."""

TAGGED = re.compile(
    rf"(?P<kept><(?:[a-z0-9_.:-]{{1,40}}?)??{NAMES}(?:[ \t][^<>\n]{{0,200}}+)?>(?:<!\[CDATA\[)?)"
    r"(?P<value>[^<>$`\s](?:[^<>$`\n]{0,2000}[^<>$`\s])?)(?=(?:\]\]>)?</)",
    re.IGNORECASE,
)
"""`<password>…</password>`."""

RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}+={0,2}")
"""A long run without a gap; the reader of a match judges whether it looks random."""

PACKED = re.compile(
    r"(?<![A-Za-z0-9+/_.-])(?:[A-Za-f][A-Za-z0-9+/_-]{3}){3,}+"
    r"(?:[A-Za-f][A-Za-z0-9+/_-]{1,2})?={0,2}"
    r"(?![A-Za-z0-9+/_=.-])"
)
"""What may be the base64 of ASCII; the reader of a match unpacks it."""
