"""What a server can do gains the tasks that Placet does for it, and nothing else changes."""

import pytest

from gateway.calls.declaring import with_tasks

TASKS = b'"io.modelcontextprotocol/tasks":{}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b' {"id":1, "result" : {"capabilities": {"tools":{} } ,"n":1.50}}\n',
            b' {"id":1, "result" : {"capabilities": {"extensions":{'
            + TASKS
            + b'},"tools":{} } ,"n":1.50}}\n',
        ),
        (
            b'{"result":{"capabilities":{"extensions":{"x/y":{"a":1}}}}}',
            b'{"result":{"capabilities":{"extensions":{' + TASKS + b',"x/y":{"a":1}}}}}',
        ),
        (b'{"result":{}}', b'{"result":{"capabilities":{"extensions":{' + TASKS + b"}}}}"),
    ],
)
def test_the_extension_is_declared_and_all_else_is_as_it_was(before, after):
    assert with_tasks(before) == after


@pytest.mark.parametrize(
    "body",
    [
        b'{"result":{"capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{"a":1}}}}}',
        b'{"result":{"capabilities":null}}',
        b'{"result":{"capabilities":{"extensions":[]}}}',
        b'{"result":[]}',
        b'{"error":{"code":-32601}}',
        b"[]",
        b"{",
        b"",
        b"\xff",
    ],
)
def test_what_declares_it_or_has_another_shape_stays_as_it_is(body):
    assert with_tasks(body) == body
