"""Agents come with tokens of an issuer, for one server or all, on behalf of people."""

import asyncio
import contextlib
import json
import re
import time
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from gateway_stage import CI_BOT, configuration_text, now, staged, until
from standing_streams import hung_up, listening
from token_issuer import EC_KEY, ED_KEY, FILES, OTHER, OTHER_RSA_KEY, PUBLIC_URL, jwk
from token_stage import AGENTS, taking_tokens, trusting

from gateway.identity.issuer_keys import Renewal
from gateway.identity.resources import Resources
from gateway.identity.token_callers import TokenCallers
from gateway.identity.tokens import BadToken
from ledger.events.evidence import Evidence
from ledger.lives.votes import CastVote
from policies.configuration.configuration import parse_configuration

LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
LISTING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()
METADATA = f"{PUBLIC_URL}/.well-known/oauth-protected-resource"
NOT_GOOD = "the key or token is not good, or not any more; get another one"
CHALLENGE = (
    f'Bearer realm="placet", error="invalid_token", error_description="{NOT_GOOD}",'
    f' resource_metadata="{METADATA}/mcp/files"'
)


@pytest.fixture
async def stage(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer) as opened:
        yield opened


async def listed(stage, token, server="files"):
    return await stage.post(LISTING, LEGACY, key=token, server=server)


@pytest.mark.parametrize(
    "how", [{}, {"key": EC_KEY, "algorithm": "ES256"}, {"key": ED_KEY, "algorithm": "EdDSA"}]
)
async def test_a_token_of_the_issuer_lets_the_agent_call(stage, issuer, how):
    answer = await stage.call("read_file", key=issuer.token(**how))
    again = await stage.call("read_file", key=CI_BOT)

    assert answer.text == again.text == "done: read_file"
    decided = [r.event for r in await stage.ledger.events() if r.event.TOPIC == "CallDecided"]
    assert [(e.agent, e.agent_team, e.owner, e.on_behalf_of) for e in decided] == [
        ("web", "platform", "alice", "bob"),
        ("ci-bot", "platform", "alice", None),
    ]


async def test_what_a_token_says_never_goes_to_the_server(stage, issuer):
    token = issuer.token()

    await stage.call("read_file", key=token)

    (headers,) = (h for _, h, body in stage.server.seen if b"tools/call" in body)
    assert headers["Authorization"] == "Bearer upstream-secret"
    assert token not in str(stage.server.seen)


async def test_a_token_is_for_one_server_or_for_all_of_them(stage, issuer):
    own = await listed(stage, issuer.token(aud=FILES))
    whole = await listed(stage, issuer.token(aud=PUBLIC_URL))
    slashed = await listed(stage, issuer.token(aud=f"{PUBLIC_URL}/"))
    among = await listed(stage, issuer.token(aud=["https://else.example", FILES]))

    assert [answer.status for answer in (own, whole, slashed, among)] == [200] * 4


@pytest.mark.parametrize(
    "audience",
    [
        OTHER,
        f"{FILES}/",
        f"{FILES}?",
        FILES.upper(),
        f"{PUBLIC_URL}//",
        f"{PUBLIC_URL}/mcp",
        f"{PUBLIC_URL}.evil.example/mcp/files",
        "http://placet.acme.example/mcp/files",
        "web-client",
        "files",
        ["https://else.example"],
    ],
    ids=str,
)
async def test_a_token_for_anything_else_is_refused(stage, issuer, audience):
    answer = await listed(stage, issuer.token(aud=audience))

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, CHALLENGE)


async def test_a_token_that_was_taken_at_its_server_is_refused_at_another(stage, issuer):
    token = issuer.token(aud=FILES)
    at_home = await listed(stage, token)

    elsewhere = await listed(stage, token, server="other")

    assert (at_home.status, elsewhere.status) == (200, 401)


async def test_an_audience_of_the_configuration_is_good_for_every_server(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer, ", audience: [placet]") as stage:
        answer = await listed(stage, issuer.token(aud="placet"))

        assert answer.status == 200


async def test_whoever_is_not_known_hears_the_same_whatever_was_sent(stage, issuer):
    stale = issuer.token(iat=1_000_000, exp=1_000_600)
    answers = [
        await listed(stage, "an-unknown-key-0123456789-0123456789-01234"),
        await listed(stage, stale),
        await listed(stage, issuer.token(key=OTHER_RSA_KEY)),
        await listed(stage, issuer.token(iss="https://evil.example")),
        await listed(stage, issuer.token(aud=OTHER)),
        await listed(stage, issuer.token(headers={"kid": "made-up"})),
        await listed(stage, "a.b.c"),
        await listed(stage, "x" * 7000),
    ]

    assert {(a.status, a.headers["WWW-Authenticate"], a.body) for a in answers} == {
        (401, CHALLENGE, answers[0].body)
    }
    assert answers[0].error == {"code": -31001, "message": NOT_GOOD}


