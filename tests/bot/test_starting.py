"""How the bot starts: with its own secrets only, whatever the environment holds."""

import pytest
from office import APP_TOKEN, BOB, BOT_TOKEN, until, until_async

from bot.bot import Bot, EmptySecret, OverHttp, OverSocket, SlackAccess
from bot.slack import sockets
from bot.workspace.methods.table import METHODS, Method
from ledger.lives.approvals import ApprovalStatus


@pytest.mark.parametrize(
    ("access", "named"),
    [
        (SlackAccess("", OverSocket(APP_TOKEN)), "slack.bot_token must not be empty"),
        (SlackAccess("  ", OverSocket("")), "slack.bot_token and slack.app_token"),
        (SlackAccess(BOT_TOKEN, OverHttp(" ")), "slack.signing_secret must not be empty"),
    ],
)
async def test_an_empty_secret_is_refused_at_start(closed_office, access, named) -> None:
    office = closed_office

    with pytest.raises(EmptySecret, match=named):
        Bot(access, office.ledger, office.directory, longest=lambda: None)


async def test_nothing_of_slack_is_read_from_the_environment(
    closed_office, monkeypatch, tmp_path
) -> None:
    office = closed_office
    monkeypatch.chdir(tmp_path)
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "SLACK_VERIFICATION_TOKEN",
    ):
        monkeypatch.setenv(name, "not-ours")

    await office.listening()
    approval = await office.ask()
    await office.click(BOB, approval, "approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    assert [path for path in tmp_path.iterdir() if "placet" not in path.name] == []
    outcomes = {request.outcome for request in await office.local.requests()}
    assert outcomes == {"ok"}


async def test_a_proxy_of_the_environment_is_not_used_on_loopback(
    closed_office, monkeypatch
) -> None:
    office = closed_office
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    bot = await office.listening()

    assert bot.ready() == []


async def test_readiness_names_a_token_that_slack_does_not_take(closed_office) -> None:
    office = closed_office
    bot = Bot(
        SlackAccess("xoxb-wrong", OverSocket(APP_TOKEN), office.local.api_url),
        office.ledger,
        office.directory,
        longest=lambda: None,
    )

    async with bot:
        await until(lambda: "Slack: auth.test failed: Slack says invalid_auth" in bot.ready())


@pytest.mark.parametrize("cut", ["drop_sockets", "disconnect_sockets"])
async def test_a_connection_that_was_cut_is_opened_again_and_clicks_arrive(office, cut) -> None:
    approval = await office.ask()
    await office.card(approval)

    async def pressed_again() -> bool:
        return (await office.click(BOB, approval, "approve")).acknowledged

    office.local.sockets.ack_seconds = 3.0  # nobody hears the first clicks
    await getattr(office.local, cut)()
    await until_async(pressed_again)

    await office.becomes(approval, ApprovalStatus.APPROVED)
    await until(lambda: office.bot.ready() == [])


async def test_a_connection_that_went_deaf_is_replaced_and_clicks_arrive(
    closed_office, monkeypatch
) -> None:
    monkeypatch.setattr("bot.slack.sockets._PING", 0.5)
    office = closed_office
    await office.listening()
    approval = await office.ask()
    await office.card(approval)

    async def pressed_again() -> bool:
        return (await office.click(BOB, approval, "approve")).acknowledged

    office.local.sockets.ack_seconds = 3.0  # nobody hears the first clicks
    await office.local.deafen_sockets()
    await until_async(pressed_again)

    await office.becomes(approval, ApprovalStatus.APPROVED)


async def test_in_an_outage_no_connection_is_asked_for(office, monkeypatch) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 0.2)
    before = len(await office.local.requests("apps.connections.open"))
    await office.local.outage()
    await office.local.drop_sockets()

    tried = len(await office.local.requests("auth.test"))
    await until_async(lambda: _more(office, "auth.test", tried + 3), 60)

    assert len(await office.local.requests("apps.connections.open")) == before
    await office.local.recover()
    await office.local.wait_until_connected()


async def _more(office, method, count) -> bool:
    return len(await office.local.requests(method)) >= count


async def test_closing_leaves_no_task_behind(closed_office) -> None:
    office = closed_office
    bot = await office.listening()
    approval = await office.ask()
    await office.card(approval)

    await office.stop_bot()
    await bot.close()

    assert office.bot is None


async def test_an_answer_that_does_not_say_who_the_bot_is_is_asked_for_again(
    closed_office, monkeypatch
) -> None:
    office = closed_office
    with monkeypatch.context() as patched:
        patched.setitem(METHODS, "auth.test", Method(lambda _workspace, _arguments: {"team_id": 7}))
        bot = await office.start_bot()
        trouble = "Slack: auth.test failed: Slack's answer could not be read"
        await until(lambda: trouble in bot.ready())

    await until(lambda: bot.ready() == [])
