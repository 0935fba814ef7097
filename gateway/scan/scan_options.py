"""The options of `placet scan`, and the servers that they name."""

import argparse
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from gateway.files.text_files import read_text
from gateway.scan.scan_targets import (
    Reaching,
    Target,
    client_targets,
    configured_target,
    target_of,
)
from ledger.shell import Loaded, Misconfigured, Shell
from policies.configuration.client_files import ReachedServer, StartedServer, client_servers
from policies.configuration.declared_tools import ExternalServer
from policies.configuration.servers import Server
from policies.scans.scanned import Severity
from policies.scans.starter_servers import name_of_address, name_of_command, server_name
from policies.values.problems import InvalidDocument
from policies.values.refusals import NotUnderstood
from policies.yaml.durations import parse_duration

_CONFIG = Path("placet.yaml")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = timedelta(minutes=10)


def describe(parser: argparse.ArgumentParser, shell: Shell) -> None:
    """Add the options to the parser of the command."""
    _describe_servers(parser)
    _describe_answers(parser)
    shell.with_config(parser)


def _describe_servers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "servers",
        nargs="*",
        metavar="SERVER",
        help="an address, a server of placet.yaml, or after `--` the command that starts one "
        "(default: every server of placet.yaml that is not external)",
    )
    parser.add_argument(
        "--mcp-servers",
        type=Path,
        metavar="FILE",
        help="every server that this file of an MCP client names (mcpServers or servers)",
    )
    parser.add_argument(
        "--transport",
        choices=["auto", "http", "sse"],
        default="auto",
        help="how an address is spoken to: streamable HTTP, or the older HTTP+SSE "
        "(default: the first, and where it is not spoken the other)",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME: VALUE",
        help="a header for an address; write secrets as ${VARIABLE}",
    )
    parser.add_argument(
        "--pass-env",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable that started servers get besides PATH, HOME, LANG, TZ and TMPDIR",
    )
    parser.add_argument("--name", help="what an address or a command is called")


def _describe_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=_patience,
        default=60.0,
        metavar="TIME",
        help="how long each server may take in all (default: 60s)",
    )
    parser.add_argument(
        "--fail-on",
        choices=[severity.value for severity in Severity],
        help="exit with 1 where a finding or a change is as grave as this, or graver",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--diff", type=Path, metavar="FILE", help="say what changed since this earlier --json"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help="write a starter configuration and policy"
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is in the folder")


def named_targets(
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
    shell: Shell,
    tell: Callable[[str], None],
) -> tuple[list[Target], Loaded | None]:
    """Return the servers to look at, and the configuration where they are of it.

    `tell` hears which are left out where none is named. Raises Refused or Misconfigured where
    the options name none.
    """
    reaching = Reaching(environment, tuple(arguments.pass_env), arguments.timeout)
    words: list[str] = arguments.servers
    if arguments.mcp_servers is not None:
        if words:
            raise Misconfigured("name servers, or a file of servers with --mcp-servers, not both")
        text = _read(arguments.mcp_servers)
        return client_targets(client_servers(text, environment), reaching), None
    if words and words[0].lower().startswith(("http://", "https://")):
        return _reached(arguments, words, environment, reaching), None
    loaded = _loaded(arguments.config, shell)
    known = loaded.configuration.servers if loaded is not None else {}
    if loaded is not None and all(word in known for word in words):
        chosen = words or _reachable(known, tell)
        return [configured_target(name, known[name], reaching) for name in chosen], loaded
    if not words:
        raise Misconfigured("there is no `placet.yaml` here; name a server, or --mcp-servers FILE")
    return [_started(arguments, words, known, environment, reaching)], None


def _reachable(known: Mapping[str, Server], tell: Callable[[str], None]) -> list[str]:
    """Return the servers that are not external. Raises NotUnderstood where there is none."""
    external = [name for name, server in known.items() if isinstance(server, ExternalServer)]
    for name in external:
        tell(f"{name}: left out; it is external, so there is no server to look at")
    if len(external) == len(known):
        raise NotUnderstood("`placet.yaml` has no server to look at; name an address or a command")
    return [name for name in known if name not in external]


def _started(
    arguments: argparse.Namespace,
    words: list[str],
    known: Mapping[str, object],
    environment: Mapping[str, str],
    reaching: Reaching,
) -> Target:
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        names = ", ".join(sorted(known)) or "none"
        message = f"`{words[0]}` is no address, no program, and no server of `{arguments.config}`"
        raise NotUnderstood(f"{message}; those are: {names}")
    name = server_name(arguments.name or name_of_command(tuple(words)))
    return target_of(name, StartedServer(name, tuple(words)), reaching)


def _reached(
    arguments: argparse.Namespace,
    urls: list[str],
    environment: Mapping[str, str],
    reaching: Reaching,
) -> list[Target]:
    headers = dict(_header(text, environment) for text in arguments.header)
    old = arguments.transport == "sse"
    named = [(arguments.name or name_of_address(url), url) for url in urls]
    servers = [ReachedServer(name, url, headers, old) for name, url in named]
    targets = client_targets(servers, reaching)
    if arguments.transport == "http":
        return [replace(target, ways=target.ways[:1]) for target in targets]
    return targets


def _header(text: str, environment: Mapping[str, str]) -> tuple[str, SecretStr]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Misconfigured("write a header like `Authorization: Bearer ${KEY}`")
    missing = [found for found in _VARIABLE.findall(value) if found not in environment]
    if missing:
        raise Misconfigured(f"the header `{name}` needs the variable `{missing[0]}`; set it")
    filled = _VARIABLE.sub(lambda found: environment[found[1]], value)
    return name.strip(), SecretStr(filled.strip())


def _loaded(path: Path, shell: Shell) -> Loaded | None:
    return shell.load(path) if path != _CONFIG or path.exists() else None


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except InvalidDocument as wrong:
        raise Misconfigured(str(wrong)) from wrong


def _patience(text: str) -> float:
    seconds = parse_duration(text)
    if seconds is None or not timedelta(0) < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError("write a time of up to 10 minutes, like 30s")
    return seconds.total_seconds()
