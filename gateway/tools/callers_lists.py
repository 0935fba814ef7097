"""Knows what a server lists to single callers only, by their agent, era and session."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import TypeAlias
from weakref import WeakValueDictionary

from gateway.callers.sessions import no_such_session
from gateway.tools.enquiring import AnsweredWithError, Enquiry, Voice
from gateway.tools.kept_lists import Kept, KeptList, KeptLists, View, client_of
from gateway.tools.not_learned import NotLearned
from gateway.upstreams import Upstream, UpstreamFailed, UpstreamRequest
from gateway.wire.definitions import MOST_TOOLS, tools_of
from policies.values.calls import Tool

_LISTING_SECONDS = 30.0
_FRESH_SECONDS = 60.0
"""Seconds for which a tool is taken to be as its caller's list had it, unless people are asked."""
_AGAIN_SECONDS = 1.0
"""Seconds between two lookings-up of tools that are not known."""

_NO_SUCH_SESSION = 404

Note: TypeAlias = Callable[[tuple[Tool, ...], Mapping[str, Tool]], Awaitable[Collection[str]]]
"""Has the ledger know tools that some caller sees, and returns the names of those it does know.

Those by name that were noted before cost nothing. Raises Refused, with nothing noted.
"""


class CallersLists:
    """What callers' own lists name beyond the gateway's own list, or define otherwise.

    It is learned from the lists that pass, and by asking the server in the
    caller's place: with its session, protocol version and credentials.

    INVARIANT: of a tool that lists define differently, what counts for a call
    is the definition on its caller's list.
    """

    def __init__(
        self, server: str, upstream: Upstream, note: Note, refusal: Callable[[str], str]
    ) -> None:
        """Name the server; `note` has the ledger know what is learned.

        `refusal` says why a tool cannot be called that the ledger has no room for.
        """
        self._server = server
        self._upstream = upstream
        self._note = note
        self._refusal = refusal
        self._kept = KeptLists()
        self._asking: WeakValueDictionary[View, asyncio.Lock] = WeakValueDictionary()
        self._own: Mapping[str, Tool] = {}
        self.agreed: Mapping[str, Tool] = {}
        """The tools of the gateway's own list that no other list defines otherwise."""

    def compare_with(self, own: Mapping[str, Tool]) -> None:
        """Take the gateway's own list; what differed from an older definition on it may not now."""
        changed = {name for name, tool in self._own.items() if own.get(name, tool) != tool}
        if changed:
            self._kept.outdate(changed, own)
        self._own = own
        self._compare()

    def forget(self, request: UpstreamRequest) -> None:
        """Keep nothing of a session that is over; `request` is one of it."""
        self._kept.forget(View.of(request))
        self._compare()

    def _compare(self) -> None:
        """Find what all lists agree on."""
        differing = self._kept.differing(self._own)
        self.agreed = self._own
        if differing:
            kept = (tool for name, tool in self._own.items() if name not in differing)
            self.agreed = {tool.name: tool for tool in kept}

    def everything(self) -> Iterable[Tool]:
        """Return every tool that the server lists to anybody."""
        return chain(self._own.values(), self._kept.tools())

    async def notice(self, request: UpstreamRequest, tools: tuple[Tool, ...]) -> Collection[str]:
        """Learn tools that `request` was answered with; return the names of those not noted.

        Raises Refused, with nothing learned.
        """
        view = View.of(request)
        if self._kept.of(view).tools or any(self._own.get(tool.name) != tool for tool in tools):
            await self._learn(view, tools, None)
        return {name for name, kept in self._kept.of(view).tools.items() if not kept.noted}

    def fresh(self, name: str, request: UpstreamRequest) -> Tool | None:
        """Return a tool that the caller's list named a moment ago; None where that is not known."""
        kept = self._kept.of(View.of(request)).tools.get(name)
        now = asyncio.get_running_loop().time()
        if kept is None or not kept.noted or kept.at < now - _FRESH_SECONDS:
            return None
        return kept.tool

    async def find(self, name: str, request: UpstreamRequest) -> Tool | None:
        """Return a tool that the caller's list names beyond our own, or defines otherwise.

        Raises NotLearned where the server does not say, Rejected where the session is over.
        """
        known = name in self._own or name in self._kept.of(View.of(request)).tools
        seconds = _FRESH_SECONDS if known else _AGAIN_SECONDS
        return await self._listed(name, request, asyncio.get_running_loop().time() - seconds)

    async def look(self, name: str, request: UpstreamRequest, since: float) -> Tool | None:
        """Return the same as `since` at the earliest, and have that known as the newest."""
        tool = await self._listed(name, request, since)
        if tool is not None and name not in await self._note((tool,), {name: tool}):
            raise NotLearned(self._refusal(name))
        return tool

    async def _listed(self, name: str, request: UpstreamRequest, since: float) -> Tool | None:
        """Return what the list says; whoever waits for the same list shares the answer."""
        view = View.of(request)
        turn = self._asking.setdefault(view, asyncio.Lock())
        async with turn:
            if self._kept.of(view).asked_at < since:
                asked_at = asyncio.get_running_loop().time()
                differs = name in self._own or bool(self._kept.of(view).tools)
                await self._learn(view, await self._asked(request, differs=differs), asked_at)
            kept = self._kept.of(view).tools.get(name)
        if kept is not None and not kept.noted:
            raise NotLearned(self._refusal(name))
        return kept.tool if kept is not None else None

    async def _asked(self, request: UpstreamRequest, *, differs: bool) -> tuple[Tool, ...]:
        """Return the whole list of a caller; an empty one where the server has none for it.

        Where it `differs` from our own, or may, an error says of no tool that it does not.
        """
        voice = _voice(request)
        enquiry = Enquiry(self._server, self._upstream, voice, _new_id)
        why = f"the server did not list them within {_LISTING_SECONDS:.0f} s"
        try:
            async with asyncio.timeout(_LISTING_SECONDS):
                listed = await enquiry.tools()
            return await asyncio.to_thread(tools_of, self._server, listed)
        except AnsweredWithError as error:
            if voice.session is not None and enquiry.status == _NO_SUCH_SESSION:
                self.forget(request)
                raise no_such_session() from error
            if not differs:
                return ()
            why = str(error)
        except UpstreamFailed as failed:
            why = str(failed)
        except TimeoutError:
            pass
        message = f"what `{self._server}` lists to this caller cannot be looked up now: {why}"
        raise NotLearned(f"{message}; call again in a moment")

    async def _learn(self, view: View, tools: tuple[Tool, ...], asked_at: float | None) -> None:
        """Take in the whole list of a caller, or, without `asked_at`, a part of it."""
        beside = {tool.name: tool for tool in tools if self._own.get(tool.name) != tool}
        before = self._kept.of(view).tools if asked_at is None else {}
        if len({*self._own, *before, *beside}) > MOST_TOOLS:
            raise NotLearned(f"it has listed more than {MOST_TOOLS} tools")
        fresh = tuple(tool for tool in beside.values() if not self._kept.has(tool))
        noted = await self._note(fresh, {}) if fresh else ()
        unnoted = {tool.name for tool in fresh} - {*noted}
        at = asyncio.get_running_loop().time() if asked_at is None else asked_at
        named = {tool.name for tool in tools}
        known = self._kept.of(view)
        kept = {name: Kept(tool, at, name not in unnoted) for name, tool in beside.items()}
        if asked_at is None:
            kept |= {name: each for name, each in known.tools.items() if name not in named}
        self._kept.keep(view, KeptList(kept, known.asked_at if asked_at is None else asked_at))
        self._compare()


def _voice(request: UpstreamRequest) -> Voice:
    """Return as whom to ask for what the sender of a request would see."""
    view = View.of(request)
    version = request.headers.get("MCP-Protocol-Version")
    return Voice(view.agent, view.era, version, view.session, client_of(request))


def _new_id() -> str:
    """Return an id that the client gives to no request of its own in the same session."""
    return f"placet-{secrets.token_hex(8)}"
