"""What is recorded of limits beyond single calls. Names and fields are for ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event, Fact


class CountedUsage(Fact):
    """So much counts in a bucket until then: a call, or several that are counted together."""

    bucket: str
    amount: str
    until: AwareDatetime


class UsageCounted(Event):
    """A limit came into force, and earlier calls count for it.

    `calls` are so many, of the newest that are kept; of `unclear` ones what
    they add cannot be told any more, and they add nothing. `meter` names what
    the limit counts. Where it `goes_on`, it adds to the event before.
    """

    TOPIC: ClassVar[str] = "UsageCounted"

    limit: str
    meter: str
    calls: int
    unclear: int
    counted: tuple[CountedUsage, ...]
    goes_on: bool = False
