"""The codes are those of the standard library, whatever the secret and the message."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from policies.values.authentication_codes import Coder, code

SECRETS = st.binary(max_size=200)


@given(SECRETS, st.binary(max_size=5000))
def test_a_code_is_hmac_sha_256(secret, message):
    assert code(secret, message) == hmac.digest(secret, message, "sha256")


@given(SECRETS, st.lists(st.binary(max_size=200), max_size=5))
def test_a_coder_begins_anew_with_each_message(secret, messages):
    made = Coder(secret)

    assert [made.code(message) for message in messages] == [
        hmac.digest(secret, message, "sha256") for message in messages
    ]


def test_a_known_code_comes_out():
    """RFC 4231, section 4.3."""
    assert code(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
