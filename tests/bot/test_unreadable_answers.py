"""What answers in Slack's stead, such as a proxy on the way there, is an outage like any other."""

from typing import Self

import pytest
from aiohttp import web
from office import until

from bot.bot import Bot, OverSocket, SlackAccess
from bot.slack.client import UNREACHABLE, SlackClient, reason_of

WHO_WE_ARE = (
    b'{"ok": true, "team_id": "T0ACME", "user_id": "U0PLACET", "url": "wss://127.0.0.1:1/"}'
)


class Proxy:
    """A server on loopback that gives the same answer whatever it is asked."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.answer = (body, content_type)
        self.address = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/api/{method}", self._said)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _said(self, _request: web.Request) -> web.Response:
        body, content_type = self.answer
        return web.Response(body=body, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"please log in", "text/plain"),
        (b"[1, 2]", "application/json"),
        (b'"ok"', "application/json"),
        (b"\xff\xfe", "application/json; charset=utf-8"),
        (b"{}", "application/json; charset=no-such"),
        (b"<html>please log in</html>", "text/html"),
    ],
)
@pytest.mark.parametrize("patient", [True, False])
async def test_what_is_not_slacks_answer_is_raised_as_an_outage(body, content_type, patient):
    async with Proxy(body, content_type) as proxy:
        with pytest.raises(UNREACHABLE) as raised:
            await SlackClient("xoxb-1", proxy.address, patient=patient).auth_test()

    assert reason_of(raised.value) == "Slack says nothing that can be read"


async def test_the_bot_asks_again_until_slack_itself_answers(closed_office):
    office = closed_office
    async with Proxy(b"please log in", "text/plain") as proxy:
        access = SlackAccess("xoxb-1", OverSocket("xapp-1"), api_url=proxy.address)
        async with Bot(access, office.ledger, office.directory, longest=lambda: None) as bot:
            trouble = "Slack: auth.test failed: Slack says nothing that can be read"
            await until(lambda: trouble in bot.ready())

            proxy.answer = (WHO_WE_ARE, "application/json")
            await until(lambda: not any("auth.test" in each for each in bot.ready()))
