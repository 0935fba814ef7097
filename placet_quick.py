"""What the commands share that an agent's client starts: they need next to nothing of Placet."""

import argparse
import re
from datetime import timedelta

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_LONGEST = 24 * 3600.0


def address(parser: argparse.ArgumentParser) -> None:
    """Let a command take the address of Placet. A key is never an argument: others can see it."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help="where Placet is reached (default: PLACET_URL, else http://127.0.0.1:8787)",
    )


def seconds(text: str) -> float:
    """Return the seconds that a duration such as `1h30m` or `50s` has, up to 24 h."""
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise argparse.ArgumentTypeError("write a time like 50s, 10m or 1h30m")
    hours, minutes, whole, thousandths = (int(part or 0) for part in found.groups())
    lasting = timedelta(hours=hours, minutes=minutes, seconds=whole, milliseconds=thousandths)
    if lasting.total_seconds() > _LONGEST:
        raise argparse.ArgumentTypeError("is longer than 24h")
    return lasting.total_seconds()
