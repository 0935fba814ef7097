"""What a stdio server can do wrong, and that it costs only what it must."""

import asyncio
import logging
import sys
import time
import uuid

import psutil
import pytest
from bridging import ENVIRONMENT, bridged, legacy, modern, said, state, told, tool
from gateway_stage import until

from gateway.started.bridge import Bridge
from gateway.started.stdio_server import ServerCommand
from gateway.upstreams import Fault, UpstreamFailed


async def failure(bridge, name) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as failed:
        await bridge.forward(legacy("tools/call", tool(name), session="f"))
    return failed.value


async def test_an_end_fails_what_is_open_and_the_next_call_finds_the_server_again():
    async with bridged() as bridge:
        stalled = asyncio.create_task(bridge.forward(modern("tools/call", tool("stall"))))
        await state(bridge)

        died = await failure(bridge, "die")
        answer = await bridge.forward(legacy("tools/call", tool("raw")))

        assert str(died) == "the server `odd` ended before it answered (exit status 3)"
        assert died.sent
        with pytest.raises(UpstreamFailed, match="ended before it answered"):
            await stalled
        assert "result" in said(answer)


async def test_an_end_is_noticed_while_a_child_of_the_server_still_holds_its_pipes():
    async with bridged() as bridge:
        died = await failure(bridge, "die-leaving-child")
        answer = await bridge.forward(legacy("tools/call", tool("raw")))

        assert str(died) == "the server `odd` ended before it answered (exit status 4)"
        assert "result" in said(answer)


async def test_garbage_is_counted_and_stops_nothing():
    async with bridged() as bridge:
        answer = await bridge.forward(legacy("tools/call", tool("garbage")))

        assert said(answer)["result"] == {"content": []}
        assert bridge.garbage == 8


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken-answer", "the answer of the server `odd` is not JSON"),
        ("deep-answer", "the answer of the server `odd` nests too deep to be read"),
        ("no-answer", "the server `odd` answered with neither a result nor an error"),
        ("huge-head", "the answer of the server `odd` is longer than 16 MiB"),
        ("huge-tail", "the answer of the server `odd` is longer than 16 MiB"),
    ],
)
async def test_an_answer_that_cannot_be_read_fails_its_call_and_no_other(name, message):
    async with bridged() as bridge:
        other = asyncio.create_task(bridge.forward(modern("tools/call", tool("stall"))))
        await state(bridge)

        failed = await failure(bridge, name)

        assert (str(failed), failed.sent) == (message, True)
        assert not other.done()
        assert said(await bridge.forward(legacy("ping")))["result"] == {}
        other.cancel()


async def test_a_server_that_closed_its_input_is_replaced():
    async with bridged() as bridge:
        await bridge.forward(legacy("tools/call", tool("deaf")))

        # The first call may still meet the deaf one, depending on what is noticed first.
        await asyncio.gather(bridge.forward(legacy("ping")), return_exceptions=True)
        answer = await bridge.forward(legacy("tools/call", tool("raw")))

        assert "result" in said(answer)


FLOODS = {
    "short garbage": ("x", 1),
    "blank lines": ("", 1),
    "answers to nothing": ('{"jsonrpc":"2.0","id":999999999,"result":{}}', 1),
    "notifications": ('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}', 1),
    "requests": ('{"jsonrpc":"2.0","id":1,"method":"ping"}', 1),
    "an error output": ("x", 2),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_leaves_time_for_everything_else(flood):
    line, pipe = flood
    async with bridged() as bridge:
        asked = modern("tools/call", tool("flood", line=line, pipe=pipe))
        flooding = asyncio.create_task(bridge.forward(asked))
        await asyncio.wait({flooding}, timeout=0.3)
        before, began = time.process_time(), time.monotonic()
        turns = 0
        while time.monotonic() - began < 1:
            await asyncio.sleep(0.001)
            turns += 1

        assert not flooding.done()
        used = time.process_time() - before
        assert turns > 10 * used
        assert used < 0.9 * (time.monotonic() - began) + 0.2
        flooding.cancel()


async def test_progress_that_nobody_takes_is_dropped_beyond_a_megabyte():
    async with bridged() as bridge:
        asked = modern("tools/call", {**tool("progress-flood"), "_meta": {"progressToken": "mine"}})
        answer = await bridge.forward(asked)
        async with asyncio.timeout(60):
            await state(bridge)
            events = [event async for event in answer.stream]

        assert 1 < len(events) <= 200
        assert told(events[-1])["result"]["content"] == []


async def test_a_server_that_says_nothing_of_a_request_is_not_waited_for():
    async with bridged(silence=0.2) as bridge:
        silent = await failure(bridge, "stall")
        with_progress = {**tool("progress-then-stall"), "_meta": {"progressToken": 1}}
        answer = await bridge.forward(modern("tools/call", with_progress))
        with pytest.raises(UpstreamFailed, match="has said nothing"):
            _ = [event async for event in answer.stream]
        await answer.stream.aclose()

        assert str(silent) == "the server `odd` has said nothing for 0.2 s"
        assert (silent.sent, silent.fault) == (True, Fault.SILENT)
        assert len((await state(bridge))["cancelled"]) == 2
        assert (bridge.traffic.under_way, bridge.traffic.opened) == (0, 1)


async def test_a_server_that_reads_nothing_is_sent_no_more_than_32_mebibytes():
    async with bridged(silence=1.0) as bridge:
        sleeping = asyncio.create_task(failure(bridge, "sleep"))
        large = [
            asyncio.create_task(
                bridge.forward(legacy("tools/call", tool("raw", text="x" * 4_000_000), number=n))
            )
            for n in range(12)
        ]
        answers = await asyncio.gather(*large, return_exceptions=True)

        assert {answer.sent for answer in answers} == {True, False}
        assert "reads no more requests; nothing was sent" in str(answers[-1])
        assert (await sleeping).fault is Fault.SILENT


async def test_a_server_sees_of_our_environment_what_it_needs_and_no_more():
    async with bridged(API_KEY="for the server") as bridge:
        seen = said(await bridge.forward(legacy("tools/call", tool("environment"))))["result"]

    assert {name: seen[name] for name in ("PATH", "LANG", "API_KEY")} == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "API_KEY": "for the server",
    }
    assert set(seen) <= {"PATH", "LANG", "API_KEY", "LC_CTYPE"}


