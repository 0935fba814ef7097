"""The bot's part of the command line: the app's manifest, and whether all is well in Slack."""

import argparse
import asyncio
import json
import time
from dataclasses import asdict

from bot.checking import Finding, Wanted, Weight, look
from bot.slack.client import SlackClient
from bot.slack.manifest import http_manifest, manifest, reading_emails
from bot.slack.rates import Rates
from ledger.shell import AddCommand, Misconfigured, Shell
from policies.configuration.configuration import Configuration


def register(add: AddCommand, shell: Shell) -> None:
    """Add `slack check` and `slack manifest` to the command line."""
    slack = add(
        "slack",
        help="look at the workspace, and print the app's manifest",
        description="What has to be right in Slack for Placet to ask there.",
    )
    kinds = slack.add_subparsers(required=True, metavar="COMMAND")
    checking = kinds.add_parser(
        "check",
        help="say everything that is wrong in the workspace",
        description="Asks Slack whether the tokens work, whether the scopes are there, whether the "
        "bot is in every channel, and whether every approver can decide. Nothing is posted. "
        "Exit code 1 if something is wrong.",
    )
    checking.add_argument("--json", action="store_true", help="print one JSON object a line")
    shell.with_config(checking)
    checking.set_defaults(run=lambda arguments: _check(arguments, shell))
    writing = kinds.add_parser(
        "manifest",
        help="print the app's manifest",
        description="Prints what to paste into Slack under *Create New App*, *From a manifest*.",
    )
    writing.add_argument(
        "--url",
        metavar="URL",
        help="the public https://…/slack/events, where Slack is to reach Placet over HTTP "
        "(default: Socket Mode, which needs none)",
    )
    writing.add_argument(
        "--match-email",
        action="store_true",
        help="with the scope `users:read.email`, which `slack.match_email: true` needs",
    )
    writing.set_defaults(run=lambda arguments: _manifest(arguments, shell))


def _manifest(arguments: argparse.Namespace, shell: Shell) -> int:
    url: str | None = arguments.url
    if url is not None and not url.startswith("https://"):
        raise Misconfigured(f"`{url}` is no address that Slack posts to; it begins with https://")
    told = http_manifest(url) if url else manifest()
    told = reading_emails(told) if arguments.match_email else told
    for line in json.dumps(told, indent=2).splitlines():
        shell.say(line)
    return 0


def _check(arguments: argparse.Namespace, shell: Shell) -> int:
    configuration = shell.load(arguments.config).configuration
    if configuration.slack.mode == "local":
        shell.say("the local workspace stands in for Slack: there is nothing to check")
        return 0
    _need_secrets(configuration, shell)
    return asyncio.run(_look(configuration, shell, as_json=arguments.json))


def _need_secrets(configuration: Configuration, shell: Shell) -> None:
    """Raise Misconfigured where a token of Slack's names a variable that is not set."""
    section = configuration.slack
    named = {"bot_token": section.bot_token, "app_token": section.app_token}
    unset = [
        f"{configuration.file}: `slack.{name}` names a variable that is not set; set it"
        for name, secret in named.items()
        if secret is not None and shell.stands_in(secret.get_secret_value())
    ]
    if unset:
        raise Misconfigured("\n".join(unset))


async def _look(configuration: Configuration, shell: Shell, *, as_json: bool) -> int:
    section = configuration.slack
    token = section.bot_token.get_secret_value() if section.bot_token else ""
    rates = Rates(time.monotonic)
    slack = SlackClient(token, section.api_url, patient=True, rates=rates, waiting=True)
    wrong = 0
    async for finding in look(slack, _wanted(configuration)):
        wrong += finding.weight is Weight.WRONG
        shell.say(json.dumps(asdict(finding)) if as_json else _line(finding))
    if not as_json:
        shell.say(f"{wrong} wrong" if wrong else "nothing is wrong")
    return 1 if wrong else 0


def _line(finding: Finding) -> str:
    advice = f"; {finding.advice}" if finding.advice else ""
    return f"{finding.weight:<7}  {finding.subject}: {finding.said}{advice}"


def _wanted(configuration: Configuration) -> Wanted:
    section = configuration.slack
    directory = configuration.directory()
    channels = {team.channel: f"team {name}" for name, team in directory.teams.items()}
    checkpoints = configuration.ledger.checkpoints
    if checkpoints is not None and checkpoints.channel is not None:
        channels.setdefault(checkpoints.channel, "the checkpoints")
    secret = section.app_token if section.mode == "socket" else None
    return Wanted(directory, channels, secret.get_secret_value() if secret else None)
