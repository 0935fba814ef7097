"""An approved call goes on with what its server asked for, once a round, and only where it may."""

import asyncio
import json
from datetime import timedelta

import pytest
from aiohttp import web
from asking_server import ANSWERS, ASKS, Asking
from gateway_stage import CI_BOT, META, OTHER_BOT, modern_headers, now, staged
from hypothesis import given
from hypothesis import strategies as st

from gateway.calls import continuations
from gateway.calls.continuations import Continuations, Leg, restored
from gateway.sealing import Sealer
from gateway.upstreams import Era, UpstreamRequest
from gateway.wire.errors import Rejected
from gateway.wire.json_text import without_member
from policies.values.digests import digest_key

WRITE = {"path": "a.txt"}
ALLOWING = """\
version: 1
rules:
  - {name: all, match: {}, effect: allow}
"""
DENYING = ALLOWING.replace("allow", "deny")


async def send(stage, params, *, number=1, key=CI_BOT, legacy=False):
    """Make a tools/call with these params; return the whole answer."""
    whole = {"name": "write_file", "arguments": WRITE, "_meta": META} | params
    headers = modern_headers("tools/call", "write_file")
    if legacy:
        del whole["_meta"]
        headers = {"MCP-Protocol-Version": "2025-11-25"}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": whole}
    return await stage.post(json.dumps(message).encode(), headers, key=key)


async def asked(stage, **more):
    """Have a call approved; return what its server asks for."""
    call = asyncio.create_task(send(stage, {}, **more))
    (approval,) = await stage.pending()
    await stage.decide(approval.id)
    answer = await call
    return answer.json["result"]


def events(answer):
    """Return the JSON-RPC messages of a stream of events of one or more lines."""
    found = []
    for event in answer.body.decode().split("\n\n"):
        data = [line[5:] for line in event.split("\n") if line.startswith("data:")]
        found += [json.loads("\n".join(data))] if data else []
    return found


def back(result, **more):
    """Return the params that answer what a server asked."""
    return {"inputResponses": ANSWERS, "requestState": result["requestState"]} | more


@pytest.mark.parametrize("state", ['"s\\u00e9cret/1"', None])
async def test_an_approved_call_goes_on_without_asking_people_again(ledger_url, state):
    async with staged(ledger_url, hold="1m") as stage:
        server = stage.server.reply = Asking(state=state)
        result = await asked(stage)
        answer = await send(stage, back(result), number=2)
        ended = await stage.ended(2)

        assert result["resultType"] == "input_required"
        assert result["inputRequests"] == ASKS
        assert "cret" not in result["requestState"]
        assert answer.text == "hello"
        sent = json.loads(server.bodies[1])["params"]
        assert sent["inputResponses"] == ANSWERS
        assert ("requestState" in sent) == (state is not None)
        assert state is None or state.encode() in server.bodies[1]
        assert [event.outcome for event in ended] == ["ok", "ok"]
        assert {event.approval for event in ended} == {ended[0].approval}
        names = await stage.topics()
        assert names.count("ApprovalRequested") == 1
        assert names[-3:] == ["CallDecided", "CallContinued", "CallCompleted"]
        assert stage.reached.index("continued") < len(stage.reached) - 1
        (continued,) = [r.event for r in await stage.ledger.events() if names[-2] == r.event.TOPIC]
        assert json.loads(continued.answers)["name"]["content"] == {
            "name": "Luca",
            "password": "[hidden]",
        }