async def test_nobody_learns_which_servers_there_are(stage, issuer):
    sent = [("", None), ("unknown-key" * 4, None), (issuer.token(key=OTHER_RSA_KEY), None)]
    for key, _ in sent:
        there = await listed(stage, key)
        not_there = await listed(stage, key, server="nowhere")

        told = not_there.headers["WWW-Authenticate"].replace("nowhere", "files")
        assert (not_there.status, told) == (401, there.headers["WWW-Authenticate"])
        assert not_there.body == there.body


async def test_without_a_token_the_challenge_names_no_error(stage):
    answer = await listed(stage, None)

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (
        401,
        f'Bearer realm="placet", resource_metadata="{METADATA}/mcp/files"',
    )


@pytest.mark.parametrize("server", ['fi"les', "fi%22les", "fi%0d%0aX-Evil:%20les", "..%2f", "%5c"])
async def test_what_is_no_name_of_a_server_is_not_said_again(stage, server):
    async with stage.http.get(f"{stage.url}/mcp/{server}") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == (
            f'Bearer realm="placet", resource_metadata="{METADATA}"'
        )


async def test_a_token_in_the_address_is_never_taken(stage, issuer):
    token = issuer.token()
    for name, headers in (
        ("access_token", {}),
        ("access%5Ftoken", {}),
        ("access_token", {"Authorization": f"Bearer {token}"}),
    ):
        url = f"{stage.url}/mcp/files?{name}={token}"
        async with stage.http.post(url, data=LISTING, headers=LEGACY | headers) as answer:
            assert (answer.status, json.loads(await answer.read())["error"]["code"]) == (
                400,
                -32600,
            )
            assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]
            assert token not in await answer.text()


async def test_a_token_that_is_sent_twice_is_refused(stage, issuer):
    headers = [("Authorization", f"Bearer {issuer.token()}")] * 2
    async with stage.http.post(f"{stage.url}/mcp/files", data=LISTING, headers=headers) as answer:
        assert answer.status == 400
        assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"client_id": "unknown"}, "`unknown`, the token's `client_id`, is no agent here"),
        ({"sub": "mallory@example.com"}, "`mallory@example.com`, the token's `sub`, is nobody"),
        ({"act": {"sub": "other"}}, "names another as its actor"),
    ],
)
async def test_a_good_token_of_somebody_unknown_is_told_so(stage, issuer, claims, words):
    answer = await listed(stage, issuer.token(**claims))

    assert (answer.status, answer.error["code"]) == (403, -31011)
    assert words in answer.error["message"]
    assert "WWW-Authenticate" not in answer.headers


async def test_a_token_needs_all_the_scopes_of_the_configuration(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer, ", scopes: [tools, placet]") as stage:
        lacking = await listed(stage, issuer.token(scope="placet"))
        enough = await listed(stage, issuer.token(scope="placet openid tools"))
        nothing = await listed(stage, None)
        denied = await stage.call("drop_table", key=issuer.token(scope="placet tools"))

        assert (lacking.status, lacking.error["code"]) == (403, -31011)
        assert lacking.headers["WWW-Authenticate"] == (
            'Bearer realm="placet", error="insufficient_scope",'
            ' error_description="the token lacks a scope; get one with all that are named",'
            f' scope="tools placet", resource_metadata="{METADATA}/mcp/files"'
        )
        assert enough.status == 200
        assert 'scope="tools placet"' in nothing.headers["WWW-Authenticate"]
        assert denied.status == 200
        assert "dropping is done by people" in denied.text
        assert (await described(stage, "/mcp/files"))["scopes_supported"] == ["tools", "placet"]


async def described(stage, tail):
    url = f"{stage.url}/.well-known/oauth-protected-resource{tail}"
    async with stage.http.get(url) as answer:
        if answer.status != 200:
            return answer.status
        assert answer.content_type == "application/json"
        return json.loads(await answer.read())


