"""Slack's limits on blocks and views: what it refuses, in its words, and what it takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block
from small_workspace import GENERAL, actions, button, modal, text_input

from bot.workspace.block_kit.blocks import is_too_long, problems_of_message
from bot.workspace.block_kit.views import problems_of_view


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def section(text):
    return {"type": "section", "text": text}


def rich(*elements):
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": list(elements)}],
    }


def select(count, **members):
    options = [{"text": plain("x"), "value": str(each)} for each in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **members}


OPTION = {"text": plain("x"), "value": "0"}
CONFIRM = {
    "title": plain("t"),
    "text": plain("x"),
    "confirm": plain("yes"),
    "deny": plain("no"),
}

REFUSED = [
    ([section(plain("x"))] * 51, "/blocks", "no more than 50 items"),
    ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text", "less than 151"),
    ([{"type": "header", "text": plain("")}], "/blocks/0/text/text", "more than 0"),
    ([{"type": "header", "text": mrkdwn("x")}], "/blocks/0/text", "unsupported type"),
    ([section(plain("x" * 3001))], "/blocks/0/text/text", "less than 3001"),
    ([section(plain(""))], "/blocks/0/text/text", "more than 0"),
    ([{"type": "section"}], "/blocks/0", "must have a text or fields"),
    (
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "/blocks/0/fields/0/text",
        "less than 2001",
    ),
    ([{"type": "section", "fields": [plain("x")] * 11}], "/blocks/0/fields", "no more than 10"),
    (
        [{"type": "context", "elements": [mrkdwn("x" * 3001)]}],
        "/blocks/0/elements/0/text",
        "less than 3001",
    ),
    (
        [{"type": "context", "elements": [plain("x")] * 11}],
        "/blocks/0/elements",
        "no more than 10",
    ),
    (
        [actions(*[button(str(n)) for n in range(26)])],
        "/blocks/0/elements",
        "no more than 25",
    ),
    ([actions()], "/blocks/0/elements", "no fewer than 1"),
    (
        [actions(button("b", label="x" * 76))],
        "/blocks/0/elements/0/text/text",
        "less than 76",
    ),
    (
        [actions({"type": "button", "action_id": "b", "text": mrkdwn("x")})],
        "/blocks/0/elements/0/text",
        "unsupported type",
    ),
    (
        [actions(button("b", value="x" * 2001))],
        "/blocks/0/elements/0/value",
        "less than 2001",
    ),
    ([actions(button("b" * 256))], "/blocks/0/elements/0/action_id", "less than 256"),
    ([actions(button("b", style="loud"))], "/blocks/0/elements/0/style", "must be one of"),
    (
        [actions(button("b", url="https://x/" + "x" * 3000))],
        "/blocks/0/elements/0/url",
        "less than 3001",
    ),
    ([actions(button("b"), button("b"))], "/blocks/0/elements/1", "`action_id` b already"),
    (
        [actions(button("a")), actions(button("b"))],
        "/blocks/1/block_id",
        "`block_id` act already",
    ),
    ([actions(button("b"), block_id="x" * 256)], "/blocks/0/block_id", "less than 256"),
    ([actions(button("b", colour="red"))], "/blocks/0/elements/0", "additional property: colour"),
    ([{"type": "divider", "text": plain("x")}], "/blocks/0", "additional property: text"),
    (
        [actions(button("b", confirm=CONFIRM | {"title": plain("x" * 101)}))],
        "/blocks/0/elements/0/confirm/title/text",
        "less than 101",
    ),
    (
        [actions(button("b", confirm=CONFIRM | {"text": plain("x" * 301)}))],
        "/blocks/0/elements/0/confirm/text/text",
        "less than 301",
    ),
    (
        [actions(button("b", confirm=CONFIRM | {"deny": plain("x" * 31)}))],
        "/blocks/0/elements/0/confirm/deny/text",
        "less than 31",
    ),
    ([actions(select(101))], "/blocks/0/elements/0/options", "no more than 100"),
    (
        [actions(select(1, options=[OPTION | {"text": plain("x" * 76)}]))],
        "/blocks/0/elements/0/options/0/text/text",
        "less than 76",
    ),
    (
        [actions(select(1, options=[OPTION | {"value": "x" * 151}]))],
        "/blocks/0/elements/0/options/0/value",
        "less than 151",
    ),
    (
        [actions(select(1, placeholder=plain("x" * 151)))],
        "/blocks/0/elements/0/placeholder/text",
        "less than 151",
    ),
    (
        [actions(select(1, initial_option=OPTION | {"value": "9"}))],
        "/blocks/0/elements/0",
        "initial option must match",
    ),
    (
        [actions({"type": "overflow", "action_id": "o", "options": [OPTION] * 6})],
        "/blocks/0/elements/0/options",
        "no more than 5",
    ),
    ([rich({"type": "text", "text": ""})], "/blocks/0/elements/0/elements/0/text", "more than 0"),
    ([rich({"type": "user"})], "/blocks/0/elements/0/elements/0", "required field: user_id"),
    (
        [rich({"type": "text", "text": "x", "style": {"loud": True}})],
        "/blocks/0/elements/0/elements/0/style",
        "additional property: loud",
    ),
    ([{"type": "table", "rows": []}], "/blocks/0", "unsupported type: table"),
    ([{"text": plain("x")}], "/blocks/0", "missing required field: type"),
    ({"type": "divider"}, "/blocks", "must be an array"),
    (["divider"], "/blocks/0", "must be an object"),
]


@pytest.mark.parametrize(("blocks", "pointer", "message"), REFUSED)
def test_a_message_beyond_a_limit_is_refused_where_it_is_wrong(blocks, pointer, message):
    problems = problems_of_message(blocks)

    assert [each.pointer for each in problems] == [pointer]
    assert message in problems[0].message


AT_THE_LIMIT = [
    [section(plain("x"))] * 50,
    [{"type": "header", "text": plain("x" * 150)}],
    [section(mrkdwn("x" * 3000))],
    [{"type": "section", "fields": [plain("x" * 2000)] * 5}],
    [actions(button("b" * 255, value="x" * 2000, label="x" * 75, confirm=CONFIRM))],
    [actions(*[button(str(n)) for n in range(25)])],
    [actions(select(100, initial_option=OPTION))],
    [rich({"type": "date", "timestamp": 1, "format": "{date}", "fallback": "then"})],
    [],
]


@pytest.mark.parametrize("blocks", AT_THE_LIMIT)
def test_a_message_at_its_limits_is_taken(blocks):
    assert problems_of_message(blocks) == []


@pytest.mark.parametrize("blocks", AT_THE_LIMIT)
def test_what_is_taken_is_what_slacks_own_models_take(blocks):
    for block in blocks:
        Block.parse(block).validate_json()


REFUSED_VIEWS = [
    (modal(heading="x" * 25), "/view/title/text", "less than 25"),
    (modal(submit=plain("x" * 25)), "/view/submit/text", "less than 25"),
    (modal(close=plain("x" * 25)), "/view/close/text", "less than 25"),
    (modal(private_metadata="x" * 3001), "/view/private_metadata", "less than 3001"),
    (modal(callback_id="x" * 256), "/view/callback_id", "less than 256"),
    (modal(*[{"type": "divider"}] * 101), "/view/blocks", "no more than 100"),
    (modal(text_input("why")), "/view", "missing required field: submit"),
    ({"type": "modal", "blocks": []}, "/view", "missing required field: title"),
    ({"type": "home", "blocks": []}, "/view", "unsupported type: home"),
    (modal(state={}), "/view", "additional property: state"),
]


@pytest.mark.parametrize(("view", "pointer", "message"), REFUSED_VIEWS)
def test_a_view_beyond_a_limit_is_refused_where_it_is_wrong(view, pointer, message):
    problems = problems_of_view(view, "modal")

    assert [each.pointer for each in problems] == [pointer]
    assert message in problems[0].message


async def test_a_refusal_is_told_in_slacks_shape(client):
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(
            channel=GENERAL, text="x", blocks=[{"type": "header", "text": plain("x" * 151)}]
        )

    problem = "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    assert refused.value.response["error"] == "invalid_blocks"
    assert refused.value.response["errors"] == [problem]
    assert refused.value.response["response_metadata"]["messages"] == [f"[ERROR] {problem}"]


async def test_a_refused_update_leaves_the_card_as_it_was(local, client):
    before = [actions(button("go"))]
    ts = (await client.chat_postMessage(channel=GENERAL, text="x", blocks=before))["ts"]

    with pytest.raises(SlackApiError):
        await client.chat_update(
            channel=GENERAL, ts=ts, text="y", blocks=[section(plain("x" * 3001))]
        )

    assert (await local.messages(GENERAL))[0]["text"] == "x"


async def test_blocks_that_are_too_long_together_are_refused(client):
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(
            channel=GENERAL, text="x", blocks=[section(plain("x" * 2900))] * 5
        )

    assert refused.value.response["error"] == "msg_blocks_too_long"


def test_what_fits_one_message_is_counted_in_characters_of_json():
    empty = [section(plain(""))]
    room = 13_200 - len('[{"type":"section","text":{"type":"plain_text","text":""}}]')

    assert not is_too_long(empty)
    assert not is_too_long([section(plain("é" * room))])
    assert is_too_long([section(plain("é" * (room + 1)))])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "options", "element", "label", "action_id", "x"]
            ),
            inner
            | st.sampled_from(
                [
                    "section",
                    "actions",
                    "button",
                    "rich_text",
                    "static_select",
                    "input",
                    "plain_text",
                ]
            ),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_judged_without_an_error(blocks):
    assert isinstance(problems_of_message(blocks), list)
    assert isinstance(problems_of_view(blocks, "modal"), list)
