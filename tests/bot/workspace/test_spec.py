"""What a workspace is built from."""

import pytest
from small_workspace import ALICE, BOT, spec

from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import WorkspaceChannel, WorkspaceUser


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ValueError, match="cannot be built") as refused:
        spec(
            users=[WorkspaceUser(ALICE, "alice"), WorkspaceUser(ALICE, "alice")],
            channels=[WorkspaceChannel("C1", "general", ("U0NOBODY",))],
            usergroups={"S1": ["U0NONE"]},
            app_token="xoxb-local",
        )

    assert str(refused.value) == (
        "the workspace cannot be built: user `U0ALICE` is given 2 times; "
        "the bot's user `U0PLACET` is not among the users; "
        "channel `C1` names `U0NOBODY`, who is not among the users; "
        "user group `S1` names `U0NONE`, who is not among the users; "
        "bot token and app token must be two different non-empty strings"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104  it is refused
async def test_a_workspace_listens_on_loopback_only(host):
    with pytest.raises(ValueError, match="listens on loopback only"):
        await LocalWorkspace(spec()).start(host)


async def test_a_port_in_use_is_an_error_and_nothing_is_left_listening(free_port):
    first = LocalWorkspace(spec())
    await first.start(port=free_port)
    second = LocalWorkspace(spec())

    with pytest.raises(OSError, match="in use"):
        await second.start(port=free_port)
    await first.close()

    await second.close()
    assert BOT in {each.id for each in first.workspace.people.all()}
