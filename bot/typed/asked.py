"""What a person can ask for after `/placet`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from policies.deciding.freezes import Frozen


@dataclass(frozen=True)
class AskGrant:
    """`grant`: let an agent use tools for a time; `target` is `server/tool` with globs."""

    agent: str
    target: str
    lasting: timedelta
    uses: int | None = None
    reason: str | None = None
    when: str | None = None


@dataclass(frozen=True)
class AskRequest:
    """`request`: ask the owning teams for a grant, on the terms that it says."""

    wanted: AskGrant


@dataclass(frozen=True)
class AskRenew:
    """`renew`: give a grant once more, for as long as it was given for."""

    grant: str


@dataclass(frozen=True)
class AskRevoke:
    """`revoke`: end a grant now."""

    grant: str
    reason: str | None = None


@dataclass(frozen=True)
class AskList:
    """`list`: the live grants."""


@dataclass(frozen=True)
class AskPending:
    """`pending`: the open approvals that the person may decide."""


@dataclass(frozen=True)
class AskShow:
    """`show`: one approval."""

    approval: str


@dataclass(frozen=True)
class AskFreeze:
    """`freeze`: stop an agent, a server or everything; `name` is empty for everything."""

    over: Frozen
    name: str
    lasting: timedelta | None = None
    reason: str | None = None


@dataclass(frozen=True)
class AskUnfreeze:
    """`unfreeze`: lift the freeze over something, or the `freeze` with an id."""

    over: Frozen | None
    name: str
    reason: str | None = None


@dataclass(frozen=True)
class AskExtend:
    """`extend`: give a question more time; without `lasting` as much as it had at first."""

    approval: str
    lasting: timedelta | None = None


@dataclass(frozen=True)
class AskWithdraw:
    """`withdraw`: take a question back that an agent of the person's own has asked."""

    approval: str
    reason: str | None = None


@dataclass(frozen=True)
class AskFreezes:
    """`freezes`: what is frozen now."""


@dataclass(frozen=True)
class AskDelegate:
    """`delegate`: let somebody vote in one's stead; without `teams` for all that one may."""

    delegate: str
    lasting: timedelta
    teams: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class AskUndelegate:
    """`undelegate`: take that back."""


@dataclass(frozen=True)
class AskDelegations:
    """`delegations`: who votes for whom now."""


@dataclass(frozen=True)
class AskBreakGlass:
    """`break-glass`: approve a call alone, after a dialog that asks again."""

    approval: str
    reason: str


@dataclass(frozen=True)
class AskSignOff:
    """`sign-off`: say that a broken glass was looked at."""

    approval: str
    note: str


@dataclass(frozen=True)
class AskAfterReviews:
    """`after-reviews`: the broken glasses that nobody has signed off."""


@dataclass(frozen=True)
class AskBuilder:
    """Nothing after `/placet`: a dialog in which a grant is put together."""


@dataclass(frozen=True)
class AskHelp:
    """`help`: what can be typed; `about` one command, or all."""

    about: str | None = None


Asked: TypeAlias = (
    AskGrant
    | AskRequest
    | AskRenew
    | AskRevoke
    | AskList
    | AskPending
    | AskShow
    | AskFreeze
    | AskUnfreeze
    | AskFreezes
    | AskDelegate
    | AskUndelegate
    | AskDelegations
    | AskBreakGlass
    | AskSignOff
    | AskAfterReviews
    | AskExtend
    | AskWithdraw
    | AskBuilder
    | AskHelp
)
"""One thing a person asked for."""
