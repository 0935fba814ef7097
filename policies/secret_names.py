"""Knows the names under which secrets are kept."""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_LONGEST_NAME = 200
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zñ]+|[A-Z]+|[0-9]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CORE = _words("""
    password passwords passwd passphrase passcode pwd secret secrets token tokens apikey apikeys
    authorization credential credentials creds cookie cookies jwt bearer otp totp cvv cvc mnemonic
    passwort kennwort senha wachtwoord contrasena contraseña
""")
_KEYS = _words("""
    api private access secret signing encryption decryption auth account master ssh service hmac
    aes shared deploy webhook session storage
""")
_ENDINGS = _words("""
    password passwd passphrase passcode secret token apikey apikeys secretkey privatekey accesskey
    signingkey encryptionkey authkey accountkey masterkey credential credentials cookie
""")
_WHOLE = _words("""
    pass auth pin pincode sid session sessionid sessionkey phpsessid jsessionid cardnumber
    pan seedphrase recoverycode recoverycodes backupcode backupcodes
""")
# What follows makes it a statement about a secret, not a secret.
_ABOUT = _words("""
    count counts limit limits type types name names length size url uri endpoint path file field
    policy usage budget ttl expiry expires expiration id ids status state required enabled index
    rotation format version arn ref reference manager store provider scope scopes
""")
# What, before `pass`, makes it a password: a `boarding_pass` is none.
_PASS = _words("""
    account admin api app auth client db database email ftp http imap ldap login mail mongo mysql pg
    postgres proxy redis root server smtp ssh sudo user vpn wifi
""")
_COUNTED = _words("max min num total prompt completion input output used remaining")


def names_a_secret(name: str) -> bool:
    """Tell whether a member called `name` holds a secret: `apiKey`, `DB_PASSWORD`, `set-cookie`.

    Names that say something about a secret do not: `token_type`,
    `max_tokens`, `secret_name`, `key_id`.
    """
    if len(name) > _LONGEST_NAME:
        return False
    return _judged(name)


@lru_cache(maxsize=4096)
def _judged(name: str) -> bool:
    """Judge a name by its words."""
    words = [part.lower() for part in _PART.findall(unicodedata.normalize("NFKC", name))]
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return False
    glued = "".join(words)
    if glued in _WHOLE:
        return True
    if words[-1] in _ABOUT or _COUNTED.intersection(words):
        return False
    return (
        not _CORE.isdisjoint(words)
        or glued.endswith(tuple(_ENDINGS))
        or (words[-1] == "pass" and words[-2] in _PASS)
        or any(second in {"key", "keys"} and first in _KEYS for first, second in pairwise(words))
    )
