"""Knows the names under which secrets are kept."""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_LONGEST_NAME = 200
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|[0-9]+")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
# Letters of other scripts that look like the Latin ones below them.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0432\u0435\u0456\u0458\u043a\u043c\u043d\u043e\u0440"
    "\u0455\u0441\u0442\u0443\u0445\u0501\u051b\u051d\u03bf\u03b1",
    "abeijkmhopsctyxdqwoa",
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CORE = _words("""
    password passwords passwd passphrase passcode pwd secret secrets token tokens apikey apikeys
    authorization credential credentials creds cookie cookies jwt bearer otp totp cvv cvc mnemonic
    psk passwort kennwort senha wachtwoord contrasena contraseña motdepasse heslo haslo hasło sifre
    şifre adgangskode lösenord losenord salasana jelszó jelszo пароль пароли 密码 密碼 口令
    パスワード 비밀번호
""")
_KEYS = _words("""
    api private access secret signing encryption decryption auth account master ssh service hmac
    aes shared deploy webhook session storage priv hex enc wallet cipher crypto symmetric tls
    certificate license subscription functions
""")
_ENDINGS = _words("""
    password passwd passphrase passcode secret token apikey apikeys secretkey privatekey accesskey
    signingkey encryptionkey authkey accountkey masterkey credential credentials cookie privkey
    enckey hexkey keymaterial accesscode mfacode securitycode verificationcode authcode
    seedphrase recoveryphrase backupphrase secretanswer securityanswer snmpcommunity
    communitystring motdepasse
""")
_WHOLE = _words("""
    pass auth pin pincode sid session sessionid sessionkey phpsessid jsessionid cardnumber
    pan recoverycode recoverycodes backupcode backupcodes pw pem pfx pat skey clave parola xsrf csrf
""")
# What follows makes it a statement about a secret, not a secret.
_ABOUT = _words("""
    count counts limit limits type types name names length size url uri endpoint path file field
    policy usage budget ttl expiry expires expiration id ids status state required enabled index
    rotation format version arn ref reference manager store provider scope scopes
""")
# What, before `pass` or `pw`, makes it a password: a `boarding_pass` is none.
_PASS = _words("""
    account admin api app auth bind ca cert client db database email ftp http imap key keystore
    ldap login mail mongo mysql pg postgres proxy redis root server smtp ssh store sudo truststore
    user vpn wifi
""")
_SHORT_PASSWORDS = frozenset(before + short for before in _PASS for short in ("pass", "pw"))
_AUTH = _words("basic digest http proxy")
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
    words = [part.lower() for part in _PART.findall(_latin(name))]
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return False
    glued = "".join(words)
    if glued in _WHOLE or glued in _SHORT_PASSWORDS:
        return True
    if words[-1] in _ABOUT or _COUNTED.intersection(words):
        return False
    return (
        not _CORE.isdisjoint(words)
        or glued.endswith(tuple(_ENDINGS))
        or "".join(words[-2:]) in _SHORT_PASSWORDS
        or (words[-1] == "auth" and words[-2] in _AUTH)
        or any(second in {"key", "keys"} and first in _KEYS for first, second in pairwise(words))
    )


def _latin(name: str) -> str:
    """Return a name without what does not show, and without letters of two scripts in a word."""
    if name.isascii():
        return name
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", name))
    latin = seen.translate(_LOOK_ALIKES)
    return latin if latin.isascii() else seen
