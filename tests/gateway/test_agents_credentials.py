"""Each agent's requests carry what the configuration has for it, and no other agent's do."""

import asyncio
import json
import sys

import pytest
from bridging import ENVIRONMENT, SERVERS, legacy, modern, said, tool
from gateway_stage import CI_BOT, OTHER_BOT, RawServer, staged
from raw_upstream import ok, posting, raw_upstream, reaching

from gateway.configured_upstreams import upstreams_of
from gateway.tools.conversations import OURSELVES
from gateway.upstreams import UpstreamFailed
from policies.configuration.configuration import parse_configuration

SHARED = {"Authorization": "Bearer shared", "X-Team": "platform"}
OWN = {"ci-bot": {"authorization": "Bearer ci"}, "other-bot": {"X-Team": "other"}}


def credentials(request: bytes) -> list[bytes]:
    head = request.partition(b"\r\n\r\n")[0]
    wanted = (b"authorization:", b"x-team:")
    return [line for line in head.split(b"\r\n") if line.lower().startswith(wanted)]


@pytest.mark.parametrize("generally", [True, False])
async def test_an_agent_has_its_own_credentials_instead_of_the_servers_or_besides(generally):
    async with raw_upstream() as (raw, url):
        async with reaching(url, SHARED, agents=OWN, generally=generally) as upstream:
            for agent in ("ci-bot", "other-bot", "third-bot", OURSELVES):
                await upstream.forward(posting(agent=agent))

        assert [sorted(line.lower() for line in credentials(r)) for r in raw.requests] == [
            [b"authorization: bearer ci", b"x-team: platform"],
            [b"authorization: bearer shared", b"x-team: other"],
            [b"authorization: bearer shared", b"x-team: platform"],
            [b"authorization: bearer shared", b"x-team: platform"],
        ]


async def test_credentials_belong_to_no_connection():
    async with raw_upstream() as (raw, url), reaching(url, SHARED, agents=OWN) as upstream:
        agents = ["ci-bot", "third-bot"] * 50
        await asyncio.gather(
            *(
                upstream.forward(posting(json.dumps({"agent": agent}).encode(), agent=agent))
                for agent in agents
            )
        )
        for agent in agents:
            await upstream.forward(posting(json.dumps({"agent": agent}).encode(), agent=agent))

        assert len(raw.requests) == 200
        for request in raw.requests:
            assert (b"Bearer ci\r\n" in request) == (b'"ci-bot"' in request)


async def test_a_refusal_of_an_agents_credentials_is_trouble_until_it_is_let_in():
    async with raw_upstream() as (raw, url), reaching(url, SHARED, agents=OWN) as upstream:
        raw.always(ok(b"").replace(b"200 OK", b"401 No"))
        with pytest.raises(UpstreamFailed, match="refused the credentials"):
            await upstream.forward(posting(agent="ci-bot"))
        raw.always(ok())

        await upstream.forward(posting(agent="third-bot"))
        assert upstream.trouble() is not None
        await upstream.forward(posting(agent="ci-bot"))
        assert upstream.trouble() is None


async def test_a_refusal_of_an_agents_credentials_is_forgotten_after_a_while(monkeypatch):
    async with raw_upstream() as (raw, url), reaching(url, SHARED, agents=OWN) as upstream:
        raw.always(ok(b"").replace(b"200 OK", b"401 No"))
        with pytest.raises(UpstreamFailed, match="refused the credentials"):
            await upstream.forward(posting(agent="ci-bot"))
        assert upstream.trouble() is not None

        monkeypatch.setattr("gateway.servers.http_upstream._REMEMBERED_SECONDS", 0)

        assert upstream.trouble() is None


