"""Passes on what a server tells models to do where people accepted that, and leaves it out else."""

from collections.abc import Container
from typing import Protocol

from gateway.calls.declaring import with_list_changes, with_tasks
from gateway.tools.acceptance import Acceptance
from gateway.tools.instructions import MEMBER, with_hint, withheld
from gateway.upstreams import UpstreamAnswer
from gateway.wire.definitions import instructions_of
from gateway.wire.errors import RequestId
from gateway.wire.strict_editing import AMBIGUOUS, StrictEditing, resembles
from policies.values.calls import Instructions, JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import parse

_LONGEST = 4 * 1024 * 1024
"""Bytes of an introduction above which it is not passed on."""

_OF_OTHERS = frozenset({"protocolVersion", "capabilities"})
"""What only an introduction has in its result."""


class Noting(Protocol):
    """Has the ledger know what one server tells models."""

    async def tells(self, told: Instructions) -> bool:
        """Note instructions, and tell whether they are accepted. Raises Refused."""
        ...


class Introductions:
    """Edits answers to `initialize` and `server/discover`.

    Their instructions are pinned like tools: those that came with the first
    list of tools are accepted, later ones wait. What is not accepted, cannot
    be noted or is no text of at most 64 KiB is left out. A server that is only
    observed tells models what it likes.
    """

    def __init__(self, acceptance: Acceptance, observing: Container[str]) -> None:
        """Take what is accepted, and the servers that are only observed."""
        self._acceptance = acceptance
        self._observing = observing

    async def answer(
        self, server: str, noting: Noting, answer: UpstreamAnswer, method: str, asked: RequestId
    ) -> UpstreamAnswer:
        """Return the answer to the request `asked` of `method`. Raises UpstreamFailed.

        It gains a line on approvals, and what Placet can do besides.
        """

        async def edit(body: bytes) -> bytes:
            result = editing.result(body)
            if result is None:
                return body
            if resembles(result, MEMBER):
                raise editing.failed(AMBIGUOUS)
            told = result.get(MEMBER)
            passes = not told or await self._passes(server, noting, told)
            done = with_list_changes(with_hint(body if passes else withheld(body)))
            return with_tasks(done) if method == "server/discover" else done

        failing = "cannot be introduced"
        editing = StrictEditing(server, "its introduction", failing, _LONGEST, asked, edit)
        return await editing.answer(answer)

    def again(self, server: str, body: bytes) -> bytes:
        """Return a message of another stream, where a client may take up a broken introduction.

        What cannot be read passes, and so does what is no introduction.
        """
        if MEMBER.encode() not in body and b"\\u" not in body:
            return body
        try:
            message = parse(body)
        except Refused:
            return body
        result = message.get("result") if isinstance(message, dict) else None
        if not isinstance(result, dict) or not result.keys() >= _OF_OTHERS:
            return body
        text = result.get(MEMBER)
        told = instructions_of(text)
        known = told is not None and self._acceptance.tells(server, told.hash)
        return body if not text or known or server in self._observing else withheld(body)

    async def _passes(self, server: str, noting: Noting, text: JsonValue) -> bool:
        told, observed = instructions_of(text), server in self._observing
        if told is None or self._acceptance.tells(server, told.hash):
            return told is not None or observed
        try:
            return await noting.tells(told) or observed
        except Refused:
            return observed
