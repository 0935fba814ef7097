"""The sections of `placet.yaml` that say how much the gateway takes on, and how long it waits."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from policies.yaml.durations import Duration, between
from policies.yaml.validation import Section

_SECOND = timedelta(seconds=1)
_LARGEST_BODY = 64 * 1024 * 1024


def _waits(wait: timedelta) -> timedelta:
    return between(wait, least=_SECOND, most=timedelta(hours=1))


def _drains(wait: timedelta) -> timedelta:
    return between(wait, least=timedelta(0), most=timedelta(hours=1))


Wait = Annotated[Duration, AfterValidator(_waits)]
Drain = Annotated[Duration, AfterValidator(_drains)]
"""How long calls under way may take once the process is to end."""


class CapacitySection(Section):
    """How much the gateway takes on at once; what is more is refused, and told when to come again.

    `connections` of callers may be open; `requests` may be under way, held
    calls and streams among them, and `requests_per_agent` of one agent's.
    `body_memory` is bytes of large bodies that are kept at once. However much
    one agent has under way at one server, half of what is left is free for the
    next agent or server.
    """

    connections: Annotated[int, Field(ge=8, le=1_000_000)] = 8192
    requests: Annotated[int, Field(ge=4, le=1_000_000)] = 4096
    requests_per_agent: Annotated[int, Field(ge=1, le=1_000_000)] = 3072
    body_memory: Annotated[int, Field(ge=_LARGEST_BODY)] = 256 * 1024 * 1024


class PatienceSection(Section):
    """How long the gateway waits for callers.

    For a whole `body`; for an `idle` connection to ask something, its head
    included; for a `reader` to take anything of an answer that is there.
    """

    body: Wait = timedelta(seconds=30)
    idle: Wait = timedelta(seconds=75)
    reader: Wait = timedelta(seconds=60)
