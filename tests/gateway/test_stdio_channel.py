"""One server's lines, many requests: nothing a server writes stops the reading."""

import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from gateway.started.stdio_channel import Answer, Broken, Channel, Progress
from gateway.started.stdio_server import StdioProcess, TooLong


class Written(StdioProcess):
    """A process whose output is known beforehand."""

    def __init__(self, output: list[bytes | TooLong]) -> None:
        self.output = output
        self.input: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.input.append(line)

    async def lines(self) -> AsyncIterator[bytes | TooLong]:
        for line in self.output:
            yield line


members = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]),
    st.sampled_from(
        [
            *(
                "2.0",
                1,
                2,
                "1",
                None,
                -1,
                1e9,
                {},
                [],
                {"progressToken": 1},
                {"progressToken": "1"},
            ),
            *("notifications/progress", "notifications/cancelled", "ping", "tools/call", "x\n"),
        ]
    ),
)
lines = st.one_of(
    st.binary(max_size=60),
    members.map(json.dumps).map(str.encode),
    st.builds(TooLong, st.binary(max_size=40), st.binary(max_size=40)),
)


@given(st.lists(lines, max_size=20))
async def test_any_output_is_read_to_its_end(output):
    process = Written(output)
    channel = Channel("any", process, lambda *_: None)
    channel.request("tools/call", lambda _: '{"name":"a"}', token='"t"')
    channel.request("tools/list", lambda _: None)

    await channel.read()

    assert all(isinstance(json.loads(line), dict) for line in process.input)


async def test_numbers_no_request_has_are_garbage():
    output = [f'{{"id":{number},"result":{{}}}}'.encode() for number in ("9" * 5000, "1.0", "[1]")]
    channel = Channel("any", Written(output), lambda *_: None)
    exchange = channel.request("ping", lambda _: None)

    await channel.read()
    channel.fail("over")

    assert channel.garbage == 3
    assert await exchange.mailbox.take() == Broken("over")


async def test_an_answer_with_two_ids_ends_the_request_that_it_begins_with():
    process = Written([b'{"jsonrpc":"2.0","id":1,"id":77,"result":{"a":{"id":2}}}'])
    channel = Channel("any", process, lambda *_: None)
    first, second = (channel.request("tools/call", lambda _: "{}") for _ in range(2))

    await channel.read()
    channel.fail("over")

    assert channel.garbage == 1
    assert await first.mailbox.take() == Broken(
        "the answer of the server `any` answers nothing that was asked"
    )
    assert await second.mailbox.take() == Broken("over")


async def test_a_server_may_make_ids_and_tokens_text():
    output = [
        b'{"method":"notifications/progress","params":{"progressToken":"1","progress":1}}',
        b'{"jsonrpc":"2.0","id":"1","result":{}}',
    ]
    channel = Channel("any", Written(output), lambda *_: None)
    exchange = channel.request("tools/call", lambda _: "{}", token='"mine"')

    await channel.read()

    assert channel.garbage == 0
    assert await exchange.mailbox.take() == Progress('{"progressToken":"mine","progress":1}')
    assert await exchange.mailbox.take() == Answer("{}", is_error=False)


async def test_the_newline_in_params_is_a_blank_on_the_line():
    process = Written([b'{"id":1,"result":{"a":\r1}}'])
    channel = Channel("any", process, lambda *_: None)
    exchange = channel.request("tools/call", lambda number: f'{{"n":{number},\r\n"a":"\\n"}}')

    await channel.read()

    assert process.input == [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n":1,  "a":"\\n"}}'
    ]
    assert await exchange.mailbox.take() == Answer('{"a": 1}', is_error=False)


async def test_progress_nobody_takes_is_kept_within_bounds_and_the_answer_is_not_lost():
    progress = b'{"method":"notifications/progress","params":{"progressToken":1}}'
    process = Written([progress] * 5000 + [b'{"id":1,"result":{}}'])
    channel = Channel("any", process, lambda *_: None)
    exchange = channel.request("tools/call", lambda _: "{}", token='"mine"')

    await channel.read()

    heard = [await exchange.mailbox.take() for _ in range(257)]
    assert heard == [Progress('{"progressToken":"mine"}')] * 256 + [Answer("{}", is_error=False)]


async def test_no_event_comes_within_the_given_time():
    channel = Channel("any", Written([]), lambda *_: None)
    exchange = channel.request("tools/call", lambda _: "{}")

    assert await exchange.mailbox.take(patience=0.01) is None
