"""Every client lists and calls, is denied, waits for people, is held and gives up."""

import itertools
import uuid

import pytest
from clients.conftest import CLIENTS, WITH_TASKS
from clients.driven import Place
from mcp import Client
from scenarios.stage import BOB, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

PENDING = "Pending"
WITHOUT_TASKS = [name for name in CLIENTS if name not in WITH_TASKS]

without_tasks = pytest.mark.parametrize("client", WITHOUT_TASKS, indirect=True, scope="module")
with_tasks = pytest.mark.parametrize("client", WITH_TASKS, indirect=True, scope="module")


@pytest.fixture
def note():
    """Give a name that no other test writes to."""
    return f"note-{uuid.uuid4().hex[:8]}"


async def approve(placet, note):
    """Have bob approve the call whose card names a note."""
    told = await placet.press(BOB, "approval.approve", saying=note)
    assert "Approved" in told


async def written(server, note):
    """Return what is in a note, past the gateway."""
    async with Client(server) as direct:
        said = await direct.call_tool("read_note", {"name": note})
    return said.structured_content["text"]


def text(result):
    return result["content"][0]["text"]


def untyped(result):
    """Return a result without its `resultType`, which clients show or do not."""
    return {name: value for name, value in result.items() if name != "resultType"}


async def test_it_lists_the_tools_but_for_the_one_that_is_always_denied(client, at_once):
    tools = await client.tools(at_once)

    assert {"read_note", "write_note", "read_slowly"} <= set(tools)
    assert "write_slowly" not in tools


async def test_an_allowed_call_answers_what_the_server_answers(client, at_once, server):
    through = await client.call(at_once, "read_note", name="nobody's").result()
    direct = await client.call(Place(server, "none"), "read_note", name="nobody's").result()

    assert untyped(through) == untyped(direct)
    assert through["structuredContent"]["sign"] == "\u00e9\u202e"


async def test_a_denied_call_is_an_error_result_that_says_why(client, at_once, server, note):
    told = await client.call(at_once, "write_note", name=note, text="").result()

    assert told["isError"] is True
    assert "write something" in text(told)


@without_tasks
async def test_pending_then_approved_then_repeated(client, at_once, placet, server, note):
    pending = await client.call(at_once, "write_note", name=note, text="x").result()
    await approve(placet, note)
    done = await client.call(at_once, "write_note", name=note, text="x").result()
    again = await client.call(at_once, "write_note", name=note, text="x").result()

    assert pending["isError"] is True
    assert PENDING in text(pending)
    assert not done.get("isError")
    assert text(done) == f"{note}: x"
    assert PENDING in text(again)
    assert await written(server, note) == "x"


@without_tasks
async def test_a_held_call_hears_of_it_and_runs_once_it_is_approved(
    client, patient, placet, server, note
):
    call = client.call(patient, "write_note", name=note, text="x")
    if client.hears_progress:
        await until(lambda: heard(call))
    await approve(placet, note)
    done = await call.result()

    assert text(done) == f"{note}: x"
    assert await written(server, note) == "x"
    values = [value for value, _, _ in call.progress]
    assert all(before < after for before, after in itertools.pairwise(values))


@with_tasks
async def test_a_call_that_waits_is_a_task_to_which_the_client_keeps(
    client, at_once, placet, server, note
):
    call = client.call(at_once, "write_note", name=note, text="x")
    await approve(placet, note)
    done = await call.result()

    assert text(done) == f"{note}: x"
    assert await written(server, note) == "x"


async def test_a_call_that_is_given_up_runs_nothing_until_it_is_made_again(
    client, patient, placet, server, note
):
    call = client.call(patient, "write_note", name=note, text="x")
    await placet.card(saying=note)
    if client.hears_progress:
        await until(lambda: heard(call))
    await client.cancel(call)
    await until(lambda: placet.replicas[0].holds(0))
    await approve(placet, note)
    untouched = await written(server, note)
    done = await client.call(patient, "write_note", name=note, text="x").result()

    assert untouched == ""
    assert text(done) == f"{note}: x"
    assert await written(server, note) == "x"


async def heard(call):
    return any("waiting for approval" in message for _, _, message in call.progress)
