"""Who calls is told by the key alone: agents call, operators read, and nobody is both."""

import contextlib
from hashlib import sha256

import aiohttp
import pytest
from aiohttp import web

from gateway.errors import Rejected
from gateway.identity import Identity
from policies.people import Agent

AGENT_KEY = "an-agents-key-0123456789-0123456789-0123456789"
OPERATOR_KEY = "an-operators-key-0123456789-0123456789-012345"
CI_BOT = Agent("ci-bot", "platform", "alice")


@contextlib.asynccontextmanager
async def asked_of(identity):
    """Serve `/agent` and `/operator`, which answer with the name of whoever asks."""

    async def told(request):
        ask = identity.authenticate if request.path == "/agent" else identity.operator
        try:
            return web.Response(text=ask(request).name)
        except Rejected as rejected:
            return rejected.response()

    application = web.Application()
    application.router.add_get("/{who}", told)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(url) as http:
        yield http
    await runner.cleanup()


@pytest.fixture
async def http():
    identity = Identity(
        {sha256(AGENT_KEY.encode()).digest(): CI_BOT},
        operators={sha256(OPERATOR_KEY.encode()).digest(): "auditor"},
    )
    async with asked_of(identity) as asking:
        yield asking


async def answer(http, who, *authorization):
    headers = [("Authorization", value) for value in authorization]
    async with http.get(f"/{who}", headers=headers) as response:
        return response.status, await response.text()


async def test_an_agents_key_is_an_agents_and_an_operators_key_an_operators(http):
    agent = await answer(http, "agent", f"Bearer {AGENT_KEY}")
    operator = await answer(http, "operator", f"Bearer {OPERATOR_KEY}")

    assert agent == (200, "ci-bot")
    assert operator == (200, "auditor")


async def test_a_key_is_never_good_for_the_other_side(http):
    operators = await answer(http, "agent", f"Bearer {OPERATOR_KEY}")
    agents = await answer(http, "operator", f"Bearer {AGENT_KEY}")

    assert operators[0] == agents[0] == 403
    assert "this is an operator's key, which calls nothing" in operators[1]
    assert "this is an agent's key, which reads nothing here" in agents[1]


@pytest.mark.parametrize("who", ["agent", "operator"])
@pytest.mark.parametrize(
    "authorization",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer unknown",),
        (AGENT_KEY,),
        (f"Basic {AGENT_KEY}",),
        (f"Bearer {AGENT_KEY} {AGENT_KEY}",),
        (f"Bearer {AGENT_KEY}", f"Bearer {AGENT_KEY}"),
        (f"Bearer {OPERATOR_KEY}", f"Bearer {OPERATOR_KEY}"),
    ],
)
async def test_whoever_shows_no_key_that_is_known_is_nobody(http, who, authorization):
    status, _ = await answer(http, who, *authorization)

    assert status == 401