@pytest.mark.parametrize(
    ("tail", "resource"),
    [
        ("/mcp/files", FILES),
        ("/mcp/files/", FILES),
        ("/mcp/nowhere", f"{PUBLIC_URL}/mcp/nowhere"),
        ("", PUBLIC_URL),
        ("/", PUBLIC_URL),
    ],
)
async def test_anybody_is_told_who_makes_tokens_for_what(stage, issuer, tail, resource):
    assert await described(stage, tail) == {
        "resource": resource,
        "authorization_servers": [issuer.url],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize(
    "tail",
    ["/mcp", "/mcp/", "/mcp/Files", "/mcp/fi%22les", "/mcp/a/b", "/v1", "x", "/mcp/" + "a" * 65],
)
async def test_nothing_is_told_of_what_can_be_no_server(stage, tail):
    assert await described(stage, tail) == 404


async def test_below_a_path_the_metadata_stand_beside_it(sqlite_url, issuer):
    url = f"{PUBLIC_URL}/placet"
    async with taking_tokens(sqlite_url, issuer, public_url=f"{url}/") as stage:
        refused = await listed(stage, None)
        taken = await listed(stage, issuer.token(aud=f"{url}/mcp/files"))
        told = [await described(stage, tail) for tail in ("/placet/mcp/files", "/mcp/files")]
        whole = await described(stage, "/placet")

        assert f'"{METADATA}/placet/mcp/files"' in refused.headers["WWW-Authenticate"]
        assert taken.status == 200
        assert [found["resource"] for found in told] == [f"{url}/mcp/files"] * 2
        assert whole["resource"] == url


async def test_the_challenge_leads_to_metadata_of_what_was_asked_for(sqlite_url, issuer, free_port):
    async with taking_tokens(sqlite_url, issuer, public_url="http://127.0.0.1:1") as stage:
        refused = await listed(stage, None)
        (found,) = re.findall(r'resource_metadata="([^"]*)"', refused.headers["WWW-Authenticate"])

        here = found.replace("http://127.0.0.1:1", stage.url)
        async with stage.http.get(here) as answer:
            assert (await answer.json())["resource"] == "http://127.0.0.1:1/mcp/files"


async def test_without_issuers_there_are_no_metadata_and_the_challenge_names_none(sqlite_url):
    async with staged(sqlite_url) as stage:
        refused = await listed(stage, None)
        wrong = await listed(stage, "unknown")

        assert await described(stage, "/mcp/files") == 404
        assert await described(stage, "") == 404
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="placet"'
        assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


async def test_the_name_of_the_public_address_is_answered_to(stage, issuer):
    headers = LEGACY | {"Host": "placet.acme.example"}

    answer = await stage.post(LISTING, headers, key=issuer.token())

    assert answer.status == 200


async def test_a_key_that_the_issuer_has_since_just_now_is_fetched(stage, issuer):
    issuer.keys.append(jwk(OTHER_RSA_KEY, "new"))

    answers = await asyncio.gather(
        *(listed(stage, issuer.token(key=OTHER_RSA_KEY, headers={"kid": "new"})) for _ in range(5))
    )

    assert {answer.status for answer in answers} == {200}
    assert issuer.asked == 2


@pytest.mark.parametrize("key_id", ["rsa", None])
async def test_a_key_that_took_the_place_of_another_is_fetched(stage, issuer, key_id):
    issuer.keys = [jwk(OTHER_RSA_KEY, key_id)]
    new = issuer.token(key=OTHER_RSA_KEY, headers={"kid": key_id})

    assert (await listed(stage, new)).status == 200
    assert (await listed(stage, issuer.token(headers={"kid": key_id}))).status == 401
    assert issuer.asked == 2


async def test_made_up_key_ids_neither_flood_the_issuer_nor_hold_others_up(stage, issuer):
    issuer.gate.clear()
    held = [
        asyncio.create_task(listed(stage, issuer.token(headers={"kid": f"made-up-{number}"})))
        for number in range(200)
    ]

    async def asked():
        return issuer.asked == 2

    await until(asked)
    beside = await listed(stage, issuer.token())
    with_key = await listed(stage, CI_BOT)
    issuer.gate.set()
    answers = await asyncio.gather(*held)

    assert (beside.status, with_key.status) == (200, 200)
    assert {answer.status for answer in answers} == {401}
    assert issuer.asked == 2


async def test_strangers_who_wait_for_an_issuer_that_hangs_leave_room_for_others(
    sqlite_url, issuer
):
    def crowded(text):
        return trusting(issuer)(text).replace(
            "gateway: {", "gateway: {capacity: {connections: 8}, "
        )

    async with staged(sqlite_url, agents=AGENTS, rewrite=crowded) as stage:

        async def keys_known():
            return not stage.gateway.identity_troubles()

        await until(keys_known)
        issuer.gate.clear()
        knocking = [
            asyncio.create_task(listed(stage, issuer.token(headers={"kid": f"made-up-{number}"})))
            for number in range(8)
        ]
        await asyncio.wait(knocking, timeout=1)  # longer than any takes that need not wait

        assert (await listed(stage, CI_BOT)).status == 200
        issuer.gate.set()
        assert {answer.status for answer in await asyncio.gather(*knocking)} == {401}


async def test_tokens_count_while_the_issuer_is_away(stage, issuer):
    token = issuer.token()
    await issuer.close()

    assert (await listed(stage, token)).status == 200
    assert (await listed(stage, issuer.token(sub="cat@example.com"))).status == 200


async def test_before_the_issuer_was_there_tokens_are_not_called_bad_and_keys_are_good(
    sqlite_url, issuer
):
    token = issuer.token()
    await issuer.close()
    rewrite = trusting(issuer)
    async with staged(sqlite_url, agents=AGENTS, rewrite=rewrite) as stage:
        answer = await listed(stage, token)
        with_key = await listed(stage, CI_BOT)

        assert (answer.status, answer.error["code"]) == (503, -31008)
        assert answer.headers["Retry-After"] == "10"
        assert with_key.status == 200
        assert "the keys of issuer `acme` cannot be had" in stage.gateway.identity_troubles()[0]


async def test_a_token_that_is_remembered_ends_when_its_key_is_withdrawn(stage, issuer):
    token, other = issuer.token(), issuer.token(key=EC_KEY, algorithm="ES256")
    first = await listed(stage, token)
    issuer.keys = [jwk(EC_KEY, "ec")]
    await listed(stage, issuer.token(headers={"kid": "made-up"}))

    second = await listed(stage, token)

    assert (first.status, second.status, (await listed(stage, other)).status) == (200, 401, 200)


async def test_sessions_and_held_calls_belong_to_the_person_too(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer, hold="1m") as stage:
        stage.server.sessions = True
        bobs, cats = issuer.token(), issuer.token(sub="cat@example.com")
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {}},
        }
        begun = await stage.post(json.dumps(message).encode(), key=bobs)
        session = LEGACY | {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}

        own = await stage.post(LISTING, session, key=bobs)
        foreign = await stage.post(LISTING, session, key=cats)

        assert (own.status, foreign.status) == (200, 404)


