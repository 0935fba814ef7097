"""`placet hook`: has Placet decide on what an agent does by itself; it starts quickly."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from gateway.hooks.claude_code import Elsewhere, Other, Use, Used, permission, read
from gateway.hooks.decision_client import DecisionClient
from gateway.hooks.hooking import Hook
from placet_environment import SETTINGS, Environment, own_key
from placet_quick import address, seconds
from policies.values.inert import inert_line
from policies.values.refusals import Refused

BLOCKED = 2
"""The exit code with which a hook of Claude Code blocks, whatever it wrote."""

_LARGEST = 64 * 1024 * 1024
_GRACE = 15.0
"""Seconds that all may take beyond what people are waited for."""
_LONGEST_LINE = 2000


_ENDING = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """All took too long, or was told to stop; the message says which.

    It is no Exception, so nothing on the way takes it for something else.
    """


def describe(parser: argparse.ArgumentParser) -> None:
    """Add what `placet hook` takes."""
    agents = parser.add_subparsers(required=True, metavar="AGENT")
    claude = agents.add_parser(
        "claude-code",
        help="answer the hooks of Claude Code",
        description="Reads what Claude Code tells a hook (PreToolUse, PostToolUse or "
        "PostToolUseFailure) on stdin, has Placet decide, and answers on stdout. Without a clear "
        "yes the tool is blocked. The key is read from PLACET_KEY, or from the file that "
        "PLACET_KEY_FILE names.",
    )
    address(claude)
    claude.add_argument(
        "--wait",
        type=seconds,
        default=50.0,
        metavar="TIME",
        help="how long to wait for people, such as 10m (default: 50s); the hook's own `timeout` "
        "has to be at least 30 seconds longer",
    )
    claude.add_argument(
        "--server",
        default="claude-code",
        metavar="NAME",
        help="the external server of placet.yaml that Claude Code's own tools are of "
        "(default: claude-code)",
    )
    claude.add_argument(
        "--behind",
        type=_behind,
        action="append",
        default=[],
        metavar="NAME[@SOURCE]",
        help="an MCP server that Claude Code reaches through Placet, where its calls are decided "
        "on; they are not asked about twice (repeatable)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer one hook; never raises. Returns 0 with an answer on stdout, or 2, which blocks."""
    try:
        try:
            for number in _ENDING:
                signal.signal(number, _end)
            signal.setitimer(signal.ITIMER_REAL, arguments.wait + _GRACE)
            return _answered(_heard(), arguments, Environment(SETTINGS))
        except Refused as refused:
            return _blocked(str(refused))
    except _Ended as ended:  # it comes once, wherever the process is then
        return _blocked(str(ended))
    except BaseException as error:  # noqa: BLE001  the edge: no decision, no tool
        return _blocked(f"the hook failed ({type(error).__name__})")


def main(argv: Sequence[str]) -> int:
    """Run `placet hook` with these arguments, those after `placet`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="placet hook")
    describe(parser)
    return run(parser.parse_args(argv[1:]))


def _behind(text: str) -> str:
    """Return what is behind Placet; a source that is empty would stand for every one."""
    name, at, source = text.partition("@")
    if not name or (at and not source):
        raise argparse.ArgumentTypeError("write the name of a server, or NAME@SOURCE")
    return text


def _heard() -> bytes:
    """Return what Claude Code said, if it can be answered."""
    if sys.stdout is None:  # another file may have its number, and would take the answer
        raise Refused("there is nowhere to write the answer to")
    text = sys.stdin.buffer.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise Refused("what Claude Code said is too large")
    return text


def _answered(text: bytes, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    told = read(text, arguments.server, arguments.behind)
    match told:
        case Use():
            said = _hook(arguments, environment).decide(told, arguments.wait)
            return _write(permission(said.decision, said.reason))
        case Elsewhere():
            return 0
        case Used():
            return _reported(told, arguments, environment)
        case Other():
            text_ = f"`placet hook claude-code` does not answer `{told.event}`; remove it there"
            return _blocked(text_) if told.blocks else _noted(text_)


def _hook(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Hook:
    url = arguments.url or environment.get("PLACET_URL") or "http://127.0.0.1:8787"
    return Hook(DecisionClient(url, own_key(environment)))


def _reported(used: Used, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Report how a tool's use ended; it is over, so that nothing can be blocked any more."""
    try:
        _hook(arguments, environment).report(used)
    except (Refused, _Ended) as why:
        return _noted(f"the outcome was not reported: {why}")
    return 0


def _write(answer: str) -> int:
    """Write the answer; whatever cannot be written has to block."""
    left = f"{answer}\n".encode()
    while left:
        left = left[os.write(1, left) :]
    return 0


def _blocked(why: str) -> int:
    _say(f"Blocked: {why}. Nothing was executed.")
    return BLOCKED


def _noted(what: str) -> int:
    _say(what)
    return 1


def _say(line: str) -> None:
    """Say why; the exit code counts, also where nobody can be told."""
    with contextlib.suppress(OSError):
        os.write(2, f"placet: {inert_line(line, _LONGEST_LINE)}\n".encode(errors="replace"))


def _end(number: int, _: FrameType | None) -> None:
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    in_time = number == signal.SIGALRM
    raise _Ended("Placet did not answer in time" if in_time else "the hook was told to stop")
