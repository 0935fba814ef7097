"""What happens to messages that tell a channel of something. Names and fields are for ever."""

from typing import ClassVar

from ledger.events.envelopes import Event


class NoticePosted(Event):
    """A team's channel was told of something that is no approval.

    `about` names it as `kind:id`, such as `freeze:frz_1`. `blocks` are the very
    blocks, `sha256` of their JSON.
    """

    TOPIC: ClassVar[str] = "NoticePosted"

    notice: str
    about: str
    team: str
    channel: str
    ts: str
    blocks: str
    sha256: str


class NoticeRepainted(Event):
    """Such a message was painted anew; `closed` says that nothing on it is left to do."""

    TOPIC: ClassVar[str] = "NoticeRepainted"

    notice: str
    blocks: str
    sha256: str
    closed: bool