async def test_what_a_server_writes_to_its_error_output_is_inert_and_redacted_in_the_log(caplog):
    caplog.set_level(logging.INFO)
    text = (
        "\x1b[31mred\u202e\npassword=hunter2\n" + "x" * 100_000 + "\n" + "flood\n" * 1000 + "last\n"
    )

    async with bridged() as bridge:
        await bridge.forward(legacy("tools/call", tool("stderr", text=text)))
        while "flood" not in caplog.text:
            await bridge.forward(legacy("ping"))

    lines = [record.getMessage() for record in caplog.records]
    assert r"odd: \u{1B}[31mred\u{202E}" in lines
    assert "odd: password=[hidden]" in lines
    assert max(len(line) for line in lines) <= 420
    assert len(lines) <= 110


async def test_a_server_that_cannot_be_started_is_trouble_in_words():
    bridge = Bridge(ServerCommand("none", ["/no/such/program"], ENVIRONMENT, {}), first_delay=5)
    await bridge.start()
    try:
        with pytest.raises(UpstreamFailed, match="cannot be used") as failed:
            await bridge.forward(legacy("ping"))
    finally:
        await bridge.close()

    assert not failed.value.sent
    assert "No such file or directory" in str(failed.value)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ('print(\'{"id":1,"result":{}}\', flush=True); input(); input()', "a known version"),
        ('print(\'{"id":1,"error":{}}\', flush=True); input(); input()', "a known version"),
        ("raise SystemExit(9)", r"it ended \(exit status 9\)"),
        ("import os; os.kill(os.getpid(), 9)", r"it ended \(signal 9\)"),
    ],
)
async def test_a_server_that_does_not_introduce_itself_is_not_used(program, reason):
    command = ServerCommand("mute", [sys.executable, "-c", program], ENVIRONMENT, {})
    bridge = Bridge(command, first_delay=5)
    await bridge.start()
    try:
        with pytest.raises(UpstreamFailed, match=reason):
            await bridge.forward(legacy("ping"))
    finally:
        await bridge.close()


async def test_a_server_that_dies_again_and_again_leaves_nothing_behind():
    mark = f"mark-{uuid.uuid4()}"
    child = "import time; time.sleep(600)"
    program = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "{child}", "{mark}"])
sys.exit(3)
"""
    command = ServerCommand("dying", [sys.executable, "-c", program], ENVIRONMENT, {})
    bridge = Bridge(command, first_delay=0.01)
    await bridge.start()

    async def died_often():
        return bridge.traffic.opened >= 4

    await until(died_often, 60)
    trouble = bridge.trouble()
    await bridge.close()

    assert "exit status 3" in trouble

    async def none_is_left():  # what was killed may take a moment to be gone
        return not any(mark in words(process) for process in psutil.process_iter())

    await until(none_is_left, 20)
    assert not [
        child
        for child in psutil.Process().children()
        if child.status() == psutil.STATUS_ZOMBIE and "python" in child.name()
    ]


async def test_closing_while_a_server_is_being_ended_leaves_nothing_behind(tmp_path):
    mark, ending = f"mark-{uuid.uuid4()}", tmp_path / "ending"
    program = f"""
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{{"id":1,"error":{{}}}}', flush=True)
while sys.stdin.readline():
    pass
pathlib.Path({str(ending)!r}).touch()
time.sleep(600)
"""
    run = [sys.executable, "-c", program, mark]
    bridge = Bridge(ServerCommand("stubborn", run, ENVIRONMENT, {}), first_delay=5)
    await bridge.start()

    async def is_being_ended():
        return ending.exists()

    await until(is_being_ended, 60)
    await bridge.close()

    assert not any(mark in words(process) for process in psutil.process_iter())


def words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def test_a_version_nobody_speaks_is_not_used():
    async with bridged(VERSION="2031-01-01") as bridge:
        with pytest.raises(UpstreamFailed, match="does not speak a known version"):
            await bridge.forward(legacy("ping"))


async def test_closing_ends_the_server_and_all_it_started():
    async with bridged() as bridge:
        answer = await bridge.forward(legacy("tools/call", tool("leave-child")))
        child = psutil.Process(said(answer)["result"]["pid"])
        stalled = asyncio.create_task(bridge.forward(legacy("tools/call", tool("stall"))))
        await state(bridge)

        await bridge.close()

        with pytest.raises(UpstreamFailed):
            await stalled
        with pytest.raises(UpstreamFailed, match="shut down"):
            await bridge.forward(legacy("ping"))
        psutil.wait_procs([child], timeout=5)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
