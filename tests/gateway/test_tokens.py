"""A token counts only as its issuer made it, while it is in force, for what it was made."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import token_issuer
from hypothesis import given
from hypothesis import strategies as st
from token_issuer import (
    EC_KEY,
    ED_KEY,
    FILES,
    OTHER_RSA_KEY,
    RSA_KEY,
    WEAK_RSA_KEY,
    b64,
    jwk,
    private_jwk,
    public_pem,
)

from gateway.identity.jwks import UnreadableKeys, read_keys
from gateway.identity.tokens import BadToken, KeyMissing, KeysAway, Trusted, checked
from policies.configuration.identity_settings import IssuerSection


def now():
    """Return the time at which the tokens of the tests are made."""
    return datetime.now(UTC)  # noqa: TID251  the tests' clock


ISSUER = "https://login.acme.example/"
ALGORITHMS = ("RS256", "ES256", "EdDSA")
PUBLISHED = [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec"), jwk(ED_KEY, "ed")]


def section(**changes):
    written = {"issuer": ISSUER, "jwks": {"file": "keys.json"}} | changes
    return IssuerSection.model_validate(written)


def keys(*published, algorithms=ALGORITHMS):
    return read_keys(json.dumps({"keys": published or PUBLISHED}).encode(), algorithms)


def maker():
    issuer = token_issuer.Issuer()
    issuer.url = ISSUER
    return issuer


def check(token, *, published=None, at=None, **changes):
    about = section(**changes)
    known = keys(*(published or PUBLISHED), algorithms=about.algorithms)
    trusted = Trusted("acme", about, known)
    return checked(token, {ISSUER: trusted}.get, at or now())


def why_not(token, **more):
    with pytest.raises(BadToken) as told:
        check(token, **more)
    return str(told.value)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256"), (ED_KEY, "EdDSA")]
)
def test_a_token_is_known_by_the_key_that_signed_it(key, algorithm):
    token = check(maker().token(key=key, algorithm=algorithm, scope="read  write"))

    assert token.issuer.name == "acme"
    assert token.claims["sub"] == "bob@example.com"
    assert token.audience == {FILES}
    assert token.scopes == {"read", "write"}
    assert token.until == token.claims["exp"]


def test_only_algorithms_of_the_configuration_count():
    token = maker().token(key=EC_KEY, algorithm="ES256")

    assert "its algorithm is not one" in why_not(token, algorithms=["RS256"])


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "", "HS256", "HS512", "RS256 ", None, 1]
)
def test_no_token_counts_that_is_signed_with_nothing_or_with_what_everybody_knows(algorithm):
    header = {"typ": "at+jwt", "kid": "rsa", "alg": algorithm}
    unsigned = f"{b64(header)}.{b64(maker().claims())}"

    assert "its algorithm is not one" in why_not(f"{unsigned}.{b64(b'x')}")
    assert "not the form" in why_not(f"{unsigned}.")


def test_a_public_key_is_no_shared_secret():
    forged = [
        _with_secret(algorithm, secret)
        for algorithm in ("HS256", "HS384", "HS512")
        for secret in (public_pem(RSA_KEY), json.dumps(jwk(RSA_KEY, "rsa")).encode())
    ]

    assert {why_not(token)[:31] for token in forged} == {"its algorithm is not one that i"}


def _with_secret(algorithm, secret):
    header = {"typ": "at+jwt", "kid": "rsa", "alg": algorithm}
    signed = f"{b64(header)}.{b64(maker().claims())}"
    kind = getattr(hashlib, algorithm.replace("HS", "sha"))
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), kind))}"


def test_a_key_counts_for_the_algorithms_that_it_fits_and_no_others():
    as_rsa = maker().token(headers={"kid": "ec"})
    as_pss = maker().token(algorithm="PS256")
    bound = maker().token(algorithm="PS256")

    with pytest.raises(KeyMissing):
        check(as_rsa)
    assert check(as_pss, algorithms=["PS256", "RS256"]).issuer.name == "acme"
    with pytest.raises(KeyMissing):
        check(bound, algorithms=["PS256", "RS256"], published=[jwk(RSA_KEY, "rsa", alg="RS256")])


@pytest.mark.parametrize(
    "published",
    [
        jwk(RSA_KEY, "rsa", use="enc"),
        jwk(RSA_KEY, "rsa", key_ops=["encrypt"]),
        jwk(RSA_KEY, "rsa", key_ops="verify"),
        jwk(RSA_KEY, "rsa", kty="oct", k="c2VjcmV0"),
        jwk(RSA_KEY, "rsa", kty="EC"),
        jwk(RSA_KEY, "rsa", n=None),
        jwk(RSA_KEY, "rsa", n="!"),
        jwk(RSA_KEY, "rsa", n="A" * 10_000),
        jwk(RSA_KEY, "rsa", e=""),
        jwk(RSA_KEY, "rsa", alg="RSA-OAEP"),
        jwk(WEAK_RSA_KEY, "rsa"),
        private_jwk(RSA_KEY, "rsa"),
        jwk(EC_KEY, "rsa", x="AAAA"),
        jwk(EC_KEY, "rsa", crv="P-384"),
        jwk(EC_KEY, "rsa", crv="secp256k1"),
        jwk(ED_KEY, "rsa", crv="Ed448"),
        jwk(ED_KEY, "rsa", x="AA"),
        jwk(ED_KEY, "rsa", crv=["Ed25519"]),
        "a key",
    ],
)
def test_keys_that_are_no_public_keys_for_signatures_are_left_out(published):
    with pytest.raises(UnreadableKeys, match="there is no public key among them"):
        keys(published)
    assert len(keys(published, jwk(RSA_KEY, "other")).keys) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [], "keys": []}',
        b'{"keys": NaN}',
        b"\xff",
        b'{"keys": [' + b",".join([b"{}"] * 101) + b"]}",
        b"[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_set_of_keys_is_told_so(text):
    with pytest.raises(UnreadableKeys):
        read_keys(text, ALGORITHMS)


def test_an_unknown_key_id_is_told_apart_so_that_keys_can_be_fetched():
    with pytest.raises(KeyMissing) as told:
        check(maker().token(headers={"kid": "new"}))

    assert told.value.issuer == "acme"


def test_a_signature_of_another_key_is_told_apart_so_that_keys_can_be_fetched():
    with pytest.raises(KeyMissing, match="its signature is not") as told:
        check(maker().token(key=OTHER_RSA_KEY))

    assert told.value.issuer == "acme"


def test_a_token_without_a_key_id_is_checked_where_one_key_fits():
    token = maker().token(headers={"kid": None})
    alike = [jwk(RSA_KEY, "one"), jwk(OTHER_RSA_KEY, "two")]

    assert check(token).issuer.name == "acme"
    with pytest.raises(KeyMissing):
        check(token, published=alike)


def test_of_two_keys_with_one_id_either_may_have_signed():
    token = maker().token()

    found = check(token, published=[jwk(OTHER_RSA_KEY, "rsa"), jwk(RSA_KEY, "rsa")])

    assert found.issuer.name == "acme"


def test_without_keys_nothing_is_believed():
    with pytest.raises(KeysAway):
        checked(maker().token(), {ISSUER: Trusted("acme", section(), None)}.get, now())


PLAIN = {"alg": "RS256", "kid": "rsa"}


def signed(header, claims=None, key=RSA_KEY):
    """Return a token with any header at all, signed as RS256 by the issuer's own key."""
    text = f"{b64(header)}.{b64(maker().claims() if claims is None else claims)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{text}.{b64(algorithm.sign(text.encode(), key))}"


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": True},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"kid": ["rsa"]},
        {"kid": {"rsa": 1}},
        {"kid": 1},
    ],
    ids=str,
)
def test_a_header_that_asks_for_more_is_refused(headers):
    assert "asks for what is not supported" in why_not(
        signed({"alg": "RS256", "kid": "rsa"} | headers)
    )


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_comes_with_the_token_is_never_looked_at(name):
    own = {"jwk": jwk(OTHER_RSA_KEY, "rsa"), "jku": "http://127.0.0.1:1/", "x5c": ["MIIB"]}
    header = {"alg": "RS256", "kid": "rsa", name: own.get(name, own["jku"])}

    assert "its signature is not the issuer's" in why_not(signed(header, key=OTHER_RSA_KEY))
    assert check(signed(header)).issuer.name == "acme"