async def test_somebody_elses_held_call_cannot_be_called_off(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer, hold="1m") as stage:
        held = asyncio.create_task(stage.call("write_file", key=issuer.token(), legacy=True))
        (approval,) = await stage.pending()
        off = {
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": 1},
        }

        cats = issuer.token(sub="cat@example.com")
        await stage.post(json.dumps(off).encode(), LEGACY, key=cats)
        await vote(stage, approval.id, "CAT")

        assert (await held).text == "done: write_file"


async def test_what_a_token_let_in_ends_with_the_token(sqlite_url, issuer):
    patient = AGENTS.replace("client_id", "hold: 1m, client_id")
    async with taking_tokens(sqlite_url, issuer, ", leeway: 0s", agents=patient) as stage:
        token, before = issuer.token(exp=time.time() + 6), stage.server.listeners
        held = asyncio.create_task(stage.call("write_file", key=token))
        (approval,) = await stage.pending()
        async with (
            listening(stage, token, legacy=True) as old,
            listening(stage, token, legacy=False) as new,
        ):
            await hung_up(stage, old, before)
            await hung_up(stage, new, before)
        await vote(stage, approval.id, "CAT")
        answer = await held
        again = await stage.call("write_file", key=issuer.token())

        assert b"the token of agent `web` has ended; call again with another" in answer.body
        assert again.text == "done: write_file"
        assert len(stage.server.calls()) == 1


async def vote(stage, approval, name):
    """Have somebody say yes on the card, and return what became of it."""
    known = await stage.ledger.approval(approval)
    if not known.cards:
        await stage.decide(approval, approves=True)  # posts the card; bob's own vote may not count
    known = await stage.ledger.approval(approval)
    if known.status != "pending":
        return []
    evidence = Evidence(slack=f"T0ACME/U0{name}", fetched_at=await stage.ledger.now())
    command = CastVote(
        id=f"vote:{approval}:{name}",
        actor=f"person:{name.lower()}",
        approval=approval,
        approves=True,
        reason=None,
        channel="C0PLATFORM",
        ts="1.1",
        revision=1,
        whole=True,
        evidence=evidence,
        voters=(),
    )
    return [recorded.event for recorded in await stage.ledger.execute(command)]


