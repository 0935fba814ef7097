"""Lays out the demo's folder: files to act on, a configuration and a policy."""

import json
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from ledger.shell import Misconfigured
from ledger.storage.leases import FileLock
from ledger.unavailable import LedgerUnavailable

_MARK = "# Written by `placet demo`.\n"

FILES = {
    "old-report.txt": "The numbers of the year before last.\n",
    "notes.txt": "Call the plumber.\n",
    "secret/plans.txt": "Nobody but people should read this.\n",
}

POLICY = """\
# The demo's policy: change it while the demo runs, it is in force within a second.
version: 1
default: require_approval
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - name: secrets-stay
    match: {tool: read_file}
    when: args.path.startsWith("secret/")
    effect: deny
    message: secrets are read by people; ask alice
  - name: changes
    match: {tool: [write_file, delete_file]}
    effect: require_approval
    approval: {expires_in: 2m}
    show_result: true
grants: {longest: 8h}
redact: ["*password*", "*token*"]
"""


@dataclass(frozen=True)
class Ports:
    """Where the demo listens; 0 is anywhere."""

    agents: int = 0
    page: int = 0
    operations: int = 0


@dataclass(frozen=True)
class DemoStage:
    """The demo's folder; `key` is that of the agent `demo-bot`."""

    folder: Path
    key: str

    @property
    def config(self) -> Path:
        """The path of `placet.yaml`."""
        return self.folder / "placet.yaml"

    @property
    def files(self) -> Path:
        """The folder whose files the tools act on."""
        return self.folder / "files"


def take_folder(folder: Path) -> None:
    """Make the demo's folder, where there is none.

    Raises Misconfigured where it cannot be made, where a demo runs in it, and where it holds a
    configuration that is none of the demo's.
    """
    config, ledger = folder / "placet.yaml", folder / "placet.db"
    try:
        (folder / "files").mkdir(parents=True, exist_ok=True)
        if config.exists() and not config.read_bytes().startswith(_MARK.encode()):
            raise Misconfigured(f"`{config}` is not of `placet demo`; name another folder")
        if ledger.exists():
            FileLock(ledger).release()
    except LedgerUnavailable as used:
        raise Misconfigured(f"{used}; or name another folder") from used
    except OSError as error:
        raise _unusable(folder, error) from error


def lay_out(folder: Path, files_url: str, ports: Ports) -> DemoStage:
    """Write what the demo needs into `folder`; files and a policy that are there already stay.

    `files_url` is the address of the MCP server whose tools act on the files. Raises Misconfigured.
    """
    stage = DemoStage(folder, secrets.token_hex(32))
    try:
        for name, text in FILES.items():
            _begin(stage.files / name, text)
        _begin(folder / "policy.yaml", POLICY)
        stage.config.touch(mode=0o600)
        stage.config.write_text(_configuration(stage, files_url, ports))
    except OSError as error:
        raise _unusable(folder, error) from error
    return stage


def _begin(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text)


def _unusable(folder: Path, error: OSError) -> Misconfigured:
    reason = (error.strerror or "unknown").lower()
    return Misconfigured(f"the demo cannot have the folder `{folder}`: {reason}; name another")


def usual_ports() -> Ports:
    """Return the ports that the documentation names, as far as they are free."""
    return Ports(_if_free(8787), _if_free(8788), _if_free(8789))


def _if_free(port: int) -> int:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _configuration(stage: DemoStage, files_url: str, ports: Ports) -> str:
    owned = {"team": "platform", "owner": "alice"}
    settings = {
        "version": 1,
        "policy": "policy.yaml",
        "ledger": {"url": "sqlite:///placet.db"},
        "listen": {
            "agents": f"127.0.0.1:{ports.agents}",
            "operations": f"127.0.0.1:{ports.operations}",
        },
        "people": {
            "bob": {"slack": "T0DEMO/U0BOB"},
            "cat": {"slack": "T0DEMO/U0CAT"},
            "alice": {"slack": "T0DEMO/U0ALICE"},
        },
        "teams": {
            "platform": {
                "channel": "C0PLATFORM",
                "approvers": ["bob", "cat"],
                "break_glass": ["cat"],
            }
        },
        "servers": {"files": {"url": files_url, "team": "platform"}},
        "agents": {
            "demo-bot": {**owned, "key": stage.key},
            "visitor": {**owned, "anonymous": True},
        },
        "slack": {"mode": "local"},
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items()]
    return _MARK + "\n".join(lines) + "\n"
