"""The service starts whole or not at all, says why not, and ends without losing what it began."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import tempfile
from contextlib import closing

import forked
import pytest
from scenarios.stage import BOB, CI_BOT, OTHER_BOT, Replica, stage, until

pytestmark = pytest.mark.timeout(180)

READ = {"path": "a.txt"}


@pytest.fixture
async def staged(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as opened:
        yield opened


async def placet(*arguments, folder, **variables):
    """Run a command to its end; return its exit code, output and errors."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}  # noqa: TID251
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = await forked.start(["placet", *arguments], environment, stdout=out, stderr=errors)
        code = await asyncio.wait_for(process.wait(), 60)
        out.seek(0)
        errors.seek(0)
        return code, out.read().decode(), errors.read().decode()


async def serve(config, folder, *arguments):
    """Run `placet serve`, which is expected to end by itself."""
    keys = {"CI_BOT_KEY": CI_BOT, "OTHER_BOT_KEY": OTHER_BOT}
    return await placet("serve", "--config", str(config), *arguments, folder=folder, **keys)


def written(staged, name="other", **changes):
    """Write a configuration of the stage with some sections changed; return its path."""
    settings = json.loads(staged.configuration(Replica(staged, name))) | changes
    path = staged.folder / f"{name}.yaml"
    path.write_text(json.dumps(settings, indent=1))
    return path


async def test_everything_that_is_wrong_is_told_at_once_and_nothing_starts(staged, tmp_path):
    (tmp_path / "policy.yaml").write_text("version: 1\nrules: [{name: x, effect: perhaps}]\n")
    config = written(staged, listen={"agents": "nowhere"}, slak={})

    code, out, errors = await placet("serve", "--config", str(config), folder=tmp_path)

    assert (code, out) == (2, "")
    for wrong in ("`slak`", "`operations`", "`agents`", "CI_BOT_KEY", "OTHER_BOT_KEY", "`effect`"):
        assert wrong in errors
    assert "Traceback" not in errors


async def test_check_says_the_same_and_exits_1(staged, tmp_path):
    config = written(staged, listen={"agents": "nowhere"})

    code, out, errors = await placet("check", "--config", str(config), folder=tmp_path)

    assert (code, out) == (1, "")
    assert "CI_BOT_KEY" in errors
    assert not (tmp_path / "placet.db").exists()


async def test_check_of_valid_files_exits_0(staged, tmp_path):
    config = written(staged)

    code, out, _ = await placet(
        *("check", "--config", str(config)),
        folder=tmp_path,
        CI_BOT_KEY=CI_BOT,
        OTHER_BOT_KEY=OTHER_BOT,
    )

    assert code == 0
    assert "ok, 1 server, 2 agents, 2 teams" in out


async def test_a_server_that_only_observes_is_loud_in_check_log_and_readiness(staged, tmp_path):
    settings = json.loads(staged.configuration(Replica(staged, "placet")))
    settings["servers"]["files"]["observe"] = True
    staged.configuration = lambda replica: json.dumps(
        settings | {"listen": {"agents": replica.agents, "operations": replica.operations}}
    )
    replica = await staged.serve()

    dropped = await replica.call("drop_table", {"table": "users"})
    status, said = await replica.readiness()
    code, out, _ = await staged.run("check")
    explained = await staged.run("explain", "files/drop_table", "--agent", "ci-bot")
    logged = await staged.run("audit", "log", "--event", "CallDecided")

    assert dropped["content"][0]["text"].startswith("done: drop_table")
    assert (status, code) == (200, 0)
    for text in (said, out, replica.log.read_text(), explained[1], logged[1]):
        assert "only observes" in text


async def test_a_second_serve_on_one_ledger_and_taken_addresses_are_told_at_once(staged, tmp_path):
    replica = await staged.serve()
    config = written(staged, listen={"agents": replica.agents, "operations": replica.operations})

    code, _, errors = await serve(config, tmp_path)

    assert code == 2
    assert f"cannot listen on `{replica.agents}`" in errors
    assert f"cannot listen on `{replica.operations}`" in errors
    assert "placet.db" in errors


