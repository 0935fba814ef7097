"""One line is added to a server's instructions, and nothing else changes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tools.instructions import HINT, with_hint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    result=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    before=st.none() | st.text(max_size=30),
    indent=st.sampled_from([None, 1, 2]),
)
def test_only_the_instructions_of_the_result_change(result, before, indent):
    if before is not None:
        result["instructions"] = before
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, indent=indent).encode()

    changed = json.loads(with_hint(body))

    told = changed["result"].pop("instructions")
    result.pop("instructions", None)
    assert told == (HINT if before is None else f"{before}\n\n{HINT}")
    assert changed == {"jsonrpc": "2.0", "id": 1, "result": result}


def test_the_bytes_around_the_instructions_stay():
    body = b'{ "result" : {"a":1.0,"instructions":"Be\\u0020kind." , "z":"\xc3\xa9"},"id":1}'

    changed = with_hint(body)

    assert changed.startswith(b'{ "result" : {"a":1.0,"instructions":"Be\\u0020kind.\\n\\n')
    assert changed.endswith(b'" , "z":"\xc3\xa9"},"id":1}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}',
        b'{"result":"text"}',
        b'{"result":{"instructions":["a"]}}',
        b'{"result":{"instructions":"cut',
        b'{"result":{"a":1}',
        b"\xff\xfe",
        b'{"result"',
    ],
)
def test_whatever_has_another_shape_stays_as_it_is(body):
    assert with_hint(body) == body
