"""What a stdio server tells by itself, and who hears it."""

import asyncio

import pytest
from bridging import bridged, legacy, modern, raw, said, state, told, tool

CHANGED = {"method": "notifications/tools/list_changed", "params": {"x": 1}}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def updated(uri: str) -> dict:
    return {"method": "notifications/resources/updated", "params": {"uri": uri}}


async def listen(bridge, session):
    answer = await bridge.forward(raw(b"", session=session, method="GET"))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    return answer.stream


async def tell(bridge, notification):
    await bridge.forward(legacy("tools/call", tool("tell", **notification), session="teller"))


async def test_every_session_hears_on_one_stream_that_a_list_changed():
    async with bridged() as bridge:
        first, second = await listen(bridge, "a"), await listen(bridge, "b")
        other = await listen(bridge, "b")

        await tell(bridge, CHANGED)
        heard = [told(await first.__anext__()), told(await other.__anext__())]
        await bridge.forward(raw(b"", session="b", method="DELETE"))

        assert heard == [{"jsonrpc": "2.0", **CHANGED}] * 2
        assert [event async for event in second] == []


async def test_updates_reach_only_sessions_that_subscribed():
    async with bridged() as bridge:
        first, second = await listen(bridge, "a"), await listen(bridge, "b")
        await bridge.forward(legacy("resources/subscribe", {"uri": "memo://1"}, session="a"))

        await tell(bridge, updated("memo://1"))
        await tell(bridge, CHANGED)

        assert told(await first.__anext__())["params"] == {"uri": "memo://1"}
        assert told(await second.__anext__())["method"] == CHANGED["method"]


@pytest.mark.parametrize(
    ("subscribed", "changed"),
    [
        ("file:///notes", "file:///notes/today/1.txt"),
        ("file:///notes/", "file:///notes/1.txt"),
        ("db://table", "db://table?row=1"),
        ("doc://book", "doc://book#chapter-1"),
        ("m" * 3000, "m" * 3000),
    ],
)
async def test_an_update_of_a_part_reaches_who_subscribed_to_the_whole(subscribed, changed):
    async with bridged() as bridge:
        session = await listen(bridge, "a")
        await bridge.forward(legacy("resources/subscribe", {"uri": subscribed}, session="a"))
        asked = {"notifications": {"resourceSubscriptions": [subscribed]}}
        subscription = (await bridge.forward(modern("subscriptions/listen", asked))).stream
        await subscription.__anext__()

        await tell(bridge, updated(changed))

        for stream in (session, subscription):
            assert told(await stream.__anext__())["params"]["uri"] == changed


@pytest.mark.parametrize(
    "changed", ["file:///notebook/1.txt", "file:///", "file:///note", "file:///notes" + "/" * 3000]
)
async def test_an_update_of_no_part_reaches_nobody(changed):
    async with bridged() as bridge:
        stream = await listen(bridge, "a")
        await bridge.forward(legacy("resources/subscribe", {"uri": "file:///notes"}, session="a"))

        await tell(bridge, updated(changed))
        await tell(bridge, CHANGED)

        assert told(await stream.__anext__())["method"] == CHANGED["method"]


async def test_a_session_hears_of_an_update_that_comes_before_its_subscription_is_answered():
    async with bridged() as bridge:
        stream = await listen(bridge, "a")

        await bridge.forward(legacy("resources/subscribe", {"uri": "eager:1"}, session="a"))
        await tell(bridge, CHANGED)

        assert told(await stream.__anext__())["params"] == {"uri": "eager:1"}


async def test_a_session_hears_of_updates_where_the_second_of_two_subscriptions_is_taken():
    async with bridged() as bridge:
        stream = await listen(bridge, "a")
        asked = {"uri": "fickle:1"}

        twice = (legacy("resources/subscribe", asked, session="a", number=n) for n in (1, 2))
        first, second = await asyncio.gather(*map(bridge.forward, twice))
        await tell(bridge, updated("fickle:1"))
        await tell(bridge, CHANGED)

        assert (b'"error":' in first.body, b'"result":' in second.body) == (True, True)
        assert told(await stream.__anext__())["params"] == asked


async def test_a_session_whose_subscription_is_refused_hears_of_no_update():
    async with bridged() as bridge:
        stream = await listen(bridge, "a")

        await bridge.forward(legacy("resources/subscribe", {"uri": "none:1"}, session="a"))
        await tell(bridge, updated("none:1"))
        await tell(bridge, CHANGED)

        assert told(await stream.__anext__())["method"] == CHANGED["method"]


