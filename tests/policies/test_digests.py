"""The digest an approval is bound to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.values.calls import Call, Number
from policies.values.digests import WeakSecret, digest, digest_key

SECRET = "a secret of the digests, long enough"
KEY = digest_key(SECRET)
CALL = Call(
    agent="ci-bot",
    team="platform",
    on_behalf_of=None,
    server="files",
    tool="write_file",
    arguments={"path": "a.txt", "count": Number("1")},
)


def test_a_digest_names_its_key_and_is_the_same_each_time():
    first = digest(CALL, KEY)

    assert first == digest(CALL._replace(), digest_key(SECRET))
    assert re.fullmatch(r"[0-9a-f]{8}:[0-9a-f]{64}", first)
    assert first.startswith(f"{KEY.id}:")


def test_a_digest_stays_what_approvals_of_earlier_versions_are_bound_to():
    strange = {'ä\n"': [True, None, {"b": Number("1e5"), "a": ""}]}

    bound = digest(CALL._replace(extras=strange), KEY)

    assert bound == "71702447:17c57fc46f2438cbe43adcfddad70940323a63c30a78b03f4f355fd1d20f8b1e"


def test_the_order_of_keys_does_not_count():
    turned = CALL._replace(arguments=dict(reversed(CALL.arguments.items())))

    assert digest(turned, KEY) == digest(CALL, KEY)


@pytest.mark.parametrize(
    "other",
    [
        CALL._replace(agent="other"),
        CALL._replace(on_behalf_of="alice"),
        CALL._replace(server="file"),
        CALL._replace(tool="write_files"),
        CALL._replace(arguments={}),
        CALL._replace(arguments={"path": "a.txt", "count": Number("1.0")}),
        CALL._replace(arguments={"path": "a.txt", "count": "1"}),
        CALL._replace(arguments={"path": "a.txt", "count": Number("1"), "more": None}),
        CALL._replace(extras={"count": Number("1")}),
        CALL._replace(server="fileswrite", tool="_file"),
    ],
)
def test_whatever_differs_gives_another_digest(other):
    assert digest(other, KEY) != digest(CALL, KEY)


def test_the_team_of_the_agent_is_not_bound():
    assert digest(CALL._replace(team="other"), KEY) == digest(CALL, KEY)


def test_another_key_gives_another_digest_and_name():
    other = digest_key(SECRET + "!")

    assert other.id != KEY.id
    assert digest(CALL, other)[9:] != digest(CALL, KEY)[9:]


def test_the_secret_is_not_shown():
    assert SECRET not in repr(KEY)


def test_a_short_secret_is_refused():
    with pytest.raises(WeakSecret, match="has 5 characters; use 32 or more"):
        digest_key("short")


@given(st.text(), st.text(), st.text(), st.text())
def test_server_and_tool_cannot_be_shifted_into_one_another(a: str, b: str, c: str, d: str):
    first = CALL._replace(server=a, tool=b, arguments={})
    second = CALL._replace(server=c, tool=d, arguments={})

    assert (digest(first, KEY) == digest(second, KEY)) == ((a, b) == (c, d))