async def test_a_second_serve_on_one_sqlite_ledger_refuses_to_start(staged, tmp_path):
    await staged.serve()

    code, _, errors = await serve(written(staged), tmp_path)

    assert code == 2
    assert "placet.db" in errors
    assert "Traceback" not in errors


async def test_commands_work_beside_a_running_service(staged):
    replica = await staged.serve()
    await replica.call("read_file", READ)

    code, out, errors = await staged.run("audit", "log")

    assert code == 0, errors
    assert "CallDecided" in out


async def test_sigterm_lets_a_running_call_end(staged):
    replica = await staged.serve()
    await replica.call("read_file", READ)
    staged.server.gate.clear()
    call = asyncio.create_task(replica.call("read_file", {"path": "slow.txt"}))
    await until(lambda: running(staged, "slow.txt"))

    replica.process.send_signal(signal.SIGTERM)
    await until(lambda: draining(replica))
    staged.server.gate.set()
    result = await call

    assert result["content"][0]["text"] == "done: read_file {'path': 'slow.txt'}"
    assert await replica.stop() == 0
    code, out, errors = await staged.run("audit", "log", "--event", "CallCompleted", "--json")
    assert code == 0, errors
    assert out.count("CallCompleted") == 2


async def running(staged, path):
    return ("read_file", {"path": path}) in staged.server.runs


async def draining(replica):
    status, said = await replica.readiness()
    return status == 503 and "stopping" in said


async def test_sigterm_frees_a_held_caller_and_the_approval_stays_open(staged):
    staged.hold = "4s"
    replica = await staged.serve()
    call = asyncio.create_task(replica.call("write_file", {"path": "a.txt", "text": "x"}))
    await staged.card()

    assert await replica.stop() == 0
    await asyncio.gather(call, return_exceptions=True)
    again = await staged.serve("again")
    await staged.press(BOB, "approval.approve")
    result = await again.call("write_file", {"path": "a.txt", "text": "x"})

    assert result["content"][0]["text"].startswith("done: write_file")
    assert len(staged.server.runs) == 1


async def test_sighup_looks_at_the_policy_and_an_invalid_one_shows_in_readiness(staged):
    replica = await staged.serve()
    (staged.folder / "policy.yaml").write_text("version: 1\nrulez: []\n")

    replica.process.send_signal(signal.SIGHUP)
    await until(lambda: unready(replica, "rulez"))
    denied = await replica.call("drop_table", {"table": "users"})

    assert "no-drops" in denied["content"][0]["text"]