async def test_rounds_follow_each_other_also_as_events(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = Asking(rounds=3, streams=True)
        call = asyncio.create_task(send(stage, {}))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        answers = [await call]
        for number in (2, 3, 4):
            (told,) = events(answers[-1])
            answers.append(await send(stage, back(told["result"]), number=number))

        assert all(b": hi\n\nid: 1\nevent: message\n" in answer.body for answer in answers)
        (last,) = events(answers[-1])
        assert (last["id"], last["result"]["content"][0]["text"]) == (4, "hello")
        assert (await stage.topics()).count("ApprovalRequested") == 1


async def test_the_bytes_of_a_further_round_are_those_of_the_caller_but_for_the_state(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)
        meta = json.dumps(META).encode()
        state = json.dumps(result["requestState"]).encode()
        body = (
            b'{"params" :{ "requestState" : %s, "_meta":%s,\n"arguments": {"path":"a.txt"} , '
            b'"name":"write_file", "inputResponses":{"name":{"n": 1.00}}},"id":"x",'
            b'"method":"tools/call","jsonrpc":"2.0"}\n'
        )

        await stage.post(body % (state, meta), modern_headers("tools/call", "write_file"))

        assert server.bodies[1] == body % (b'"s\\u00e9cret/1"', meta)


async def test_what_was_asked_is_answered_once(ledger_url):
    async with staged(ledger_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)

        answers = await asyncio.gather(
            *(send(stage, back(result), number=number) for number in range(4))
        )

        told = [a.told["status"] for a in answers if a.json["result"].get("isError")]
        assert told == ["used"] * 3
        assert len(server.bodies) == 2


async def test_over_replicas_what_was_asked_is_answered_once(postgres_url):
    async with (
        staged(postgres_url, hold="1m") as one,
        staged(postgres_url, hold="1m", server=one.server) as two,
    ):
        server = one.server.reply = Asking()
        result = await asked(one)

        answers = await asyncio.gather(*(send(stage, back(result)) for stage in (one, two) * 2))

        assert len([a for a in answers if not a.json["result"].get("isError")]) == 1
        assert len(server.bodies) == 2


async def test_a_restart_changes_nothing(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = Asking()
        result = await asked(stage)
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = Asking(rounds=0)
        answer = await send(stage, back(result))
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = Asking(rounds=0)
        again = await send(stage, back(result))

    assert answer.text == "hello"
    assert again.told["status"] == "used"


async def test_a_policy_that_denies_by_now_denies_the_round(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)
        await stage.policy.activate(DENYING)

        answer = await send(stage, back(result))

        assert answer.told["status"] == "denied_by_policy"
        assert len(server.bodies) == 1


async def test_a_policy_that_asks_for_more_by_now_ends_it(sqlite_url):
    policy = """\
version: 1
rules:
  - {name: two, match: {}, effect: require_approval, approval: {approvals: 2}}
"""
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)
        await stage.policy.activate(policy)

        answer = await send(stage, back(result))

        assert answer.told["status"] == "voided"
        assert "2 approvals" in answer.text
        assert len(server.bodies) == 1


async def test_a_tool_that_changed_by_now_ends_it(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)
        stage.server.tools[1]["description"] = "Writes elsewhere."

        answer = await send(stage, back(result))

        assert answer.told["status"] == "voided"
        assert len(server.bodies) == 1


async def test_a_policy_that_allows_by_now_lets_the_round_go_on_with_the_servers_state(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)
        await stage.policy.activate(ALLOWING)

        answer = await send(stage, back(result))

        assert answer.text == "hello"
        assert b"s\\u00e9cret/1" in server.bodies[1]


def flipped(state):
    """Return a state with one character changed."""
    return state[:40] + ("A" if state[40] != "A" else "B") + state[41:]


@pytest.mark.parametrize(
    "change",
    [
        lambda result: back(result, requestState=flipped(result["requestState"])),
        lambda result: back(result, requestState=result["requestState"][:-4]),
        lambda result: back(result, requestState=result["requestState"] + "="),
        lambda result: back(result, requestState=result["requestState"] + "tampered"),
        lambda result: back(
            result, requestState=result["requestState"][:20] + "!" * 4 + result["requestState"][20:]
        ),
        lambda result: back(result, requestState="placet-state-"),
        lambda result: back(result, requestState="placet-state-\u00e9"),
        lambda result: back(result, arguments={"path": "b.txt"}),
        lambda result: back(result, extra=1),
    ],
)
async def test_a_state_that_was_changed_or_is_of_another_call_is_refused(sqlite_url, change):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)

        answer = await send(stage, change(result), number=9)

        assert (answer.status, answer.error["code"], answer.json["id"]) == (400, -32602, 9)
        assert len(server.bodies) == 1
        assert len(await stage.ledger.approvals()) == 1


async def test_a_state_of_another_agent_is_refused(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)

        answer = await send(stage, back(result), key=OTHER_BOT)

        assert (answer.status, answer.error["code"]) == (400, -32602)
        assert len(server.bodies) == 1


async def test_a_state_that_is_too_old_is_refused(sqlite_url, monkeypatch):
    monkeypatch.setattr(continuations, "_LIFETIME", timedelta(0))
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking()
        result = await asked(stage)

        answer = await send(stage, back(result))

        assert answer.error["code"] == -32602
        assert "expired" in answer.error["message"]
        assert len(server.bodies) == 1


