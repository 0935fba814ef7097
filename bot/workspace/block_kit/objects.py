"""Composition objects: text, confirmation dialogs, options.

https://docs.slack.dev/reference/block-kit/composition-objects
"""

from collections.abc import Iterator
from typing import Any

from bot.workspace.block_kit.shape import (
    Check,
    Problem,
    boolean,
    both,
    by_type,
    choice,
    members,
    text,
)

OPTIONS_AT_MOST = 100


def plain(most: int, least: int = 1) -> Check:
    """Accept a `plain_text` object of up to `most` characters."""
    return by_type({"plain_text": members({"text": text(most, least)}, {"emoji": boolean})})


def any_text(most: int) -> Check:
    """Accept a `plain_text` or `mrkdwn` object of 1 to `most` characters."""
    return by_type(
        {
            "plain_text": members({"text": text(most)}, {"emoji": boolean}),
            "mrkdwn": members({"text": text(most)}, {"verbatim": boolean}),
        }
    )


CONFIRM = members(
    {"title": plain(100), "text": any_text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": choice("primary", "danger")},
)

OPTION = members({"text": plain(75), "value": text(150)}, {"description": plain(75)})
MARKED_OPTION = members({"text": any_text(75), "value": text(150)}, {"description": any_text(75)})
OVERFLOW_OPTION = members(
    {"text": plain(75), "value": text(150)}, {"description": plain(75), "url": text(3000)}
)


def initial_among_options(value: Any, pointer: str) -> Iterator[Problem]:
    """Accept a choice whose initial options are among its options, as Slack asks."""
    initial = value.get("initial_options", [])
    if "initial_option" in value:
        initial = [*initial, value["initial_option"]]
    for option in initial:
        if option not in value["options"]:
            yield Problem("initial option must match one of the options", pointer)


def distinct_values(value: Any, pointer: str) -> Iterator[Problem]:
    """Accept options of which no two have the same value."""
    values = [option["value"] for option in value["options"]]
    if len(set(values)) != len(values):
        yield Problem("option values must be unique", f"{pointer}/options")


def with_options(check: Check) -> Check:
    """Accept what `check` accepts if its options are distinct and hold the initial ones."""
    return both(both(check, initial_among_options), distinct_values)
