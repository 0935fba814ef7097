"""The official clients of both eras, through the gateway and directly, to an official server."""

import uuid

import pytest
from gateway_stage import staged, until

from gateway.tools.instructions import HINT
from ledger.lives.deadlines_due import ExpireApproval

POLICY = """\
version: 1
rules:
  - {name: reads, match: {tool: "read_*"}, effect: allow}
  - name: brief
    match: {tool: write_note}
    when: args.name == "brief"
    effect: require_approval
    approval: {expires_in: 1s}
"""


@pytest.fixture
async def sdk(sdk_server, sqlite_url):
    policy, own = POLICY, ", hold: 0s"
    async with staged(sqlite_url, policy=policy, hold="0s", server=sdk_server, own=own) as stage:
        yield stage


READS = [
    ["read_note", {"name": "a"}],
    ["read_slowly", {"steps": 3}],
    ["read_badly", {}],
]


async def test_what_is_allowed_is_what_the_server_answers_directly(sdk, client):
    through = await client(f"{sdk.url}/mcp/files", READS)
    direct = await client(sdk.server.url, READS)

    assert through.pop("instructions") == f"Keep notes short.\n\n{HINT}"
    assert direct.pop("instructions") == "Keep notes short."
    assert through == direct
    assert through["calls"][0]["structuredContent"]["sign"] == "\u00e9\u202e"
    assert [step[0] for step in through["progress"]] == [1, 2, 3]


async def test_pending_then_approved_then_repeated_then_pending_again(sdk, client):
    write = [["write_note", {"name": "a", "text": "x"}]]
    url = f"{sdk.url}/mcp/files"

    pending = await client(url, write)
    (approval,) = await sdk.pending()
    await sdk.decide(approval.id)
    done = await client(url, write * 2)

    assert "Pending" in pending["calls"][0]["content"][0]["text"]
    assert done["calls"][0]["content"][0]["text"] == "a: x"
    assert done["calls"][0].get("isError") is not True
    assert "Pending" in done["calls"][1]["content"][0]["text"]


async def test_denied_and_unknown_tools_are_told_as_results(sdk, client):
    url = f"{sdk.url}/mcp/files"
    write = [["write_note", {"name": "b", "text": "x"}], ["no_such_tool", {}]]
    await client(url, write)
    (approval,) = await sdk.pending()
    await sdk.decide(approval.id, approves=False, reason="not today")

    told = await client(url, write)

    assert [call["isError"] for call in told["calls"]] == [True, True]
    assert "not today" in told["calls"][0]["content"][0]["text"]
    assert "does not list" in told["calls"][1]["content"][0]["text"]
    assert told["calls"][0]["_meta"]["placet/decision"]["status"] == "denied"


async def test_an_expiry_is_told_as_a_result_and_not_as_a_denial(sdk, client):
    url = f"{sdk.url}/mcp/files"
    write = [["write_note", {"name": "brief", "text": "x"}]]
    await client(url, write)
    (approval,) = await sdk.pending()

    async def over():
        expire = ExpireApproval(id=uuid.uuid4().hex, actor="placet:test", approval=approval.id)
        return await sdk.ledger.execute(expire)

    await until(over)
    told = await client(url, write)

    assert told["calls"][0]["isError"] is True
    assert told["calls"][0]["_meta"]["placet/decision"]["status"] == "expired"
    assert "that is not a denial" in told["calls"][0]["content"][0]["text"]
