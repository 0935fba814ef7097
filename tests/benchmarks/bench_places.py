"""Starts what the benchmark of the gateway compares, each a process of its own."""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
from load import KEY, Target

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OTHERS = 97
"""Rules about other tools, beside the three about the echoing ones."""


@dataclass(frozen=True)
class Places:
    """What is compared, and the processes by the targets' names."""

    targets: list[Target]
    processes: dict[str, int]

    @property
    def direct(self) -> Target:
        """The server itself."""
        return self.targets[0]

    def busy(self, target: Target) -> float:
        """Return the processor's seconds that a target's process has used so far."""
        times = psutil.Process(self.processes[target.name]).cpu_times()
        return times.user + times.system


async def counts(port: int) -> dict[str, int]:
    """Return what the cheap server has counted; asking counts as a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /counts HTTP/1.1\r\nHost: here\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    found: dict[str, int] = json.loads(await reader.readexactly(length))
    writer.close()
    return found


@contextmanager
def places(report: Path | None = None) -> Iterator[Places]:
    """Run the server, the bare pass-through and Placet; with `report`, its stages are clocked."""
    direct, passing, placet, operations = (free_port() for _ in range(4))
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        config = configure(Path(folder), direct, placet, operations)
        commands = {
            "direct": [str(HERE / "cheap_server.py"), str(direct)],
            "bare": [
                str(HERE / "bare_proxy.py"),
                *(str(passing), f"http://127.0.0.1:{direct}/mcp/echo"),
            ],
            "placet, allow": [
                *(
                    ("-m", "placet_entry")
                    if report is None
                    else (str(HERE / "where_it_goes.py"), report)
                ),
                *("serve", "--unsafe-local-approvers", "--config", str(config)),
            ],
        }
        with open(Path(folder) / "log", "w") as log:  # noqa: PTH123  a file for three processes
            running = {
                name: subprocess.Popen([sys.executable, *each], cwd=ROOT, stdout=log, stderr=log)
                for name, each in commands.items()
            }
            try:
                wait_until_ready(operations)
                numbers = {name: process.pid for name, process in running.items()}
                numbers["placet, deny"] = numbers["placet, allow"]
                refused = ("drop_echo", b"Denied by policy")
                yield Places(
                    [
                        Target("direct", direct),
                        Target("bare", passing),
                        Target("placet, allow", placet),
                        Target("placet, deny", placet, *refused),
                    ],
                    numbers,
                )
            finally:
                for process in running.values():
                    process.terminate()
                for process in running.values():
                    process.wait()


def configure(folder: Path, server_port: int, agents: int, operations: int) -> Path:
    """Write Placet's files; the approvers' Slack is a local workspace, which nobody uses."""
    settings = {
        "version": 1,
        "policy": "policy.yaml",
        "ledger": {"url": "sqlite:///placet.db"},
        "listen": {"agents": f"127.0.0.1:{agents}", "operations": f"127.0.0.1:{operations}"},
        "people": {"alice": {"slack": "T0BENCH/U0ALICE"}, "bob": {"slack": "T0BENCH/U0BOB"}},
        "teams": {"platform": {"channel": "C0PLATFORM", "approvers": ["bob"]}},
        "servers": {
            "echo": {"url": f"http://127.0.0.1:{server_port}/mcp/echo", "team": "platform"}
        },
        "agents": {"bench": {"team": "platform", "owner": "alice", "key": KEY}},
        "slack": {"mode": "local"},
    }
    (folder / "policy.yaml").write_text(json.dumps({"version": 1, "rules": rules()}))
    (folder / "placet.yaml").write_text(json.dumps(settings, indent=1))
    return folder / "placet.yaml"


def rules() -> list[dict[str, object]]:
    """Return 100 rules: two about every tool of the server, one about the tool that is denied."""
    found: list[dict[str, object]] = [
        {"name": "reads", "match": {"server": "echo", "tool": "*_echo"}, "effect": "allow"},
        {"name": "read-risk", "match": {"risk": "read", "agent": "bench"}, "effect": "allow"},
        {"name": "no-drops", "match": {"tool": "drop_*"}, "effect": "deny"},
    ]
    for number in range(OTHERS):
        rule: dict[str, object] = {
            "name": f"other-{number}",
            "match": {"server": "echo", "tool": [f"other_{number}_*", f"*_of_{number}"]},
            "effect": ("require_approval", "deny", "allow")[number % 3],
        }
        if number % 2:
            rule["when"] = f'args.branch in ["main", "release-{number}"]'
        found.append(rule)
    return found


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def wait_until_ready(operations: int) -> None:
    """Return once Placet says that it is ready. Raises TimeoutError after a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urlopen(f"http://127.0.0.1:{operations}/readyz") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    message = "Placet did not get ready"
    raise TimeoutError(message)
