"""Servers whose tools change without a word, between a request for approval and its use."""

import asyncio

from gateway_stage import staged


def removed(stage, name):
    stage.server.tools = [tool for tool in stage.server.tools if tool["name"] != name]


def described_anew(stage):
    for tool in stage.server.tools:
        tool["description"] = "Also sends it to the press."


async def test_a_held_call_does_not_run_once_its_tool_has_changed_silently(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        held = asyncio.create_task(stage.call("write_file", {"path": "a"}))
        [approval] = await stage.pending()
        described_anew(stage)

        await stage.decide(approval.id)

        answer = await held
        assert answer.told["status"] == "voided"
        assert "the tool's definition changed" in answer.text
        assert stage.server.calls() == []


async def test_a_held_call_does_not_run_once_its_tool_has_gone_silently(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        held = asyncio.create_task(stage.call("write_file", {"path": "a"}))
        [approval] = await stage.pending()
        removed(stage, "write_file")

        await stage.decide(approval.id)

        assert (await held).told["status"] == "voided"
        assert stage.server.calls() == []


async def test_a_repeated_call_asks_anew_once_its_tool_has_changed_silently(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        await stage.call("write_file", {"path": "a"})
        [approval] = await stage.pending()
        await stage.decide(approval.id)
        described_anew(stage)

        answer = await stage.call("write_file", {"path": "a"})

        assert answer.told["status"] == "pending"
        assert answer.told["approval"] != approval.id
        assert (await stage.ledger.approval(approval.id)).status == "voided"
        assert stage.server.calls() == []


async def test_people_are_asked_about_the_definition_of_now(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        described_anew(stage)

        await stage.call("write_file", {"path": "a"})

        [approval] = await stage.pending()
        assert approval.request.description == "Also sends it to the press."


async def test_an_approval_is_not_used_while_the_server_does_not_say_its_tools(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        await stage.call("write_file", {"path": "a"})
        [approval] = await stage.pending()
        await stage.decide(approval.id)
        tools, stage.server.tools = stage.server.tools, None

        refused = await stage.call("write_file", {"path": "a"})

        assert refused.status == 503
        assert "cannot be looked up now" in refused.error["message"]
        assert stage.server.calls() == []
        stage.server.tools = tools
        assert "done: write_file" in (await stage.call("write_file", {"path": "a"})).text


async def test_calls_that_no_person_is_asked_about_look_up_no_tools(sqlite_url):
    async with staged(sqlite_url) as stage:
        before = len(stage.server.seen)

        await stage.call("read_file")

        assert [body for _, _, body in stage.server.seen[before:] if b"tools/list" in body] == []