async def test_callers_of_the_gateway_are_told_apart_by_their_keys(sqlite_url):
    server = RawServer()
    await server.start()
    own = 'team: platform, agents: {ci-bot: {headers: {Authorization: "Bearer ci"}}}, headers:'

    def rewrite(text):
        return text.replace("team: platform, headers:", own)

    async with staged(sqlite_url, server=server, rewrite=rewrite) as stage:
        server.seen.clear()
        await stage.call("read_file", key=CI_BOT)
        await stage.call("read_file", key=OTHER_BOT)

        calls = [headers for _, headers, body in server.seen if b"tools/call" in body]
    await server.close()

    assert [headers["Authorization"] for headers in calls] == [
        "Bearer ci",
        "Bearer upstream-secret",
    ]


CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people: {alice: {slack: T0ACME/U0ALICE}, bob: {slack: T0ACME/U0BOB}}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
servers:
  odd:
    command: ["PYTHON", "SCRIPT"]
    env: {API_KEY: shared, REGION: here}
    pass_env: [EXTRA, NOT_SET]
    agents: {ci-bot: {env: {API_KEY: "of ci-bot"}}}
    team: platform
agents: {ci-bot: {team: platform, owner: alice, key: 0123456789abcdef0123456789abcdef}}
slack: {mode: socket, bot_token: xoxb-1, app_token: xapp-1, signing_secret: secret-secret}
"""


@pytest.fixture
async def bridges():
    text = CONFIGURATION.replace("PYTHON", sys.executable)
    text = text.replace("SCRIPT", str(SERVERS / "odd_server.py"))
    servers = parse_configuration(text, {}).servers
    ours = ENVIRONMENT | {"EXTRA": "passed", "SECRET": "kept"}
    (found,) = upstreams_of(servers, ours).values()
    await found.start()
    try:
        yield found
    finally:
        await found.close()


def by(agent, request):
    return request._replace(agent=agent)


async def test_a_started_server_gets_what_is_named_of_our_environment_and_no_more(bridges):
    asked = by("third-bot", modern("tools/call", tool("environment")))
    seen = said(await bridges.forward(asked))["result"]

    assert seen["EXTRA"] == "passed"
    assert set(seen) - {"resultType", "_meta"} <= {
        *("PATH", "LANG", "LC_CTYPE"),
        *("API_KEY", "REGION", "EXTRA"),
    }


async def test_an_agent_with_its_own_environment_has_a_process_of_its_own(bridges):
    asked = modern("tools/call", tool("environment"))

    assert bridges.traffic.opened <= 1
    seen = {
        agent: said(await bridges.forward(by(agent, asked)))["result"]
        for agent in ("ci-bot", "third-bot", "ci-bot")
    }

    assert [seen[agent]["API_KEY"] for agent in ("ci-bot", "third-bot")] == ["of ci-bot", "shared"]
    assert {each["REGION"] for each in seen.values()} == {"here"}
    assert bridges.traffic.opened == 2
    assert bridges.traffic.requests == 3
    assert bridges.trouble() is None


async def test_first_requests_at_once_start_one_process(bridges):
    asked = by("ci-bot", modern("tools/call", tool("raw")))

    await asyncio.gather(*(bridges.forward(asked) for _ in range(10)))
    await bridges.forward(by("third-bot", modern("tools/call", tool("raw"))))

    assert bridges.traffic.opened == 2


async def test_the_end_of_an_agents_process_fails_no_other_agents_calls(bridges):
    stalling = by("third-bot", modern("tools/call", tool("stall")))
    other = asyncio.create_task(bridges.forward(stalling))
    await bridges.forward(by("third-bot", modern("tools/call", tool("raw"))))

    with pytest.raises(UpstreamFailed, match="ended before it answered"):
        await bridges.forward(by("ci-bot", legacy("tools/call", tool("die"))))

    assert bridges.trouble() is None or "(for `ci-bot`)" in bridges.trouble()
    assert not other.done()
    other.cancel()
    answer = await bridges.forward(by("ci-bot", legacy("tools/call", tool("raw"))))
    assert "result" in said(answer)
