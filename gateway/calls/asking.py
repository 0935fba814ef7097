"""What asks for a call, and forgets what it can while people think about it."""

from typing import Protocol

from gateway.calls.examining import Asked
from gateway.calls.open_calls import Ticket


class Asking(Protocol):
    """Who asks for a call, of which little need be kept while people think."""

    @property
    def asked(self) -> Asked:
        """What is asked, unless it rests."""
        ...

    @property
    def ticket(self) -> Ticket:
        """How the caller can name the call while it is open."""
        ...

    def rest(self) -> None:
        """Keep no more than is needed to tell again what is asked."""
        ...

    async def whole(self) -> Asked:
        """Return what is asked; it does not rest any more."""
        ...
