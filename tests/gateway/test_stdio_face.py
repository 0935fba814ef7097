"""The gateway's face for clients that only start commands, with the official clients."""

import json

import forked
import pytest
from gateway_stage import staged, until

POLICY = """\
version: 1
rules:
  - {name: reads, match: {tool: "read_*"}, effect: allow}
  - {name: no, match: {tool: write_note}, when: args.name == "no", effect: deny, message: not so}
"""

READS = [["read_note", {"name": "a"}], ["read_slowly", {"steps": 3}], ["read_badly", {}]]
WRITE = [["write_note", {"name": "a", "text": "x"}]]


@pytest.fixture
async def sdk(sdk_server, sqlite_url):
    async with staged(
        sqlite_url, policy=POLICY, hold="0s", server=sdk_server, own=", hold: 0s"
    ) as stage:
        yield stage


@pytest.fixture
def face(tmp_path):
    """Give what says how a client starts the face before a stage."""
    program = str(forked.program(tmp_path) / "placet")
    return lambda stage: json.dumps([program, "stdio", "files", "--url", stage.url])


async def test_a_client_hears_over_stdio_what_it_hears_over_http(sdk, client, face):
    over_stdio = await client(face(sdk), READS)
    over_http = await client(f"{sdk.url}/mcp/files", READS)

    assert over_stdio.pop("session", None) is None
    over_http.pop("session", None)
    assert over_stdio == over_http
    assert [step[0] for step in over_stdio["progress"]] == [1, 2, 3]


async def test_what_is_denied_and_what_waits_is_told(sdk, client, face):
    got = await client(face(sdk), [["write_note", {"name": "no", "text": "x"}], *WRITE])
    denied, pending = got["calls"]

    assert "not so" in denied["content"][0]["text"]
    assert "Pending" in pending["content"][0]["text"]


async def test_what_was_approved_runs_once(sdk, client, face):
    await client(face(sdk), WRITE)
    (approval,) = await sdk.pending()
    await sdk.decide(approval.id)

    done = await client(face(sdk), WRITE * 2)

    assert done["calls"][0]["content"][0]["text"] == "a: x"
    assert "Pending" in done["calls"][1]["content"][0]["text"]


async def test_a_call_that_its_client_gives_up_is_over(sdk_server, sqlite_url, leaving, face):
    options = {"policy": POLICY, "server": sdk_server, "own": ", hold: 60s"}
    async with staged(sqlite_url, **options) as sdk:
        got = await leaving(sdk, face(sdk), [WRITE[0], READS[0]])
        (approval,) = await sdk.pending()
        await until(lambda: _nobody_waits(sdk))
        await sdk.decide(approval.id)

        assert "raised" in got["calls"][0]
        assert got["calls"][1]["content"]
        assert (await sdk.ledger.approval(approval.id)).dispatched_call is None


async def _nobody_waits(sdk):
    return not sum(sdk.gateway._room.held.values())