async def test_there_are_only_so_many_rounds(sqlite_url, monkeypatch):
    monkeypatch.setattr(continuations, "MOST_ROUNDS", 2)
    async with staged(sqlite_url, hold="1m") as stage:
        server = stage.server.reply = Asking(rounds=9)
        result = await asked(stage)
        for number in (2, 3):
            result = (await send(stage, back(result), number=number)).json["result"]

        answer = await send(stage, back(result), number=4)

        assert "more than 2 rounds" in answer.error["message"]
        assert len(server.bodies) == 3


@pytest.mark.parametrize("state", ["anything", "", 7, None, {"a": 1}])
async def test_a_state_that_is_none_of_ours_skips_no_gate(sqlite_url, state):
    async with staged(sqlite_url, hold="0s") as stage:
        server = stage.server.reply = Asking(rounds=0)

        answer = await send(stage, {"requestState": state, "inputResponses": ANSWERS})

        assert answer.told["status"] == "pending"
        assert server.bodies == []


async def test_what_is_plainly_allowed_keeps_the_servers_state_and_is_decided_anew(sqlite_url):
    async with staged(sqlite_url, hold="0s", policy=ALLOWING) as stage:
        server = stage.server.reply = Asking()
        result = (await send(stage, {})).json["result"]
        done = await send(stage, back(result), number=2)

        assert result["requestState"] == "s\u00e9cret/1"
        assert done.text == "hello"
        assert json.loads(server.bodies[1])["params"]["requestState"] == "s\u00e9cret/1"
        assert (await stage.topics()).count("CallDecided") == 2


async def test_the_answer_to_a_held_call_is_wrapped_too(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        server = stage.server.reply = Asking()
        meta = META | {"progressToken": "t"}
        call = asyncio.create_task(send(stage, {"_meta": meta}))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        told = events(await call)[-1]
        answer = await send(stage, back(told["result"], _meta=meta))

        assert answer.text == "hello"
        assert len(server.bodies) == 2


async def test_a_legacy_answer_is_never_wrapped(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = Asking()

        result = await asked(stage, legacy=True)

        assert result["requestState"] == "s\u00e9cret/1"


async def test_an_answer_in_pieces_is_wrapped_as_a_whole(sqlite_url):
    asking = Asking()

    async def reply(message, request):
        whole = await asking(message, request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for at in range(0, len(whole.body), 20):
            await response.write(whole.body[at : at + 20])
        return response

    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.reply = reply
        result = await asked(stage)

        assert result["requestState"].startswith("placet-state-")
        assert (await send(stage, back(result))).text == "hello"


SEALER = Sealer([digest_key("a secret of the digests that is long")])
LEG = Leg("apr_1", "k:1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(
    state=st.none() | st.text(),
    more=st.dictionaries(st.text(max_size=3), JSON),
    indent=st.none() | st.just(1),
)
def test_whatever_state_a_server_has_it_gets_it_back(state, more, indent):
    known = Continuations(SEALER, now)
    result = more | {"resultType": "input_required"}
    result |= {} if state is None else {"requestState": state}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, indent=indent).encode()

    wrapped = json.loads(known.wrapped(body, LEG, "ci-bot", "files"))["result"]
    params = {"name": "x", "requestState": wrapped["requestState"]}
    brought = known.brought(params, "ci-bot", "files")
    message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    request = UpstreamRequest("POST", {}, json.dumps(message).encode(), message, Era.MODERN, "x")
    sent = json.loads(restored(request, brought).body)["params"]

    assert {k: v for k, v in wrapped.items() if k != "requestState"} == {
        k: v for k, v in result.items() if k != "requestState"
    }
    assert brought.leg == Leg("apr_1", "k:1", 1)
    assert sent == {"name": "x"} | ({} if state is None else {"requestState": state})


@given(JSON)
def test_a_message_that_asks_for_nothing_is_as_it_was(value):
    known = Continuations(SEALER, now)
    body = json.dumps({"result": value}).encode()

    assert known.wrapped(body, LEG, "ci-bot", "files") == body


@given(st.text())
def test_no_text_makes_a_state_of_ours(text):
    known = Continuations(SEALER, now)

    with pytest.raises(Rejected):
        known.brought({"requestState": f"placet-state-{text}"}, "ci-bot", "files")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a":1}', "{}"),
        ('{ "a" : 1 , "b" : 2 }', '{ "b" : 2 }'),
        ('{"b":2, "a" : "," }', '{"b":2 }'),
        ('{"b":{"a":1},"a":[1,{"x":2}],"c":3}', '{"b":{"a":1},"c":3}'),
    ],
)
def test_one_member_is_taken_out_and_all_else_stays(before, after):
    assert without_member(before, "a") == after
