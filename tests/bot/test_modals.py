"""The modals keep Slack's limits, hide nothing and carry nothing but where they came from."""

import json

import pytest
from approvals_given import after, requested, vote_of
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_limits import check_view, objects, visible_text

from bot.drawing.denials import deny_modal
from bot.drawing.details import pages
from bot.drawing.modals import Reading, Spot, approve_modal, details_modal
from ledger.audit.backgrounds import Background
from ledger.events.events import ApprovalDenied
from ledger.lives.tools import SeenTool

SPOT = Spot(approval="apr_7F3K", channel="C0PLATFORM", ts="1700000000.000100", revision=7)
DEFINITION = SeenTool(
    id="github/push_files",
    version=1,
    position=1,
    server="github",
    tool="push_files",
    hash="ab" * 32,
    definition='{"inputSchema":{"type":"object"},"name":"push_files"}',
    listed=True,
)


def test_a_reason_is_required_where_a_rule_asks_for_one() -> None:
    view = approve_modal(requested(), SPOT)

    field = next(block for block in view["blocks"] if block["type"] == "input")
    assert field["optional"] is False
    check_view(view)


@pytest.mark.parametrize("modal", [deny_modal, approve_modal])
def test_a_modal_remembers_the_card_that_it_belongs_to(modal) -> None:
    view = modal(requested(), SPOT)

    assert Spot.model_validate_json(view["private_metadata"]) == SPOT


def test_the_details_hold_the_whole_call_over_their_pages() -> None:
    arguments = json.dumps({f"key-{n:05}": "v" * 40 for n in range(2_000)})
    approval = requested(arguments=arguments)

    made = pages(approval, DEFINITION)

    text = "".join(visible_text(page) for page in made)
    assert len(made) == 7
    assert [key for key in json.loads(arguments) if key not in _without_headings(text)] == []
    for page in range(1, len(made) + 1):
        check_view(details_modal(approval, made, page))


def test_the_details_tell_tool_rules_and_votes() -> None:
    approval = after(requested(), vote_of("bob", reason="fine by me"))

    (page,) = pages(approval, DEFINITION)

    text = visible_text(page)
    assert "Push files to a branch" in text
    assert '"inputSchema": {' in text
    assert "protected-branches (require_approval) at /rules/1" in text
    assert "fine by me" in text
    assert "needs: 1 of platform" in text


POLICY = """\
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  # asked for by the auditors
  - name: protected-branches
    match: {server: github, tool: push_*}
    effect: require_approval
default: deny
"""


def test_the_details_show_the_policys_lines_of_the_rules_that_spoke() -> None:
    (page,) = pages(requested(), DEFINITION, Background(policy=POLICY))

    text = visible_text(page)
    assert "    5    - name: protected-branches\n" in text
    assert "    7      effect: require_approval" in text
    assert "name: reads" not in text
    assert "default: deny" not in text


def test_the_last_page_tells_what_became_of_like_requests() -> None:
    denied = ApprovalDenied(approval="apr_7F3K", by="cat", reason="not on a Friday")
    own = after(requested(), denied)
    other = requested(agent="helper", digest="k1:" + "00" * 32)

    (page,) = pages(requested(), DEFINITION, Background(own=(own,), others=(other,)))

    text = visible_text(page)
    assert "ci-bot  Denied by cat: not on a Friday, the very same call" in text
    assert "helper  Approval needed" in text


def test_a_definition_that_changed_since_is_not_shown_as_the_one_asked_for() -> None:
    changed = DEFINITION.model_copy(update={"hash": "ff" * 32})

    (page,) = pages(requested(), changed)

    assert "the server defines the tool differently by now" in visible_text(page)
    assert "inputSchema" not in visible_text(page)


def test_votes_do_not_change_how_many_pages_there_are() -> None:
    approval = requested(arguments=json.dumps({"a": "x" * 50_000}))
    busy = after(approval, *[vote_of("bob", reason="r" * 900)] * 40)

    assert len(pages(approval, DEFINITION)) == len(pages(busy, DEFINITION)) == 3


@pytest.mark.parametrize(
    ("page", "steps"),
    [(1, ["details.next"]), (2, ["details.previous", "details.next"]), (3, ["details.previous"])],
)
def test_a_page_leads_to_its_neighbours(page, steps) -> None:
    approval = requested(arguments=json.dumps({"a": "x" * 50_000}))

    view = details_modal(approval, pages(approval, DEFINITION), page)

    found = [each["action_id"] for each in objects(view) if each.get("type") == "button"]
    assert found == steps
    assert Reading.model_validate_json(view["private_metadata"]).page == page


@given(
    text=st.text(max_size=300) | st.text('\U0001f600\u200b<&"\\\n\u0000', max_size=30_000),
    reason=st.text(max_size=900),
)
@settings(max_examples=60, deadline=None)
def test_every_page_keeps_slacks_limits(text, reason) -> None:
    approval = after(
        requested(
            arguments=json.dumps({"a": text}, ensure_ascii=False), description=text, tool=text
        ),
        vote_of("bob", reason=reason),
    )

    past = Background(policy=text, own=(approval,) * 8, others=(approval,) * 8)

    made = pages(approval, None, past)

    for page in range(1, len(made) + 1):
        view = details_modal(approval, made, page)
        check_view(view)
        assert len(json.dumps(view)) < 250_000
    check_view(deny_modal(approval, SPOT))


def _without_headings(text: str) -> str:
    return text.replace("Arguments, continued", "")