async def test_a_subscription_stays_at_the_server_while_somebody_has_it():
    async with bridged() as bridge:
        for session in ("a", "b"):
            await bridge.forward(legacy("resources/subscribe", {"uri": "m"}, session=session))

        first = await bridge.forward(legacy("resources/unsubscribe", {"uri": "m"}, session="a"))
        between = (await state(bridge))["subscribed"]
        await bridge.forward(raw(b"", session="b", method="DELETE"))
        after = (await state(bridge))["subscribed"]

        assert said(first)["result"] == {}
        assert between == [["subscribe", "m"], ["subscribe", "m"]]
        assert after == [*between, ["unsubscribe", "m"]]


async def test_listening_is_acknowledged_first_and_gets_what_was_asked_for():
    async with bridged() as bridge:
        asked = {
            "toolsListChanged": True,
            "promptsListChanged": True,
            "resourceSubscriptions": ["m"],
        }
        answer = await bridge.forward(
            modern("subscriptions/listen", {"notifications": asked}, number="sub")
        )
        assert answer.stream is not None

        await tell(bridge, {"method": "notifications/resources/list_changed", "params": {}})
        await tell(bridge, CHANGED)
        await tell(bridge, updated("other"))
        await tell(bridge, updated("m"))
        heard = [told(await answer.stream.__anext__()) for _ in range(3)]
        await answer.stream.aclose()
        subscribed = (await state(bridge))["subscribed"]

        assert heard == [
            {
                "jsonrpc": "2.0",
                "method": "notifications/subscriptions/acknowledged",
                "params": {
                    "_meta": {SUBSCRIPTION: "sub"},
                    "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["m"]},
                },
            },
            {
                "jsonrpc": "2.0",
                "method": CHANGED["method"],
                "params": {"_meta": {SUBSCRIPTION: "sub"}, "x": 1},
            },
            {
                "jsonrpc": "2.0",
                "method": "notifications/resources/updated",
                "params": {"_meta": {SUBSCRIPTION: "sub"}, "uri": "m"},
            },
        ]
        assert subscribed == [["subscribe", "m"], ["unsubscribe", "m"]]


async def test_listening_to_nothing_well_formed_is_refused():
    async with bridged() as bridge:
        for params in (
            {},
            {"notifications": []},
            {"notifications": {"resourceSubscriptions": [1]}},
            {"notifications": {"resourceSubscriptions": "m"}},
            {"notifications": {"resourceSubscriptions": ["m"] * 5000}},
        ):
            answer = await bridge.forward(modern("subscriptions/listen", params))

            assert answer.status == 400
            assert said(answer)["error"]["code"] == -32602


async def test_the_end_of_the_gateway_ends_every_stream():
    async with bridged() as bridge:
        old = await listen(bridge, "a")
        new = (await bridge.forward(modern("subscriptions/listen", {"notifications": {}}))).stream
        assert new is not None
        await new.__anext__()

        await bridge.close()

        assert [event async for event in old] == []
        assert [told(event) async for event in new] == [
            {
                "jsonrpc": "2.0",
                "id": 1,
                "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: 1}},
            }
        ]


async def test_after_a_restart_lists_are_to_be_read_again_and_subscriptions_stand():
    async with bridged() as bridge:
        stream = await listen(bridge, "a")
        await bridge.forward(legacy("resources/subscribe", {"uri": "m"}, session="a"))

        await asyncio.gather(
            bridge.forward(legacy("tools/call", tool("die"))), return_exceptions=True
        )
        heard = {told(await stream.__anext__())["method"] for _ in range(2)}

        assert heard == {
            "notifications/tools/list_changed",
            "notifications/resources/list_changed",
        }
        assert (await state(bridge))["subscribed"] == [["subscribe", "m"]]


async def test_a_session_is_told_that_it_has_subscribed_to_all_it_can(monkeypatch):
    monkeypatch.setattr("gateway.started.bridge._MOST_URIS", 1)
    async with bridged() as bridge:

        async def subscribe(number, method="subscribe"):
            params = {"uri": f"memo://{number}"}
            return said(await bridge.forward(legacy(f"resources/{method}", params, session="a")))

        first, second, again = [await subscribe(number) for number in (1, 2, 1)]
        await subscribe(1, "unsubscribe")
        freed = await subscribe(2)

    assert "result" in first
    assert second["error"]["code"] == -32600
    assert "unsubscribe" in second["error"]["message"]
    assert "result" in again
    assert "result" in freed