@pytest.mark.parametrize(
    "issuer", ["https://login.acme.example", ISSUER.upper(), "", None, 1, [ISSUER]]
)
def test_an_issuer_is_known_by_its_whole_name(issuer):
    claims = maker().claims() | {"iss": issuer}

    assert "its issuer is not one" in why_not(signed(PLAIN, claims))


def test_a_token_without_an_issuer_is_nobodys():
    claims = maker().claims(iss=None)

    assert "its issuer is not one" in why_not(signed(PLAIN, claims))


NOON = 1_800_000_000
LEEWAY = 30


@pytest.mark.parametrize(
    ("times", "now", "why"),
    [
        ({"exp": NOON}, NOON + LEEWAY - 0.001, None),
        ({"exp": NOON}, NOON + LEEWAY, "it has expired"),
        ({"exp": NOON + 0.5, "iat": NOON}, NOON + LEEWAY + 0.4, None),
        ({"exp": NOON + 60, "nbf": NOON + LEEWAY}, NOON, None),
        ({"exp": NOON + 60, "nbf": NOON + LEEWAY + 1}, NOON, "it is not in force yet"),
        ({"exp": NOON + 60, "iat": NOON + LEEWAY}, NOON, None),
        ({"exp": NOON + 60, "iat": NOON + LEEWAY + 1}, NOON, "it is not in force yet"),
        ({"exp": NOON + 24 * 3600, "iat": NOON}, NOON, None),
        ({"exp": NOON + 24 * 3600 + 1, "iat": NOON}, NOON, "it lives longer than"),
        ({"exp": NOON + 24 * 3600 + 1}, NOON, "it lives longer than"),
        ({"exp": NOON + 24 * 3600 + 1, "iat": -1}, NOON, "it lives longer than"),
        ({"exp": NOON + 60, "iat": NOON - 10**15}, NOON, "it lives longer than"),
        ({}, NOON, "it has no end"),
        ({"exp": None}, NOON, "its claim `exp` is not a time"),
        ({"exp": str(NOON + 60)}, NOON, "its claim `exp` is not a time"),
        ({"exp": True}, NOON, "its claim `exp` is not a time"),
        ({"exp": [NOON + 60]}, NOON, "its claim `exp` is not a time"),
        ({"exp": 10**300}, NOON, "it lives longer than"),
        ({"exp": NOON + 60, "nbf": "never"}, NOON, "its claim `nbf` is not a time"),
        ({"exp": NOON + 60, "iat": {}}, NOON, "its claim `iat` is not a time"),
    ],
)
def test_a_token_is_in_force_by_our_clock_with_a_small_leeway(times, now, why):
    claims = {**maker().claims(exp=None, iat=None), **times}
    token = signed(PLAIN, claims)
    at = datetime.fromtimestamp(now, UTC)

    if why is None:
        assert check(token, at=at).until == times["exp"]
    else:
        assert why in why_not(token, at=at)


