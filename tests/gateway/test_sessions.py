"""A session id can be used by one agent at one server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers.sessions import Sessions
from gateway.wire.errors import Rejected
from policies.values.digests import digest_key

OLD = digest_key("an old secret that is long enough, too")
NEW = digest_key("a new secret that is long enough, too!")


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_a_session_id_comes_back_as_the_server_gave_it(session):
    sessions = Sessions([NEW])

    wrapped = sessions.wrap(session, agent="ci-bot", server="files")

    assert sessions.unwrap(wrapped, agent="ci-bot", server="files") == session
    assert all(0x21 <= ord(character) <= 0x7E for character in wrapped)


def test_another_key_agent_or_server_does_not_open_it():
    wrapped = Sessions([NEW]).wrap("s", agent="ci-bot", server="files")

    for sessions, agent, server in [
        (Sessions([OLD]), "ci-bot", "files"),
        (Sessions([NEW]), "ci-botf", "iles"),
        (Sessions([NEW]), "other", "files"),
        (Sessions([NEW]), "ci-bot", "vault"),
    ]:
        with pytest.raises(Rejected) as refused:
            sessions.unwrap(wrapped, agent=agent, server=server)
        assert refused.value.status == 404


def test_a_session_survives_the_change_of_the_key():
    wrapped = Sessions([OLD]).wrap("s", agent="ci-bot", server="files")

    assert Sessions([NEW, OLD]).unwrap(wrapped, agent="ci-bot", server="files") == "s"


@given(st.text(max_size=60))
def test_whatever_else_is_given_is_an_unknown_session(given_id):
    with pytest.raises(Rejected) as refused:
        Sessions([NEW]).unwrap(given_id, agent="ci-bot", server="files")

    assert refused.value.status == 404
