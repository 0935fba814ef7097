"""A stdio server for tests: each tool is one way in which a server can behave."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

RAW = '{ "content":[], "b":1.0,"a":100.00000000000000000001,"a2":"\\u00e9 é","c":{"z":1,"a":2} }'
SEEN = dict(os.environ)  # noqa: TID251 (what a server sees of its environment is the question)
EMPTY = {"content": []}
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]

cancelled: list[object] = []
answers: list[object] = []
subscribed: list[object] = []
fickle = {"fickle:1"}
tools: dict[str, Callable] = {}


def tool(run):
    """Offer a function as the tool of its name; it gets the request's id, params and line."""
    tools[run.__name__.replace("_", "-")] = run
    return run


def say(text: str | bytes) -> None:
    line = text if isinstance(text, bytes) else text.encode()
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def result(number, said):
    say(json.dumps({"jsonrpc": "2.0", "id": number, "result": said}))


def error(number, code, message, **more):
    said = {"code": code, "message": message, **more}
    say(json.dumps({"jsonrpc": "2.0", "id": number, "error": said}))


def told(method, **params):
    say(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))


def progressed(params, progress):
    token = params["_meta"]["progressToken"]
    told("notifications/progress", progressToken=token, progress=progress)


@tool
def raw(number, *_):
    say(f'{{"jsonrpc": "2.0", "id": {number}, "result": {RAW}}}')


@tool
def line(number, _, received):
    result(number, {"line": received.decode()})


@tool
def lacking(number, *_):
    error(number, -32601, "not as you ask for it")


@tool
def progress(number, params, _):
    for step in range(3):
        progressed(params, step)
    result(number, EMPTY)


@tool
def progress_then_stall(_, params, __):
    progressed(params, 1)


@tool
def late_progress(number, *_):
    result(number, EMPTY)
    told("notifications/progress", progressToken=number, progress=1)
    told("notifications/progress", progressToken="other", progress=1)


@tool
def progress_flood(number, params, _):
    token = params["_meta"]["progressToken"]
    for step in range(2000):
        told("notifications/progress", progressToken=token, progress=step, message="x" * 10_000)
    result(number, EMPTY)


@tool
def flood(_, params, __):
    line = params["arguments"]["line"].encode() + b"\n"
    pipe = params["arguments"]["pipe"]
    threading.Thread(target=pour, args=(pipe, line * (65536 // len(line))), daemon=True).start()


def pour(pipe, data):
    while True:
        os.write(pipe, data)


@tool
def sleep(*_):
    time.sleep(600)


@tool
def stall(*_):
    return


@tool
def state(number, *_):
    result(number, {"cancelled": cancelled, "answers": answers, "subscribed": subscribed})


@tool
def die(*_):
    os._exit(3)


@tool
def die_leaving_child(*_):
    subprocess.Popen(SLEEPER)
    os._exit(4)


@tool
def leave_child(number, *_):
    result(number, {"pid": subprocess.Popen(SLEEPER).pid})


@tool
def garbage(number, *_):
    for text in (b"hello", b"\xff\xfe", b"[1]", b"{}", b"[" * 5000, b'{"method":1}', b""):
        say(text)
    result(999_999, {})
    result(f"{number} ", {})
    result(number, EMPTY)


@tool
def broken_answer(number, *_):
    say(f'{{"jsonrpc":"2.0","id":{number},"result":{{"a":}}}}')


@tool
def no_answer(number, *_):
    say(f'{{"jsonrpc":"2.0","id":{number}}}')


@tool
def deep_answer(number, *_):
    say(f'{{"jsonrpc":"2.0","id":{number},"result":{{"a":' + "[" * 5000 + "]" * 5000 + "}}")


@tool
def huge_head(number, *_):
    say(f'{{"jsonrpc":"2.0","id":{number},"result":{{"text":"' + "x" * 17_000_000 + '"}}')


@tool
def huge_tail(number, *_):
    say('{"result":{"text":"' + "x" * 17_000_000 + f'"}},"jsonrpc":"2.0","id":{number}}}')


@tool
def ask(number, *_):
    say('{"jsonrpc":"2.0","id":"p1","method":"ping"}')
    say('{"jsonrpc":"2.0","id":7,"method":"roots/list"}')
    result(number, EMPTY)


@tool
def environment(number, *_):
    result(number, SEEN)


@tool
def stderr(number, params, _):
    sys.stderr.write(params["arguments"]["text"])
    sys.stderr.flush()
    result(number, EMPTY)


@tool
def tell(number, params, _):
    told(params["arguments"]["method"], **params["arguments"]["params"])
    result(number, EMPTY)


@tool
def deaf(number, *_):
    os.close(0)
    result(number, EMPTY)
    time.sleep(600)


def introduced(number, params):
    said = {
        "protocolVersion": SEEN.get("VERSION", "2025-11-25"),
        "capabilities": {
            "tools": {"listChanged": True},
            "resources": {"subscribe": True},
            "tasks": {"list": {}},
            "logging": {},
        },
        "serverInfo": {"name": "odd", "version": "1"},
        "instructions": "be careful",
        "asked": params,
    }
    result(number, said)


def answered(method, number, params, received):
    match method:
        case "initialize":
            introduced(number, params)
        case "tools/call" if params["name"] in tools:
            tools[params["name"]](number, params, received)
        case "tools/call":
            error(number, -32602, "unknown tool", data={"n": 1})
        case "tools/list":
            result(number, {"tools": [], "nextCursor": ""})
        case "resources/read":
            error(number, -32002, "no such resource")
        case "resources/subscribe" if params["uri"].startswith(("none:", *fickle)):
            fickle.discard(params["uri"])
            error(number, -32002, "no such resource")
        case "resources/subscribe" | "resources/unsubscribe":
            subscribed.append([method.split("/")[1], params["uri"]])
            if params["uri"].startswith("eager:"):
                told("notifications/resources/updated", uri=params["uri"])
            result(number, {})
        case "ping":
            result(number, {})
        case _:
            error(number, -32601, f"no {method}")


for received in sys.stdin.buffer:
    message = json.loads(received)
    if "method" not in message:
        answers.append(message)
    elif "id" in message:
        answered(message["method"], message["id"], message.get("params") or {}, received)
    elif message["method"] == "notifications/cancelled":
        cancelled.append(message["params"]["requestId"])
