"""Turns events into stored rows and back, whatever version they were written in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    Notification,
    StoredEvent,
)
from eventsourcing.utils import register_topic
from pydantic_core import from_json

from ledger.clock import micros, moment
from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Event, Recorded

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the raw state of one version of an event into that of the next version."""

UPCASTERS: Mapping[str, tuple[Upcaster, ...]] = {}
"""By topic, what brings version n to n + 1, in order; the newest version is one more than these."""


@dataclass(frozen=True)
class StoredRecord(Notification):
    """An event as its row has it; `id` is the position, `at` microseconds since 1970 UTC."""

    at: int = 0
    actor: str = ""
    command_id: str | None = None
    correlation_id: str = ""
    causation_id: str = ""
    redacted: bool = False


class RecordMapper(Mapper[str]):
    """Converts between Recorded and StoredRecord.

    The state is the event as JSON, with `v`, the version of its shape, where
    that is above 1. Older states are brought up to date before they are read.
    """

    def __init__(
        self,
        events: tuple[type[Event], ...] = EVENTS,
        upcasters: Mapping[str, tuple[Upcaster, ...]] = UPCASTERS,
    ) -> None:
        """Register the topic of every event; unknown topics are never imported."""
        super().__init__(transcoder=JSONTranscoder())
        self._events = {event.TOPIC: event for event in events}
        self._upcasters = upcasters
        for topic, event in self._events.items():
            register_topic(topic, event)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredRecord:
        """Return the row of a Recorded."""
        assert isinstance(domain_event, Recorded), "the ledger stores what has its place"
        return StoredRecord(
            originator_id=domain_event.stream,
            originator_version=domain_event.version,
            topic=domain_event.event.TOPIC,
            state=self.state(domain_event.event),
            id=domain_event.position,
            at=micros(domain_event.at),
            actor=domain_event.actor,
            command_id=domain_event.command_id,
            correlation_id=domain_event.correlation_id,
            causation_id=domain_event.causation_id,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """Return the Recorded of a row. Raises MapperDeserialisationError."""
        assert isinstance(stored_event, StoredRecord), "the ledger's recorder returns these"
        return Recorded(
            stored_event.id,
            str(stored_event.originator_id),
            stored_event.originator_version,
            _moment(stored_event.at),
            stored_event.actor,
            stored_event.command_id or "",
            stored_event.correlation_id,
            stored_event.causation_id,
            self.event(stored_event.topic, stored_event.state),
            stored_event.redacted,
        )

    def event(self, topic: str, state: bytes) -> Event:
        """Return the event that a state holds. Raises MapperDeserialisationError."""
        try:
            known = self._events[topic]
            if not self._upcasters.get(topic):
                return known.model_validate_json(state)
            return known.model_validate_json(json.dumps(self.raw(topic, state)))
        except (KeyError, ValueError) as error:
            raise MapperDeserialisationError(f"`{topic}` cannot be read: {error}") from error

    def raw(self, topic: str, state: bytes) -> dict[str, Any]:
        """Return the members of an event as its newest version has them, unchecked: for bulk."""
        raw: dict[str, Any] = from_json(state, cache_strings="keys")
        for step in self._upcasters.get(topic, ())[raw.pop("v", 1) - 1 :]:
            raw = step(raw)
        return raw

    def state(self, event: Event) -> bytes:
        """Return the stored state of an event."""
        state = event.__pydantic_serializer__.to_json(event)
        steps = self._upcasters.get(event.TOPIC)
        return b'{"v":%d,%b' % (len(steps) + 1, state[1:]) if steps else state


def _moment(at: int) -> datetime:
    try:
        return moment(at)
    except (OverflowError, TypeError) as error:  # SQLite keeps a text in a column of numbers
        raise MapperDeserialisationError(f"{at!r} is no time: {error}") from error
