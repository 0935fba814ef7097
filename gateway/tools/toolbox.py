"""Knows the tools of one server as the server itself lists them."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from gateway.servers.old_transport import OldTransport
from gateway.tools.attention import Changes, Probes
from gateway.tools.callers_lists import CallersLists
from gateway.tools.conversations import Conversation
from gateway.tools.living_sessions import LivingSessions
from gateway.tools.not_learned import NotLearned, NotNoted, Unusable
from gateway.tools.tool_notes import ToolNotes
from gateway.upstreams import Upstream, UpstreamFailed, UpstreamRequest
from gateway.wire.definitions import tools_of
from ledger.ledger import Ledger
from ledger.unavailable import NotRecorded
from policies.values.calls import Instructions, JsonValue, Tool
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_LEARNING_SECONDS = 30.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
_STEADY_PAUSE = 60.0
"""Seconds after which a server that announces no changes is asked again."""
_LISTENING_SECONDS = 300.0
"""Seconds after which a silent stream of changes is given up, and the server asked again."""
_BRIEFLY = 5.0
_AGAIN_SECONDS = 1.0
"""Seconds between two lookings-up of tools that are not known."""
_RESTS = 10
"""How many times as long as the last looking-up took a server has to wait for the next one."""


class Toolbox:
    """The tools of one server, learned in a conversation of the gateway's own.

    They are learned at start, when the server says that they changed, when a
    tool is asked for that is not known, and anew whenever people are asked or
    have answered; what changed is recorded, as far as there is room for it,
    and the rest is not known. A server that is away is asked again and again,
    with growing pauses of up to 15 s. What single callers see besides, or
    otherwise, is known too.
    """

    def __init__(
        self, server: str, upstream: Upstream, ledger: Ledger, new_id: Callable[[], str]
    ) -> None:
        """Name the server; `new_id` makes ids of commands."""
        self._server = server
        self._upstream = upstream
        self._ledger = ledger
        self._notes = ToolNotes(server, ledger, new_id, time.monotonic)
        self._conversation = Conversation(server, upstream)
        self._conversing = False
        self._sessions = LivingSessions(server, upstream)
        self._callers = CallersLists(server, upstream, self._note, self._notes.refusal)
        self._tools: dict[str, Tool] | None = None
        self._trouble: str | None = f"the tools of `{server}` are not learned yet"
        self._aside = ""
        self._unusable: str | None = None
        self._learning = asyncio.Lock()
        self._learned_at = 0.0
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to learn, and to listen for changes."""
        self._keeping = asyncio.create_task(self._keep(), name=f"tools of {self._server}")

    async def close(self) -> None:
        """Stop learning and end the conversation."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        with contextlib.suppress(UpstreamFailed, TimeoutError):
            async with asyncio.timeout(1):
                await self._conversation.close()

    def trouble(self) -> str | None:
        """Say in words why tools of the server are not known; None where all are."""
        if self._trouble and self._aside:
            return f"{self._trouble}: {self._aside}"
        return self._trouble or self._notes.trouble()

    @property
    def left_out(self) -> int:
        """How many tools are not known because the server has changed too many."""
        return len(self._notes.left_out)

    @property
    def unusable(self) -> str | None:
        """Why the server answers nothing as it is; None where that can pass by itself."""
        return self._unusable

    @property
    def known(self) -> Mapping[str, Tool]:
        """The server's tools by name, as far as they are known and are the same to everybody."""
        return self._callers.agreed

    def listed(self) -> Iterable[Tool]:
        """Return every tool that the server lists to anybody, as far as that is known."""
        return self._callers.everything()

    async def find(self, name: str, request: UpstreamRequest | None) -> Tool | None:
        """Return the tool as the sender of `request` sees it; None where it is listed nowhere.

        The server is asked where that is not known: what it lists to us, then
        what it lists to the caller. Raises NotLearned where it cannot be asked
        or changes too much, Rejected where the caller's session is over.
        """
        theirs = self._callers.fresh(name, request) if request is not None else None
        if theirs is not None:
            return theirs
        if name not in (self._tools or ()):
            await self._learn_unless_newer(asyncio.get_running_loop().time() - _AGAIN_SECONDS)
        if self._tools is None and self._unusable is not None:
            raise Unusable(self._unusable)
        if self._tools is None:
            message = f"the tools of `{self._server}` are not known yet: {self._trouble}"
            raise NotLearned(f"{message}; call again in a moment")
        if request is not None and name not in self.known:
            theirs = await self._callers.find(name, request)
        found = theirs or self._tools.get(name)
        if found is None and name in self._notes.left_out:
            raise NotLearned(self._notes.refusal(name))
        return found

    async def learn_now(
        self, name: str, request: UpstreamRequest | None, *, differs: bool = False
    ) -> None:
        """Ask the server for its tools, or for the caller's where all do not agree on this one.

        They do not where it `differs` from what the ledger knows. Whoever waits
        for the same shares the answer. Raises NotLearned where the server does
        not say them, Rejected where the caller's session is over.
        """
        await self._sessions.check(request)
        now = asyncio.get_running_loop().time()
        if not await self._looked(name, request, now, differs=differs):
            await self._learn_now(now)
            await self._looked(name, request, now, differs=False)

    async def _looked(
        self, name: str, request: UpstreamRequest | None, now: float, *, differs: bool
    ) -> bool:
        """Look a tool up on its caller's list, unless all agree on it; tell whether it is there."""
        agreed = name in self.known and not differs
        if request is None or self._tools is None or agreed:
            return False
        return await self._callers.look(name, request, now) is not None

    async def _learn_now(self, now: float) -> None:
        """Ask the server for its tools, unless that was done since `now`. Raises NotLearned."""
        noted = await self._learn_unless_newer(now)
        if self._learned_at < now:
            message = f"the tools of `{self._server}` cannot be looked up now: "
            message += self._trouble or "what they are could not be recorded"
            kind = NotLearned if noted else NotNoted
            raise kind(f"{message}; call again in a moment")

    async def _learn_unless_newer(self, than: float) -> bool:
        """Learn, where that is needed; tell whether the ledger recorded what there was to note."""
        async with self._learning:
            if self._tools is None or self._learned_at < than:
                try:
                    with contextlib.suppress(UpstreamFailed, TimeoutError):
                        await self._learn()
                except NotRecorded:
                    return False
                except Refused:
                    return True
        return True

    async def notice(self, request: UpstreamRequest, tools: tuple[Tool, ...]) -> Collection[str]:
        """Learn tools that `request` was answered with; return the names of those left out.

        Raises Refused, with nothing learned.
        """
        return () if self._tools is None else await self._callers.notice(request, tools)

    def forget(self, request: UpstreamRequest) -> None:
        """Keep nothing of a caller's session that `request` has ended."""
        self._callers.forget(request)

    async def tells(self, told: Instructions) -> bool:
        """Have the ledger know what the server tells models; tell whether that is accepted.

        What came with the first list of its tools is, so that is learned before.
        Raises Refused, with nothing noted.
        """
        if self._tools is None:
            await self._learn_unless_newer(asyncio.get_running_loop().time() - _AGAIN_SECONDS)
        if self._tools is None:
            return False
        known = await self._ledger.server(self._server)
        if known is None or told.hash not in known.instructions:
            await self._notes.note_instructions(told)
            known = await self._ledger.server(self._server)
        return known is not None and told.hash in known.accepted

    async def _keep(self) -> None:
        """Learn, then attend to the server; after any trouble begin anew."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._learn_again()
                pause = _FIRST_PAUSE
                await self._attend()
            except (UpstreamFailed, TimeoutError, Refused) as trouble:
                aside = trouble.aside if isinstance(trouble, UpstreamFailed) else ""
                self._say(str(trouble) or self._trouble or type(trouble).__name__, aside)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _learn_again(self) -> None:
        async with self._learning:
            await self._learn()

    async def _learn(self) -> None:
        """Ask for the whole list and record what changed. Raises what `_keep` survives."""
        asked_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(_LEARNING_SECONDS):
                listed = await self._listed()
        except TimeoutError:
            self._say(f"the server did not list its tools within {_LEARNING_SECONDS:.0f} s")
            raise
        except UpstreamFailed as trouble:
            self._say(str(trouble), trouble.aside)
            self._unusable = str(trouble) if isinstance(trouble, OldTransport) else None
            raise
        tools = await asyncio.to_thread(tools_of, self._server, listed)
        told = self._conversation.instructions
        self._tools = await self._notes.note(tools, self._tools, told, complete=True)
        self._callers.compare_with(self._tools)
        self._learned_at = asked_at
        self._trouble = self._unusable = None

    async def _listed(self) -> list[JsonValue]:
        """Return the whole list; a conversation that broke off is begun anew."""
        if self._conversing:
            try:
                return await self._conversation.tools()
            except UpstreamFailed:
                self._conversing = False
        await self._conversation.open()
        self._conversing = True
        return await self._conversation.tools()

    async def _attend(self) -> None:
        """Learn again when the server says that its tools changed; return when it is time anyway.

        A server that left anybody without an answer is asked too, so that it
        is known to be back without waiting for a call.
        """
        clock = asyncio.get_running_loop().time
        began, until = clock(), clock() + _LISTENING_SECONDS
        probes = Probes(clock, _BRIEFLY, _STEADY_PAUSE)
        async with Changes(self._conversation.changes()) as changes:
            while clock() < until:
                changed = await changes.within(min(_BRIEFLY, until - clock()))
                if changed or probes.due(ails=self._ails()):
                    asked = clock()
                    await self._learn_again()
                    took = clock() - asked
                    await asyncio.sleep(min(max(_AGAIN_SECONDS, _RESTS * took), _LEARNING_SECONDS))
                if (ended := changes.ended_at) is not None:
                    rest = _BRIEFLY if ended - began > _BRIEFLY else _STEADY_PAUSE
                    until = min(until, ended + rest)

    def _ails(self) -> bool:
        return self.trouble() is not None or self._upstream.trouble() is not None

    async def _note(self, tools: tuple[Tool, ...], known: Mapping[str, Tool]) -> Collection[str]:
        """Have the ledger note tools that single callers see; return the names of those it has."""
        async with self._learning:
            return await self._notes.note(tools, known, None, complete=False)

    def _say(self, text: str, aside: str = "") -> None:
        if (text, aside) != (self._trouble, self._aside):
            _LOG.warning(
                "cannot learn the tools of %s: %s",
                self._server,
                json.dumps(f"{text}: {aside}" if aside else text),
                extra={"server": self._server},
            )
        self._trouble, self._aside = text, aside