async def test_sighup_ends_no_service_that_still_starts(staged, tmp_path):
    replica = await staged.serve()
    await replica.stop()
    with closing(sqlite3.connect(tmp_path / "placet.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        await replica.launch()
        pid = f"{replica.process.pid}\n"
        await until(lambda: reads(tmp_path / "placet.db.lock", pid))

        replica.process.send_signal(signal.SIGHUP)

    await until(replica.ready)
    assert "content" in await replica.call("read_file", READ)


async def reads(path, text):
    return path.read_text() == text


async def unready(replica, text):
    status, said = await replica.readiness()
    return status == 503 and text in said


async def test_a_server_that_is_away_is_named_in_readiness_and_the_rest_works(staged, free_port):
    config = written(staged)
    settings = json.loads(config.read_text())
    settings["servers"]["gone"] = {"url": f"http://127.0.0.1:{free_port}/mcp", "team": "platform"}
    staged.configuration = lambda replica: json.dumps(
        settings | {"listen": {"agents": replica.agents, "operations": replica.operations}}
    )
    replica = Replica(staged, "placet")
    staged.replicas.append(replica)
    replica.ready = lambda: unready(replica, "gone")
    await replica.start()

    result = await replica.call("read_file", READ)

    assert result["content"][0]["text"].startswith("done: read_file")


async def test_the_local_workspace_beside_real_servers_needs_the_flag(staged, tmp_path):
    config = written(staged, slack={"mode": "local"})

    code, _, errors = await serve(config, tmp_path)

    assert code == 2
    assert "--unsafe-local-approvers" in errors


async def test_messages_of_the_local_workspace_that_cannot_be_read_are_told(staged, tmp_path):
    config = written(staged, slack={"mode": "local"})
    (tmp_path / "placet.workspace").write_bytes(b"\0" * 100 + b"\n")  # as after a power cut

    code, _, errors = await serve(config, tmp_path, "--unsafe-local-approvers")

    assert code == 2
    assert "placet.workspace`) cannot be read: move that file away" in errors
    assert "Traceback" not in errors


async def test_an_anonymous_agent_beyond_loopback_needs_the_flag(staged, tmp_path):
    settings = json.loads(staged.configuration(Replica(staged, "other")))
    settings["agents"]["visitor"] = {"team": "platform", "owner": "alice", "anonymous": True}
    listen = settings["listen"] | {"agents": f"0.0.0.0:{settings['listen']['agents'][10:]}"}
    config = written(staged, agents=settings["agents"], listen=listen)

    code, _, errors = await serve(config, tmp_path)

    assert code == 2
    assert "--unsafe-no-auth" in errors


async def test_slacks_own_variables_are_not_read(staged, tmp_path):
    slack = {"mode": "socket", "bot_token": "${NOT_SET}", "app_token": "${NOT_SET}"}
    config = written(staged, slack=slack)

    code, _, errors = await placet(
        *("serve", "--config", str(config)),
        folder=tmp_path,
        CI_BOT_KEY=CI_BOT,
        OTHER_BOT_KEY=OTHER_BOT,
        SLACK_BOT_TOKEN="xoxb-from-the-environment",
        SLACK_APP_TOKEN="xapp-from-the-environment",
    )

    assert code == 2
    assert "NOT_SET" in errors


async def test_http_mode_answers_slack_only_where_it_signed(staged, free_port):
    settings = json.loads(staged.configuration(Replica(staged, "placet")))
    slack = settings["slack"] | {"mode": "http", "signing_secret": "a-signing-secret"}
    staged.configuration = lambda replica: json.dumps(
        settings
        | {
            "listen": {
                "agents": replica.agents,
                "operations": replica.operations,
                "slack": f"127.0.0.1:{free_port}",
            },
            "slack": slack,
        }
    )
    replica = await staged.serve()
    url = f"http://127.0.0.1:{free_port}/slack/events"

    async with staged.http.post(url, data={"payload": "{}"}) as answer:
        status = answer.status
        assert "Server" not in answer.headers
    async with staged.http.get(f"http://{replica.operations}/metrics") as answer:
        assert "Server" not in answer.headers

    assert status == 401
    assert f"slack       {url}" in replica.log.read_text()


async def test_an_unknown_option_is_a_usage_error(tmp_path):
    code, _, errors = await placet("serve", "--confg", "x", folder=tmp_path)

    assert code == 2
    assert "--confg" in errors


async def test_help_names_every_command(tmp_path):
    code, out, _ = await placet("--help", folder=tmp_path)

    assert code == 0
    named = [line.split()[0] for line in out.splitlines() if line.startswith("    ")]
    for command in ("demo", "serve", "check", "explain", "agent", "grant", "approvals", "audit"):
        assert command in named


async def test_an_ipv6_address_is_listened_on(staged):
    if not socket.has_ipv6:
        pytest.skip("needs IPv6 on this machine")
    replica = Replica(staged, "placet")
    port = replica.agents.rpartition(":")[2]
    replica.agents = f"[::1]:{port}"
    staged.replicas.append(replica)

    await replica.start()
    result = await replica.call("read_file", READ)

    assert result["content"][0]["text"].startswith("done: read_file")


async def test_no_page_reads_what_operators_read_by_a_name_of_its_own(staged):
    replica = await staged.serve()

    for host, status in (("localhost", 200), ("rebound.example", 403)):
        url = f"http://{replica.operations}/metrics"
        async with staged.http.get(url, headers={"Host": host}) as answer:
            assert answer.status == status
