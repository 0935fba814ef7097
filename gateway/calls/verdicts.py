"""What becomes of a call: it may run, its caller is told something, or nobody has decided yet."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from gateway.calls.answers import Answer
from gateway.calls.continuations import Leg
from ledger.lives.approvals import Approval


class Passed(NamedTuple):
    """The call may run now, once, as `call`; `show` says that its result may be kept.

    `leg` is how far it has come under its approval; None without one.
    """

    call: str
    show: bool
    leg: Leg | None = None


@dataclass(frozen=True)
class Pending:
    """Nobody has decided yet, which the caller does not know.

    Whoever has this holds the call on with `ToolCalls.wait`, or lets its
    caller go with `ToolCalls.let_go`.
    """

    approval: Approval
    digest: str


Verdict: TypeAlias = Passed | Answer | Pending

VERDICTS: Final = (Passed, Answer, Pending)

Settled: TypeAlias = Verdict | Coroutine[Any, Any, Verdict]
"""A verdict, or what holds the call until there is one: it is awaited at once, with `verdict_of`.

So nothing of how a call was decided is kept while people think about it.
"""


async def verdict_of(settled: Settled) -> Verdict:
    """Return a verdict, holding the call for it where it must be."""
    return settled if isinstance(settled, VERDICTS) else await settled