def test_leeway_and_lifetime_are_as_configured():
    at = now()
    token = maker().token(exp=int(at.timestamp()) + 600)

    assert "it has expired" in why_not(token, leeway="0s", at=at + timedelta(seconds=601))
    assert "it lives longer than" in why_not(token, longest="5m")


def test_an_audience_that_is_named_twice_is_one():
    assert check(maker().token(aud=[FILES, "other", FILES])).audience == {FILES, "other"}


@pytest.mark.parametrize("audience", [None, "", [], [FILES, 1], {"a": FILES}, 1, True])
def test_a_token_has_an_audience_of_text(audience):
    claims = maker().claims(aud=None) | ({} if audience is None else {"aud": audience})
    token = signed(PLAIN, claims)

    if audience == "":
        assert check(token).audience == {""}
    else:
        assert "it has no audience" in why_not(token)


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", "jwt", None])
def test_access_tokens_are_taken_under_their_types(kind):
    assert (
        check(maker().token(headers={"typ": kind} if kind else {"typ": ""})).issuer.name == "acme"
    )


@pytest.mark.parametrize(
    "kind",
    ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", "id_token", "at+jwt ", 1, ["JWT"], True],
)
def test_tokens_of_another_type_are_made_for_something_else(kind):
    assert "its type is not one" in why_not(signed(PLAIN | {"typ": kind}))


def test_an_issuer_can_be_held_to_the_type_of_rfc_9068():
    plain = maker().token(headers={"typ": "JWT"})

    assert "its type is not one" in why_not(plain, types=["at+jwt"])
    assert check(maker().token(), types=["at+jwt"]).issuer.name == "acme"


