"""What people type after a command, turned into values or refused by argparse."""

from argparse import ArgumentTypeError
from datetime import timedelta

from policies.yaml.durations import parse_duration

_DIGITS = 18
"""Digits of the largest number that is taken; the ledger's positions have 64 bits."""


def positive(text: str) -> int:
    """Return the whole number above zero that `text` writes. Raises ArgumentTypeError."""
    number = _whole(text)
    if number is None or number < 1:
        message = f"{text!r} is not a whole number above 0"
        raise ArgumentTypeError(message)
    return number


def position(text: str) -> int:
    """Return the position that `text` writes, 0 for none. Raises ArgumentTypeError."""
    number = _whole(text)
    if number is None:
        message = f"{text!r} is not a position: a whole number, 0 or more"
        raise ArgumentTypeError(message)
    return number


def duration(text: str) -> timedelta:
    """Return the duration that `text` writes, such as 1h30m. Raises ArgumentTypeError."""
    found = parse_duration(text)
    if found is None:
        message = f"{text!r} is not a duration; write for example 30m, 8h or 1h30m"
        raise ArgumentTypeError(message)
    return found


def words(text: str) -> str:
    """Return text that the ledger can keep. Raises ArgumentTypeError for bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        message = f"{text!r} is not text in UTF-8"
        raise ArgumentTypeError(message) from None
    return text


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
