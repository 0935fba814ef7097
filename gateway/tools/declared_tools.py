"""Knows the tools of a server that is no MCP server, as the configuration declares them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

from gateway.upstreams import UpstreamRequest
from gateway.wire.definitions import tool_of
from ledger.ledger import Ledger
from ledger.lives.tools import SeeTools
from ledger.unavailable import LedgerUnavailable
from policies.values.calls import Tool

_LOG = logging.getLogger(__name__)

_PAUSE = 1.0
"""Seconds after which a ledger that was away is asked again to note the tools."""


class DeclaredTools:
    """The tools of one external server. They are noted in the ledger before any is decided on.

    Nobody has to accept them: whoever writes the configuration defines them.
    """

    def __init__(
        self, server: str, declared: Mapping[str, str], ledger: Ledger, new_id: Callable[[], str]
    ) -> None:
        """Take what each tool does by its name; `new_id` makes ids of commands."""
        self._server = server
        self._ledger = ledger
        self._new_id = new_id
        defined = (
            tool_of(server, {"name": name, "description": description})
            for name, description in declared.items()
        )
        self._tools = {tool.name: tool for tool in defined if tool is not None}
        self._noted = False
        self._noting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to note the tools."""
        self._noting = asyncio.create_task(self._note(), name=f"tools of {self._server}")

    async def close(self) -> None:
        """Stop noting them."""
        if self._noting is not None:
            self._noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._noting

    def trouble(self) -> str | None:
        """Say in words why no call of the server can be decided; None where one can."""
        return None if self._noted else f"the tools of `{self._server}` are not noted yet"

    @property
    def known(self) -> Mapping[str, Tool]:
        """The tools by name, once they are noted."""
        return self._tools if self._noted else {}

    async def find(self, name: str, _: UpstreamRequest | None) -> Tool | None:
        """Return the tool; None where none of this name is declared. Raises LedgerUnavailable."""
        if not self._noted:
            await self._have_noted()
        return self._tools.get(name)

    async def learn_now(
        self, _name: str, _: UpstreamRequest | None, *, differs: bool = False
    ) -> None:
        """Have the ledger know the tools. Raises LedgerUnavailable."""
        del differs
        await self._have_noted()

    async def _have_noted(self) -> None:
        """Have the ledger know these tools, and no others of the server.

        Raises LedgerUnavailable.
        """
        await self._ledger.execute(
            SeeTools(
                id=self._new_id(),
                actor="placet:gateway",
                server=self._server,
                tools=tuple(self._tools.values()),
                accepted=True,
            )
        )
        self._noted = True

    async def _note(self) -> None:
        while not self._noted:
            try:
                await self._have_noted()
            except LedgerUnavailable as away:
                _LOG.warning(
                    "cannot note the tools of %s: %s",
                    self._server,
                    away,
                    extra={"server": self._server},
                )
                await asyncio.sleep(_PAUSE)