async def test_the_person_on_whose_behalf_an_agent_acts_never_approves_that(ledger_url, issuer):
    async with taking_tokens(ledger_url, issuer, hold="0s") as stage:
        token = issuer.token(sub="bob@example.com")
        asked = await stage.call("write_file", key=token)
        (approval,) = await stage.pending()

        (refused,) = (r.event for r in await stage.decide(approval.id))
        still = await stage.call("write_file", key=token)
        await vote(stage, approval.id, "CAT")
        others = await stage.call("write_file", key=issuer.token(sub="cat@example.com"))
        done = await stage.call("write_file", key=token)

        assert approval.request.on_behalf_of == "bob"
        assert (refused.TOPIC, refused.because) == ("VoteRefused", "own-request")
        assert asked.told["status"] == still.told["status"] == "pending"
        assert others.told["status"] == "pending"
        assert done.text == "done: write_file"
        assert len(stage.server.calls()) == 1


POLICY = """\
version: 1
default: deny
rules:
  - {name: cats, match: {on_behalf_of: "c*"}, effect: allow}
  - name: bobs
    match: {on_behalf_of: bob}
    when: agent.on_behalf_of == "bob"
    effect: require_approval
"""


async def test_rules_look_at_the_person(sqlite_url, issuer):
    agents = AGENTS + "\n  batch: {team: platform, owner: alice, client_id: batch-client}"
    async with taking_tokens(sqlite_url, issuer, policy=POLICY, hold="0s", agents=agents) as stage:
        cats = await stage.call("read_file", key=issuer.token(sub="cat@example.com"))
        bobs = await stage.call("read_file", key=issuer.token(sub="bob@example.com"))
        alices = await stage.call("read_file", key=issuer.token(sub="alice@example.com"))
        nobodys = issuer.token(client_id="batch-client", sub="batch-client")

        assert cats.text == "done: read_file"
        assert bobs.told["status"] == "pending"
        assert alices.told["status"] == "denied_by_policy"
        assert (await stage.call("read_file", key=nobodys)).told["status"] == "denied_by_policy"


@contextlib.asynccontextmanager
async def callers(issuer, clock, tmp_path):
    """Give what knows callers by tokens, at a time that `clock` tells."""
    text = trusting(issuer)(configuration_text("http://127.0.0.1:1/", "0s", AGENTS))
    found = TokenCallers(
        parse_configuration(text, {}), Resources(PUBLIC_URL), tmp_path, clock, Renewal()
    )
    await found.issuers.start()

    async def known():
        return not found.issuers.troubles()

    await until(known)
    yield lambda token: found.caller(token, sha256(token.encode()).digest(), "files"), found
    await found.issuers.close()


async def test_a_token_that_is_remembered_is_not_believed_beyond_its_end(issuer, tmp_path):
    times = [now()]
    token = issuer.token()
    ends = issuer.claims()["exp"]
    async with callers(issuer, lambda: times[0], tmp_path) as (caller, _):
        assert caller(token).name == "web"
        times[0] = datetime.fromtimestamp(ends + 29, UTC)
        assert caller(token).name == "web"
        times[0] = datetime.fromtimestamp(ends + 31, UTC)

        with pytest.raises(BadToken, match="it has expired"):
            caller(token)


async def test_what_is_remembered_of_tokens_has_an_end(issuer, tmp_path):
    async with callers(issuer, now, tmp_path) as (caller, found):
        for number in range(4200):
            caller(issuer.token(key=ED_KEY, algorithm="EdDSA", jti=str(number)))

        assert len(found._remembered) == 4096


async def test_a_token_that_is_not_believed_is_not_remembered(issuer, tmp_path):
    async with callers(issuer, now, tmp_path) as (caller, found):
        for key_id in ("made-up", "rsa"):
            with pytest.raises(BadToken):
                caller(issuer.token(key=OTHER_RSA_KEY, headers={"kid": key_id}))

        assert len(found._remembered) == 0


async def test_over_v1_a_token_is_for_placet_as_a_whole(stage, issuer):
    statuses = []
    for audience in (PUBLIC_URL, FILES, OTHER):
        headers = {"Authorization": f"Bearer {issuer.token(aud=audience)}"}
        async with stage.http.get(f"{stage.url}/v1/decisions/call_none", headers=headers) as told:
            statuses.append(told.status)

    assert statuses == [404, 401, 401]


async def test_what_operators_read_an_agents_token_may_not_and_another_is_nobodys(stage, issuer):
    answers = []
    for token in (issuer.token(aud=PUBLIC_URL), issuer.token(aud=PUBLIC_URL, key=OTHER_RSA_KEY)):
        headers = {"Authorization": f"Bearer {token}"}
        async with stage.http.get(f"{stage.url}/v1/approvals", headers=headers) as told:
            answers.append((told.status, "WWW-Authenticate" in told.headers))

    assert answers == [(403, False), (401, True)]
