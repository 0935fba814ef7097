"""Keeps the policy in force: follows its file, and what other replicas activated."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from gateway.files.seen_tools import listed_tools
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import PolicyActivated
from ledger.ledger import Ledger
from ledger.lives.policy_in_force import ActivatePolicy, PolicyInForce, PolicyMoved
from ledger.shell import Loaded
from ledger.storage.leases import UNSEEN_SECONDS
from ledger.watching.held_approvals import HeldApprovals
from ledger.words.policy_words import changes_kept
from policies.checking.argument_checks import argument_problems
from policies.rules.policy import Policy, compile_policy
from policies.rules.policy_differences import policy_changes
from policies.values.problems import InvalidDocument
from policies.values.refusals import Refused

_log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at the file."""

SETTLING = 0.25
"""Seconds for which a file that changed has to stand still, to be taken for whole."""

_SETTLES = 8
"""How often that is looked at before it is left for the next look."""

_LOOKS = UNSEEN_SECONDS + 2
"""Looks until a replica has been missed that was gone before this one began."""

_ATTEMPTS = 5


class File(Protocol):
    """A policy file, with those it includes."""

    def read(self) -> str:
        """Return the text of all. Raises Refused."""
        ...

    def compile(self, text: str) -> Policy:
        """Return the policy that `text` writes. Raises Refused."""
        ...

    def owner(self) -> str | None:
        """Return the account that the file belongs to, as far as that is known."""
        ...


@asynccontextmanager
async def standing_policy(
    ledger: Ledger, loaded: Loaded, file: File
) -> AsyncIterator["StandingPolicy"]:
    """Keep the policy in force for the length of a block, and look at what is held for people.

    Raises Refused where it cannot be put in force.
    """
    configuration = loaded.configuration
    policy = StandingPolicy(ledger, loaded.policy, file, tuple(configuration.servers))
    await policy.begin()
    for problem in await policy.misread(policy()):
        _log.warning("a condition of the policy reads what no known tool has: %s", problem)
    trusted = frozenset(name for name, each in configuration.servers.items() if each.trusted)
    held = HeldApprovals(ledger, policy, configuration.directory(), trusted)
    held.start()
    watching = asyncio.create_task(policy.watch())
    try:
        yield policy
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await held.stop()


