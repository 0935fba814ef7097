"""Gives Placet so much time in the tests that a machine that stalls reaches none of its limits.

What comes too late is refused, as it must be, and a test that waits for it would wait for ever.
A test that is about a limit sets the limit itself.
"""

import importlib
from collections.abc import Callable
from datetime import timedelta

ENOUGH: dict[str, float | timedelta] = {
    "bot.slack.client.TIMEOUT": 60,
    "bot.desk.desk.QUICK": 60,
    "bot.slack.witness.SECONDS": 60,
    "bot.workspace.server.ACK_SECONDS": 60,
    "bot.workspace.tickets.TRIGGER_SECONDS": 60,
    "ledger.writing.writer.PATIENCE": 60,
    "policies.configuration.settings.LONGEST_HOLD": timedelta(minutes=1),
}
"""Limits on time that clicks, commands and held calls run into; numbers are seconds."""


def give(put: Callable[[object, str, object], None] = setattr) -> dict[str, float | timedelta]:
    """Set every limit by `put(module, name, limit)`; return what Placet gives by itself."""
    own = {}
    for path, limit in ENOUGH.items():
        module, _, name = path.rpartition(".")
        found = importlib.import_module(module)
        own[path] = getattr(found, name)
        put(found, name, limit)
    return own