@pytest.mark.parametrize(
    "claim",
    [
        {"nonce": "n"},
        {"at_hash": "h"},
        {"c_hash": "h"},
        {"s_hash": "h"},
        {"events": {}},
        {"token_use": "id"},
        {"typ": "ID"},
    ],
    ids=str,
)
def test_an_id_token_is_no_access_token(claim):
    assert "it is an ID token" in why_not(maker().token(headers={"typ": "JWT"}, **claim))


@pytest.mark.parametrize("says", [{"headers": {"typ": "at+jwt"}}, {"typ": "Bearer"}], ids=str)
def test_an_access_token_that_says_so_may_hold_what_else_marks_id_tokens(says):
    assert (
        check(maker().token(**{"headers": {"typ": "JWT"}, "nonce": "n"} | says)).issuer.name
        == "acme"
    )


def test_a_token_that_is_bound_to_a_key_is_good_for_nobody_who_does_not_show_it():
    assert "it is bound to a key" in why_not(maker().token(cnf={"jkt": "thumb"}))


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scp": ["a", "b", 1]}, {"a", "b"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({"scope": "a", "scp": ["b"]}, {"a"}),
        ({"scope": {"a": 1}}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_read_as_issuers_write_them(claims, scopes):
    assert check(maker().token(**claims)).scopes == scopes


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"iss": "a", "iss": "b"}',
        b'{"iss": "a", "ISS": "b"}',
        b'{"exp": NaN}',
        b'{"exp": 1e999}',
        b'\xef\xbb\xbf{"iss": "a"}',
        b'{"a": ' + b"[" * 2500 + b"]" * 2500 + b"}",
    ],
    ids=lambda text: text[:20],
)
def test_a_token_of_anything_but_strict_json_is_refused_before_anything_else(payload):
    header = b64({"alg": "RS256", "kid": "rsa"})

    assert "it holds what is not" in why_not(f"{header}.{b64(payload) or 'A'}.{b64(b's')}")
    assert "it holds what is not" in why_not(f"{b64(payload) or 'A'}.{header}.{b64(b's')}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "a..c",
        "a=.b.c",
        "a b.c.d",
        "é.b.c",
        "A" * 9000,
    ],
    ids=lambda text: text[:12],
)
def test_what_has_another_form_is_no_token(text):
    assert "it has not the form of a signed token" in why_not(text)


def test_a_token_of_more_than_8192_characters_is_not_read():
    assert "not the form" in why_not(maker().token(padding="x" * 8192))


GOOD = maker().token()


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCabc019-_.=~ \n\u00e9"))
def test_a_token_with_any_character_changed_is_refused(place, character):
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    if changed != GOOD:
        with pytest.raises(BadToken):
            check(changed)


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text("AQ.-_=", max_size=6))
def test_a_token_with_anything_cut_out_or_put_in_is_refused(begin, end, text):
    changed = GOOD[: min(begin, end)] + text + GOOD[max(begin, end) :]

    if changed != GOOD:
        with pytest.raises(BadToken):
            check(changed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["alg", "kid", "typ", "crit", "b64", "enc", "zip", "jwk", "jku", "iss", "cty", "x5c", "nonce"]
)


@given(st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=6))
def test_no_header_that_somebody_else_signed_gets_a_token_through(header):
    with pytest.raises(BadToken):
        check(signed(PLAIN | header, key=OTHER_RSA_KEY))


CLAIMS = st.sampled_from(
    ["iss", "aud", "sub", "exp", "nbf", "iat", "act", "scope", "scp", "cnf", "typ"]
)


@given(st.dictionaries(CLAIMS | st.text(max_size=5), JSON, max_size=6))
def test_no_claims_break_the_check(claims):
    token = signed(PLAIN, maker().claims() | claims)

    try:
        found = check(token)
    except BadToken:
        return
    assert found.claims["iss"] == ISSUER


@given(JSON)
def test_no_set_of_keys_breaks_the_reader(value):
    text = json.dumps({"keys": [value, {**jwk(RSA_KEY, "rsa"), "kid": value, "crv": value}]})
    try:
        found = read_keys(text.encode(), ALGORITHMS)
    except UnreadableKeys:
        return
    assert found.fitting("rsa", "HS256") == ()