class StandingPolicy:
    """The policy in force; calling it returns it, compiled.

    A change of the file is validated and put in force in the ledger, which
    tells every replica. An invalid file changes nothing: the policy in force
    stays, and `troubles` says what is wrong until the file is mended.

    Of several replicas the one whose file changes last is heard, once: a file
    that lags behind never takes back what another replica put in force. Whether
    there is another is not known for the first seconds where one went away
    without a word: it may be what this process follows.
    """

    def __init__(
        self, ledger: Ledger, policy: Policy, file: File, servers: Sequence[str] = ()
    ) -> None:
        """Begin with `policy`, which `file` was read as; new ones are checked against `servers`.

        Nothing is read or recorded before `begin`.
        """
        self._ledger = ledger
        self._servers = servers
        self._policy = policy
        self._file = file
        self._seen = policy
        self._rejected: tuple[str, str] | None = None
        self._wrong: str | None = None
        self._wondering = 0
        self._lock = asyncio.Lock()

    def __call__(self) -> Policy:
        """Return the policy in force as far as this process has heard."""
        return self._policy

    async def begin(self) -> None:
        """Put the policy that was read in force, and follow the ledger from now on.

        Where others serve with a newer one, that one stays. Raises Refused
        where it cannot be read.
        """
        self._ledger.observe(self._follow, plain_calls=False)
        known = await self._ledger.policy_in_force()
        lags = known is not None and await self._lags(self._policy, known)
        if not (lags and await self._ledger.others()):
            await self._activate(self._policy)
            return
        try:
            await self.again()
        except InvalidDocument as invalid:
            what = "the policy in force cannot be read by this version of Placet"
            raise Refused(f"{what}; install the newer one here too") from invalid
        self._wondering = _LOOKS
        self._say_that_it_lags()

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
            wondering, self._wondering = self._wondering > 0, max(self._wondering - 1, 0)
            try:
                await self._take(await self._whole_text())
                if wondering and not await self._ledger.others():
                    await self._mean_it()
            except Refused as wrong:
                self._complain(str(wrong))
            else:
                self._wrong = None

    async def _whole_text(self) -> str:
        """Return the file's text, a new one once it stands still. Raises Refused.

        The beginning of a file that is being written may well be a policy,
        without the rules that deny.
        """
        text = await asyncio.to_thread(self._file.read)
        for _ in range(_SETTLES):
            if text == self._seen.text or (self._rejected and text == self._rejected[0]):
                return text
            await asyncio.sleep(SETTLING)
            before, text = text, await asyncio.to_thread(self._file.read)
            if text == before:
                return text
        raise Refused("the file goes on changing; it is read once it stands still")

    async def _mean_it(self) -> None:
        """Put the file in force that lagged behind a replica that is gone."""
        self._wondering = 0
        if self._policy.digest != self._seen.digest:
            _log.warning("no other replica serves: the policy of the file here is put in force")
            await self._activate(self._seen)

    async def _take(self, text: str) -> None:
        if text == self._seen.text:
            return
        if self._rejected is not None and text == self._rejected[0]:
            raise Refused(self._rejected[1])
        try:
            policy = await self._compiled(text)
        except Refused as wrong:
            self._rejected = (text, str(wrong))
            raise
        known = await self._ledger.policy_in_force()
        behind = known is not None and known.digest != self._seen.digest
        if known is not None and behind and await self._lags(policy, known):
            self._say_that_it_lags()
        else:
            await self._activate(policy)
        self._seen = policy

    async def _compiled(self, text: str) -> Policy:
        policy = await asyncio.to_thread(self._file.compile, text)
        misread = await self.misread(policy)
        if misread:
            raise Refused("\n".join(misread))
        return policy

    async def misread(self, policy: Policy) -> list[str]:
        """Say what a policy's conditions read that no tool has which the servers list now."""
        tools = await listed_tools(self._ledger, self._servers)
        problems = await asyncio.to_thread(argument_problems, policy, tools) if tools else ()
        return [str(problem) for problem in problems]

    def troubles(self) -> list[str]:
        """Say what is wrong with the file, where an older policy stays in force because of it."""
        return [self._wrong] if self._wrong else []

    async def _lags(self, policy: Policy, known: PolicyInForce) -> bool:
        """Tell whether a policy was in force before, and is not now."""
        if policy.digest == known.digest:
            return False
        events = await self._ledger.events(stream="policy", limit=100_000)
        digests = (each.event.digest for each in events if isinstance(each.event, PolicyActivated))
        return policy.digest in set(digests)

    def _say_that_it_lags(self) -> None:
        _log.warning(
            "the file here holds a policy that was in force before; %s, which was put in force"
            " after it, stays, for another replica serves or may. To put this file in force all the"
            " same, change it, be it a comment",
            self._policy.digest[:12],
        )

    async def _activate(self, policy: Policy) -> None:
        """Put a policy in force, in the place of what is found to be in force."""
        owner = await asyncio.to_thread(self._file.owner)
        for _ in range(_ATTEMPTS):
            known = await self._ledger.policy_in_force()
            before = known.text if known is not None else ""
            changes = await asyncio.to_thread(policy_changes, before, policy.text) if known else ()
            kept, changed = changes_kept(changes or ())
            command = ActivatePolicy(
                id=f"policy:{uuid.uuid4()}",
                actor="placet:policy",
                digest=policy.digest,
                text=policy.text,
                source=policy.file,
                expected=known.digest if known is not None else None,
                file_owner=owner,
                changes=kept,
                changed=changed,
            )
            try:
                await self._ledger.execute(command)
            except PolicyMoved:
                continue
            await self.again()
            return
        raise Refused("other replicas keep changing the policy; it is looked at again")

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
