"""Messages over a restart of the workspace."""

import json

from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import ALICE, BOT_TOKEN, GENERAL, actions, button, spec

from bot.workspace.server import LocalWorkspace


async def running(path):
    local = LocalWorkspace(spec(), journal=path)
    await local.start()
    return local, AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)


async def test_cards_threads_and_direct_messages_survive_a_restart(tmp_path):
    path = tmp_path / "workspace.jsonl"
    local, client = await running(path)
    card = await client.chat_postMessage(channel=GENERAL, text="x", blocks=[actions(button("go"))])
    await client.chat_postMessage(channel=GENERAL, text="reply", thread_ts=card["ts"])
    gone = await client.chat_postMessage(channel=GENERAL, text="gone")
    await client.chat_delete(channel=GENERAL, ts=gone["ts"])
    direct = await client.chat_postMessage(channel=ALICE, text="hello")
    await local.close()

    again, client = await running(path)
    update = await client.chat_update(channel=GENERAL, ts=card["ts"], text="decided")
    later = await client.chat_postMessage(channel=GENERAL, text="later")
    messages = [each["text"] for each in await again.messages(GENERAL)]
    directs = [each["text"] for each in await again.messages(direct["channel"])]
    await again.close()

    assert update["ok"]
    assert messages == ["decided", "reply", "later"]
    assert directs == ["hello"]
    assert later["ts"] > gone["ts"]


async def test_a_line_cut_off_by_a_crash_is_dropped(tmp_path):
    path = tmp_path / "workspace.jsonl"
    local, client = await running(path)
    await client.chat_postMessage(channel=GENERAL, text="whole")
    await local.close()
    with path.open("a") as file:
        file.write('{"message": {"ts": "1.0')

    again, _ = await running(path)
    messages = [each["text"] for each in await again.messages(GENERAL)]
    await again.close()

    assert messages == ["whole"]
    assert all(json.loads(line) for line in path.read_text().splitlines())


async def test_a_journal_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "workspace.jsonl"

    local, _ = await running(path)
    await local.close()

    assert path.stat().st_mode & 0o777 == 0o600


async def test_messages_of_a_channel_that_is_no_more_are_left_out(tmp_path):
    path = tmp_path / "workspace.jsonl"
    path.write_text(json.dumps({"channel": "C0OLD", "message": {"ts": "1.000001"}}) + "\n")

    local, _ = await running(path)
    messages = await local.messages(GENERAL)
    await local.close()

    assert messages == []
