"""The system asks after servers that say nothing, whichever way a request went to them."""

import asyncio
import json
from pathlib import Path

import pytest
from gateway_stage import CI_BOT, RawServer, staged, until
from yarl import URL

TABLE = Path("/proc/net/tcp")
ESTABLISHED, ASKS_AFTER = "01", "02"
"""The state of a connection, and the timer that runs on it (Linux, proc_net_tcp.txt)."""


def timers(port):
    """Return the timers of the connections to a port, as Linux tells them."""
    rows = [line.split() for line in TABLE.read_text().splitlines()[1:]]
    there = [row for row in rows if row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED]
    return [row[5].partition(":")[0] for row in there]


async def quiet(port):
    """Tell whether all that was sent to the port has come, so that no other timer runs."""
    return not {"01", "04"}.intersection(timers(port))


@pytest.mark.skipif(not TABLE.exists(), reason="needs Linux")
async def test_a_server_that_says_nothing_is_asked_after(sqlite_url):
    server = RawServer()
    await server.start()
    server.gate.clear()
    async with staged(sqlite_url, server=server) as stage:
        calling = asyncio.create_task(stage.call("read_file", legacy=True))
        await server.running.wait()
        key = {"Authorization": f"Bearer {CI_BOT}"}
        async with stage.http.get(f"{stage.url}/mcp/files", headers=key):
            await until(lambda: quiet(URL(server.url).port))
            found = timers(URL(server.url).port)

        server.gate.set()
        answer = await calling

    await server.close()
    assert len(found) >= 2
    assert {*found} == {ASKS_AFTER}
    assert "result" in json.loads(answer.body)
