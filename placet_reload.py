"""Keeps the policy in force: follows its file, and what other replicas activated."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence

from ledger.envelopes import Recorded
from ledger.ledger import Ledger
from ledger.policy_in_force import ActivatePolicy
from ledger.standing_events import PolicyActivated
from policies.policy import Policy, compile_policy
from policies.problems import InvalidDocument
from policies.refusals import Refused

_log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at the file."""


class StandingPolicy:
    """The policy in force; calling it returns it, compiled.

    A change of the file is validated and put in force in the ledger, which
    tells every replica. An invalid file changes nothing: the policy in force
    stays, and `troubles` says what is wrong until the file is mended.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        read: Callable[[], str],
        compiled: Callable[[str], Policy],
    ) -> None:
        """Begin with `policy`; `read` reads the file, `compiled` compiles a text; both may refuse.

        Nothing is read or recorded before `begin`.
        """
        self._ledger = ledger
        self._policy = policy
        self._read = read
        self._compiled = compiled
        self._seen = policy.text
        self._rejected: tuple[str, str] | None = None
        self._wrong: str | None = None
        self._lock = asyncio.Lock()

    def __call__(self) -> Policy:
        """Return the policy in force as far as this process has heard."""
        return self._policy

    async def begin(self) -> None:
        """Put the policy that was read in force, and follow the ledger from now on."""
        self._ledger.observe(self._follow, plain_calls=False)
        await self._activate(self._policy)

    async def again(self) -> Policy:
        """Return the policy in force after asking the ledger."""
        known = await self._ledger.policy_in_force()
        if known is not None:
            self._adopt(known.digest, known.text, known.source)
        return self._policy

    async def watch(self) -> None:
        """Look at the file once a second, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except Exception:  # noqa: BLE001  the edge of a job: it looks again
                _log.exception("the policy file could not be looked at")

    async def look(self) -> None:
        """Read the file and put it in force if it changed since it was last read and is valid."""
        async with self._lock:
            try:
                await self._take(await asyncio.to_thread(self._read))
            except Refused as wrong:
                self._complain(str(wrong))
            else:
                self._wrong = None

    async def _take(self, text: str) -> None:
        if text == self._seen:
            return
        if self._rejected is not None and text == self._rejected[0]:
            raise Refused(self._rejected[1])
        try:
            policy = await asyncio.to_thread(self._compiled, text)
        except Refused as wrong:
            self._rejected = (text, str(wrong))
            raise
        await self._activate(policy)
        self._seen = text
        _log.info("the policy changed: %s is in force", policy.digest[:12])

    def troubles(self) -> list[str]:
        """Say what is wrong with the file, where an older policy stays in force because of it."""
        return [self._wrong] if self._wrong else []

    async def _activate(self, policy: Policy) -> None:
        command = ActivatePolicy(
            id=f"policy:{uuid.uuid4()}",
            actor="placet:policy",
            digest=policy.digest,
            text=policy.text,
            source=policy.file,
        )
        await self._ledger.execute(command)
        await self.again()

    def _complain(self, wrong: str) -> None:
        if wrong != self._wrong:
            listed = "; ".join(wrong.splitlines())
            _log.error("the policy in force stays, the file cannot be used: %s", listed)
        self._wrong = wrong

    def _follow(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            if isinstance(recorded.event, PolicyActivated):
                self._hear(recorded.event)

    def _hear(self, event: PolicyActivated) -> None:
        try:
            self._adopt(event.digest, event.text, event.source)
        except InvalidDocument:
            self._complain("another replica put a policy in force that this version cannot read")

    def _adopt(self, digest: str, text: str, source: str) -> None:
        if digest != self._policy.digest:
            self._policy = compile_policy(text, file=source)
