"""The dialog of `/placet` alone: it puts together what could have been typed."""

from datetime import timedelta

import acme
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from office import ALICE, BOB, EVE, GUEST, PLATFORM, shown
from slack_limits import check_view

from bot.drawing.builder import build_modal
from ledger.views.grant_request_readings import open_requests

HOUR = timedelta(hours=1)
CHOICES = {
    "kind": "grant",
    "agent": "ci-bot",
    "server": "files",
    "tool": "write_*",
    "lasting": "3600",
    "uses": "3",
    "reason": "the archive is moved",
}


async def submitted(office, user, **changes):
    """Open the dialog, submit it, and return what Slack showed and the dialog after that."""
    answer = await office.local.command(user, PLATFORM, "/placet", "")
    assert "Put it together in the dialog" in shown({"blocks": answer.blocks})
    (view,) = await office.local.views(user)
    told = await office.local.submit_view(user, view["id"], CHOICES | changes)
    return told, await office.local.views(user)


async def test_an_approver_puts_a_grant_together(office) -> None:
    told, views = await submitted(office, BOB)

    assert (told.error, dict(told.errors)) == (None, {})
    (grant,) = await office.ledger.grants(live=True)
    assert (grant.agent, grant.target, grant.uses) == ("ci-bot", "files/write_*", 3)
    assert (grant.until - grant.issued_at, grant.reason) == (HOUR, "the archive is moved")
    assert f"Granted {grant.id}" in shown(views[0])


async def test_a_condition_with_the_quotes_of_a_phone_is_understood(office) -> None:
    await submitted(office, BOB, when="`args.path == \u201cdocs\u201d`")

    (grant,) = await office.ledger.grants(live=True)
    assert grant.when == 'args.path == "docs"'


async def test_an_owner_puts_a_request_together(office) -> None:
    told, views = await submitted(office, ALICE, kind="request", when="args.size < 10")

    assert dict(told.errors) == {}
    (request,) = await open_requests(office.ledger)
    assert (request.by, request.when, request.uses) == ("alice", "args.size < 10", 3)
    assert "Asked platform" in shown(views[0])


async def test_who_is_known_to_nobody_gets_no_dialog(office) -> None:
    answer = await office.local.command(GUEST, PLATFORM, "/placet", "")

    assert "Refused: only people of Placet's configuration" in shown({"blocks": answer.blocks})
    assert await office.local.views(GUEST) == []


async def test_whoever_may_not_is_told_in_the_dialog(office) -> None:
    told, views = await submitted(office, EVE)

    assert dict(told.errors) == {}
    assert "Refused: you are not an approver of `platform`" in shown(views[0])
    assert await office.ledger.grants(live=True) == []


@pytest.mark.parametrize(
    ("changes", "block", "message"),
    [
        ({"tool": "a/b"}, "tool", "without `/` and blanks"),
        ({"uses": "many"}, "uses", "wants a number from 1"),
        ({"when": "args.size = 3"}, "when", "CEL has no `=` here"),
        ({"when": "args.size = 3", "uses": "many"}, "when", "CEL has no `=` here"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(office, changes, block, message) -> None:
    told, _ = await submitted(office, BOB, **changes)

    assert message in told.errors[block]
    assert await office.ledger.grants(live=True) == []


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=200), max_size=120, unique=True))
def test_the_dialog_keeps_slacks_limits_whatever_agents_are_called(names) -> None:
    check_view(build_modal(names, names, HOUR, "C0PLATFORM"))


def test_the_dialog_offers_no_more_than_the_policy_allows() -> None:
    view = build_modal(list(acme.DIRECTORY.agents), ["files"], HOUR, "C0PLATFORM")

    options = [option["value"] for option in view["blocks"][5]["element"]["options"]]
    assert options == ["900", "3600"]
