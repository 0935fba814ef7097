"""Keys and tokens as operators, agents and people meet them: real processes, a local Slack."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from scenarios.stage import BOB, CAT, POLICY, Replica, Stage, stage, until
from token_issuer import FILES, PUBLIC_URL, Issuer

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "content": "hello"}


async def key_of(staged, *arguments):
    code, out, errors = await staged.run("agent", *arguments, "--json")
    assert code == 0, errors
    return json.loads(out)["key"]


async def lets_in(replica, key):
    status, _ = await replica.post(b"{}", key=key)
    return status != 401


@contextlib.asynccontextmanager
async def listening(staged, replicas, key):
    """Open the server's own stream at each replica."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    async with contextlib.AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(
                staged.http.get(f"http://{replica.agents}/mcp/files", headers=headers)
            )
            for replica in replicas
        ]


async def test_replicas_follow_the_keys_that_an_operator_gives_and_takes(tmp_path, postgres_url):
    async with stage(tmp_path, postgres_url) as staged:
        staged.server.streams = True
        replicas = [await staged.serve("one"), await staged.serve("two")]

        async def letting_in(key):
            return sum([await lets_in(replica, key) for replica in replicas])

        async def everywhere(key):
            return await letting_in(key) == 2

        async def nowhere(key):
            return await letting_in(key) == 0

        first = await key_of(staged, "add", "nightly", "--team", "platform", "--owner", "alice")
        await until(lambda: everywhere(first))
        second = await key_of(staged, "rotate", "nightly", "--grace", "1h")
        await until(lambda: everywhere(second))
        during = await everywhere(first)
        third = await key_of(staged, "rotate", "nightly")
        await until(lambda: everywhere(third))
        after = [await nowhere(key) for key in (first, second)]
        async with listening(staged, replicas, third) as streams:
            await staged.run("agent", "revoke", "nightly")
            await until(lambda: nowhere(third))
            assert [stream.status for stream in streams] == [200, 200]
            async with asyncio.timeout(60):
                for stream in streams:
                    with contextlib.suppress(aiohttp.ClientError):
                        assert await stream.content.read() == b""

        assert during
        assert after == [True, True]


async def test_a_grace_that_ended_lets_nobody_in_any_more(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as staged:
        replica = await staged.serve()
        first = await key_of(staged, "add", "nightly", "--team", "platform", "--owner", "alice")
        await until(lambda: lets_in(replica, first))
        second = await key_of(staged, "rotate", "nightly", "--grace", "2s")
        await until(lambda: lets_in(replica, second))

        async def ended():
            return not await lets_in(replica, first)

        await until(ended)
        assert await lets_in(replica, second)


def written(staged, name, **more):
    """Write a configuration of the stage with more agents; return the replica that it is of."""
    replica = Replica(staged, name)
    settings = json.loads(staged.configuration(replica))
    settings["agents"] |= more
    replica.config.write_text(json.dumps(settings))
    staged.replicas.append(replica)
    return replica


async def test_an_agent_in_the_file_and_in_the_ledger_keeps_the_service_from_starting(
    tmp_path, sqlite_url
):
    async with stage(tmp_path, sqlite_url) as staged:
        written(staged, "placet")
        await key_of(staged, "add", "nightly", "--team", "platform", "--owner", "alice")
        also = {"team": "platform", "owner": "alice", "key_sha256": "ab" * 32}
        staged.replicas.clear()
        written(staged, "other", nightly=also)

        code, _, errors = await staged.run("serve")
        revoked = await staged.run("agent", "revoke", "nightly")

        assert code == 2
        assert "agent `nightly` is in the configuration and in the ledger" in errors
        assert "Traceback" not in errors
        assert revoked[0] == 0


class TokenStage(Stage):
    """A stage whose agent `web` comes with tokens, for people that the issuer names."""

    issuer: Issuer

    def configuration(self, replica):
        settings = json.loads(super().configuration(replica))
        for name in ("alice", "bob", "cat"):
            settings["people"][name]["subject"] = f"{name}@example.com"
        web = {"team": "platform", "owner": "alice", "client_id": "web-client"}
        settings["agents"]["web"] = web
        settings["gateway"]["public_url"] = PUBLIC_URL
        acme = {"issuer": self.issuer.url, "jwks": {"url": f"{self.issuer.url}/keys"}}
        settings["identity"] = {"issuers": {"acme": acme}}
        return json.dumps(settings, indent=1)


@contextlib.asynccontextmanager
async def token_stage(folder, url):
    opened = TokenStage(folder, url, POLICY, "1s")
    opened.issuer = Issuer()
    await opened.issuer.start()
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
        await opened.issuer.close()


async def test_the_person_whom_a_token_names_cannot_approve_in_slack_and_others_can(
    tmp_path, ledger_url
):
    async with token_stage(tmp_path, ledger_url) as staged:
        replica = await staged.serve()
        token = staged.issuer.token(aud=FILES, sub="bob@example.com")
        pending = await replica.call("write_file", WRITE, key=token)

        card = await staged.card()
        own = await staged.press(BOB, "approval.approve")
        still = await replica.call("write_file", WRITE, key=token)
        await staged.workspace.click(CAT, "C0PLATFORM", card["ts"], "approval.approve")
        await staged.card_saying("approved")
        done = await replica.call("write_file", WRITE, key=token)

        assert "someone else has to decide" in own
        assert pending["isError"]
        assert still["isError"]
        assert "bob" in json.dumps(card)
        assert not done.get("isError", False)
        assert (await staged.events()).count("ApprovalDispatched") == 1


async def test_an_issuer_that_was_never_there_shows_in_readiness_and_keys_go_on(
    tmp_path, sqlite_url
):
    async with token_stage(tmp_path, sqlite_url) as staged:
        await staged.issuer.close()
        replica = Replica(staged, "placet")
        staged.replicas.append(replica)
        starting = asyncio.create_task(replica.start())

        async def listens():
            return (await replica.readiness())[0]

        await until(listens)
        starting.cancel()
        status, text = await replica.readiness()
        read = await replica.call("read_file", {"path": "a.txt"})

        assert status == 503
        assert "the keys of issuer `acme` cannot be had" in text
        assert not read.get("isError", False)


async def test_check_reads_the_keys_that_are_in_a_file(tmp_path, sqlite_url):
    async with token_stage(tmp_path, sqlite_url) as staged:
        replica = written(staged, "placet")
        settings = json.loads(replica.config.read_text())
        settings["identity"]["issuers"]["acme"]["jwks"] = {"file": "keys.json"}
        replica.config.write_text(json.dumps(settings))

        missing = await staged.run("check")
        (tmp_path / "keys.json").write_text(json.dumps({"keys": []}))
        empty = await staged.run("check")
        (tmp_path / "keys.json").write_text(json.dumps({"keys": staged.issuer.keys}))
        good = await staged.run("check")

        said = "the keys of issuer `acme` cannot be read from the file"
        assert (missing[0], said in missing[2], "No such file" in missing[2]) == (1, True, True)
        assert (empty[0], said in empty[2], "no public key" in empty[2]) == (1, True, True)
        assert good[0] == 0, good[2]
