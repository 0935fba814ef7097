"""Another policy is in force on every replica at once, and what waits for people hears of it."""

import asyncio
import json

import pytest
from scenarios.stage import META, POLICY, stage, until

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}
DENYING = POLICY.replace(
    "redact:", "  - {name: no-writes, match: {tool: write_file}, effect: deny}\nredact:"
)
ALLOWING = DENYING.replace("effect: deny}\nredact:", "effect: allow}\nredact:")


async def test_a_change_reaches_every_replica_and_ends_what_waits(tmp_path, postgres_url):
    async with stage(tmp_path, postgres_url, hold="0s") as staged:
        one, other = await staged.serve("one"), await staged.serve("other")
        waiting = await one.call("write_file", WRITE)
        await staged.card()

        (staged.folder / "policy.yaml").write_text(DENYING)
        await staged.card_saying("denied by rule `no-writes` of the policy in force now")
        denied = [await each.call("write_file", WRITE) for each in (one, other)]

        (staged.folder / "policy.yaml").write_text(ALLOWING)

        async def runs():
            result = await other.call("write_file", WRITE)
            return result["content"][0]["text"].startswith("done: write_file")

        await until(runs)
        _, told, _ = await staged.run("audit", "log")

    assert waiting["_meta"]["placet/decision"]["status"] == "pending"
    assert [each["_meta"]["placet/decision"]["status"] for each in denied] == [
        "denied_by_policy",
        "denied_by_policy",
    ]
    assert 'rule no-writes, effect: "deny" became "allow"' in told


async def held(replica, number):
    """Return what a call is told at last that a replica holds with signs of life."""
    params = {"name": "write_file", "arguments": WRITE, "_meta": META | {"progressToken": "t"}}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    headers = {"Mcp-Method": "tools/call", "Mcp-Name": "write_file"}
    status, body = await replica.post(json.dumps(message).encode(), headers)
    assert status == 200
    *_, last = (line for line in body.split(b"\n") if line.startswith(b"data: "))
    return json.loads(last.removeprefix(b"data: "))["result"]["content"][0]["text"]


async def test_what_two_replicas_hold_runs_once_where_the_new_policy_allows_it(
    tmp_path, postgres_url
):
    async with stage(tmp_path, postgres_url, hold="0s") as staged:
        replicas = [await staged.serve("one"), await staged.serve("other")]
        calls = [asyncio.create_task(held(each, n)) for n, each in enumerate(replicas)]
        for each in replicas:
            await until(lambda each=each: each.holds(1))
        await staged.card()

        (staged.folder / "policy.yaml").write_text(ALLOWING)
        texts = [await asyncio.wait_for(call, 60) for call in calls]
        await staged.card_saying("the policy in force now allows it without asking")

    assert sum(text.startswith("done: write_file") for text in texts) == 1
    assert sum("when it is called again" in text for text in texts) == 1
    assert len(staged.server.calls()) == 1
