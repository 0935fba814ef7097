"""Patterns of secrets that are handed to programs in a command line, and in files that they read.

Each runs in time linear in the text; `kept` stays and `value` is hidden.
"""

import re

_WORD = r"[^\s\"'`$(){}<>|;&,\\\[\]]{1,200}+"
_ON = r"[^\n;|&]{0,200}?[ \t]"

LOGGED_IN = re.compile(
    r"(?P<kept>\bsshpass[ \t]{1,8}-p[ \t]{0,8}[\"']?"
    r"|\b(?:mysql|mariadb)[a-z_-]{0,20}+[ \t](?:[^\n;|&]{0,100}?[ \t])?-p[\"']?)"
    rf"(?P<value>{_WORD})",
    re.IGNORECASE,
)
"""A password for `sshpass` and MySQL's clients."""

NETRC = re.compile(
    r"(?P<kept>\bmachine[ \t]{1,8}\S{1,200}[ \t\n]{1,8}(?:login[ \t]{1,8}\S{1,200}[ \t\n]{1,8})?"
    rf"password[ \t]{{1,8}})(?P<value>{_WORD})",
    re.IGNORECASE,
)
"""A password in a `.netrc`."""

OPTION = re.compile(
    rf"(?P<kept>\b(?:"
    rf"(?:docker|podman|nerdctl|buildah|skopeo|oras|helm|az|oc|vault){_ON}login{_ON}-p"
    rf"|mongo(?:sh|dump|restore|export|import)?{_ON}-p|redis-cli{_ON}-a|zip{_ON}-P|openssl{_ON}-k)"
    rf"[ \t]{{1,4}}[\"']?|\b7za?{_ON}-p|\bopenssl{_ON}(?:-pass(?:in|out)?[ \t]{{1,4}})pass:"
    rf"|\bhtpasswd[ \t]{{1,4}}-[a-zA-Z]*b[a-zA-Z]*[ \t]{{1,4}}\S{{1,200}}[ \t]{{1,4}}"
    r"\S{1,64}[ \t]{1,4})"
    rf"(?P<value>(?!-){_WORD})"
)
"""A password after an option of a program that is known to take one there."""

PIPED = re.compile(
    r"(?P<kept>\b(?:echo|printf)[ \t]{1,4}(?:-n[ \t]{1,4})?[\"']?"
    r"(?:[A-Za-z0-9._-]{1,64}:(?=[^\n|]{0,200}chpasswd))?)"
    r"(?P<value>[^\s\"'`$(){}<>|;&,\\\[\]]{1,200}+)"
    r"(?=[\"']?[ \t]{0,4}\|[^\n|]{0,200}(?:password-stdin|chpasswd|--stdin|sudo[ \t]{1,4}-S))"
)
"""`echo … | docker login --password-stdin`."""

ORACLE = re.compile(
    r"(?P<kept>(?:\bsqlplus[ \t]{1,4}(?:-[sSlL]{1,4}[ \t]{1,4}){0,3}|\b(?:exp|imp)(?:dp)?[ \t]{1,4}"
    r"|jdbc:oracle:[a-z]{3,8}:)[A-Za-z0-9_$#.]{1,64}/)"
    r"(?P<value>[^\s\"'`$(){}<>|;&,\\\[\]/@]{1,200}+)(?=@)"
)
"""A name and a password for Oracle's programs: `scott/…@db`."""

WIRELESS = re.compile(r"(?P<kept>\bWIFI:(?:[TSH]:[^;\n]{0,64};){0,3}P:)(?P<value>[^;\n]{1,64})")
"""A network's password, as codes for cameras write it."""

AUTHENTICATOR = re.compile(
    r"(?P<kept>otpauth-migration://offline\?data="
    r"|\b(?:totp|2fa|mfa|authenticator|setup)[ \t](?:seed|secret|setup[ \t]key|key)s?"
    r"[ \t]{0,4}(?:is|:|=)?[ \t]{1,4})"
    r"(?P<value>[A-Za-z2-7%+/=_-]{16,}+|[a-zA-Z2-7]{4}(?:[ -][a-zA-Z2-7]{4}){3,12})",
    re.IGNORECASE,
)
"""The secret of an authenticator (RFC 6238), in words."""

CURL_USER = re.compile(
    r"(?<![-\w])(?P<kept>(?:-u[ \t]{0,4}|--(?:proxy-)?user(?:[ \t]{1,4}|=))\\{0,3}[\"']?"
    r"[A-Za-z0-9._@%+-]{1,64}+:)(?P<value>[^\s\"'\\`$();&|<>]{1,200}+)",
    re.IGNORECASE,
)
"""A name and a password after `curl -u`; the reader of a match looks for curl before it."""
