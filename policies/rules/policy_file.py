"""The sections of the policy file."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, JsonValue, field_validator

from policies.conditions.amounts import exact_amount, written_amount
from policies.conditions.condition_checks import FUNCTIONS, RESERVED, ROOTS, TYPES
from policies.rules.decisions import Effect
from policies.rules.limits import Per
from policies.rules.rules import Asking
from policies.values.calls import Risk
from policies.values.matching import Glob, Matcher
from policies.yaml.durations import Duration, between
from policies.yaml.fields import Many, Name, Text, Version, shaped
from policies.yaml.validation import Section, Wrong

_LONGEST_PATTERN = 256
_LONGEST_CONDITION = 4000
_CONDITION_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LEAST = timedelta(seconds=1)
_MOST = timedelta(days=30)
_LONGEST_WINDOW = timedelta(days=31)
_EXACT_DIGITS = 15
"""Digits of a number with a fraction that YAML keeps exactly."""


def one_or_many(value: object) -> object:
    """Return one value or a list of them as a tuple. Raises Wrong for an empty list."""
    if value == []:
        raise Wrong("is an empty list", "name at least one, or remove the key")
    return tuple(value) if isinstance(value, list) else (value,)


def _pattern(text: str) -> str:
    if not text or len(text) > _LONGEST_PATTERN:
        raise Wrong("is not a pattern", 'write 1 to 256 characters, for example "push_*"')
    return text


def _target(text: str) -> str:
    server, slash, tool = text.partition("/")
    if not (server and slash and tool) or len(text) > _LONGEST_PATTERN:
        raise Wrong("is not `server/tool`", 'write both sides, for example "github/get_*"')
    return text


def _rule_name(text: str) -> str:
    if not text.isprintable() or not text.strip() or len(text) > 100:  # noqa: PLR2004 - said below
        raise Wrong("is not a rule's name", "write 1 to 100 printable characters")
    return text


def is_condition(text: str) -> bool:
    """Say whether `text` is neither blank nor longer than 4,000 characters."""
    return bool(text.strip()) and len(text) <= _LONGEST_CONDITION


def _condition(text: str) -> str:
    if not is_condition(text):
        raise Wrong("is not a condition", "write 1 to 4,000 characters of CEL")
    return text


def is_file(text: str) -> bool:
    """Say whether `text` is a path: printable, of 1 to 256 characters, with `/` between folders."""
    return text.isprintable() and 0 < len(text.strip()) <= _LONGEST_PATTERN and "\\" not in text


def _file(text: str) -> str:
    if not is_file(text):
        instead = "write its path with `/` between folders, for example `policies/github.yaml`"
        raise Wrong("is not a file", instead)
    return text


def _condition_name(text: str) -> str:
    if _CONDITION_NAME.fullmatch(text) is None:
        instead = "use up to 64 of a-z, 0-9 and `_`, beginning with a letter"
        raise Wrong("is not a condition's name", instead)
    if text in ROOTS or text in TYPES or text in FUNCTIONS or text in RESERVED:
        raise Wrong("is a word that CEL knows already", "choose another name")
    return text


def _at_most(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Wrong("is not a number", "write digits, for example `10` or `2.50`")
    number = exact_amount(value if isinstance(value, str) else repr(value))
    if number is None:
        raise Wrong("is not a number below 10^30", "write digits, for example `10` or `2.50`")
    if number < 0:
        raise Wrong("is negative", "write 0 or more")
    digits = written_amount(number).replace(".", "")
    if isinstance(value, float) and len(digits) > _EXACT_DIGITS:
        raise Wrong("has more digits than YAML keeps", "write the number in quotes")
    return number


AtMost = Annotated[
    Decimal, BeforeValidator(_at_most, json_schema_input_type=Annotated[float, Field(ge=0)] | str)
]
"""How much there may be: an exact decimal, 0 or more."""


OneOrMany = BeforeValidator(one_or_many)
PatternText = Annotated[str, shaped(_pattern, minLength=1, maxLength=_LONGEST_PATTERN)]
Patterns = Annotated[tuple[PatternText, ...], OneOrMany]
TargetText = Annotated[str, shaped(_target, pattern="^[^/]+/.+$", maxLength=_LONGEST_PATTERN)]
ConditionText = Annotated[str, shaped(_condition, pattern=r"\S", maxLength=_LONGEST_CONDITION)]
ConditionName = Annotated[str, shaped(_condition_name, pattern=f"^{_CONDITION_NAME.pattern}$")]
RuleName = Annotated[str, shaped(_rule_name, pattern=r"\S", maxLength=100)]
FilePath = Annotated[str, shaped(_file, pattern=r"^[^\\]+$", maxLength=_LONGEST_PATTERN)]
RiskWord = Annotated[Risk, Field(strict=False)]


_LIMITING: Final[dict[str, JsonValue]] = {"enum": ["deny", "require_approval"]}
"""What editors offer as a limit's effect: `limit_compiling` says why it is not `allow`."""


class MatchSection(Section):
    """The keys of `match`, `except` and `grants.never`; all given ones must fit."""

    server: Patterns | None = None
    tool: Patterns | None = None
    agent: Patterns | None = None
    team: Patterns | None = None
    on_behalf_of: Patterns | None = None
    risk: Annotated[tuple[RiskWord, ...], OneOrMany] | None = None

    def matcher(self) -> Matcher:
        """Return the matcher that these keys write."""
        return Matcher(
            server=_compiled(self.server),
            tool=_compiled(self.tool),
            agent=_compiled(self.agent),
            team=_compiled(self.team),
            on_behalf_of=_compiled(self.on_behalf_of),
            risk=self.risk,
        )


def _compiled(patterns: tuple[str, ...] | None) -> tuple[Glob, ...] | None:
    return None if patterns is None else tuple(Glob(pattern) for pattern in patterns)


class ApprovalSection(Section):
    """Who must approve, how often, and for how long the asking and the answer hold."""

    team: Name | None = None
    approvals: Annotated[int, Field(ge=1, le=20)] = 1
    expires_in: Duration = timedelta(minutes=30)
    use_within: Duration = timedelta(minutes=15)
    reason: Literal["required", "optional"] = "optional"

    @field_validator("expires_in", "use_within")
    @classmethod
    def _bounded(cls, value: timedelta) -> timedelta:
        return between(value, least=_LEAST, most=_MOST)

    def asking(self) -> Asking:
        """Return what these terms ask."""
        return Asking(
            team=self.team,
            approvals=self.approvals,
            expires_in=self.expires_in,
            use_within=self.use_within,
            reason_required=self.reason == "required",
        )


class RuleSection(Section):
    """One rule: which calls, under which condition, and what may happen to them."""

    name: RuleName
    description: str | None = None
    match: MatchSection = Field(default_factory=MatchSection)
    except_: MatchSection | None = Field(default=None, alias="except")
    when: ConditionText | None = None
    effect: Annotated[Effect, Field(strict=False)]
    approval: ApprovalSection | None = None
    message: Text | None = None
    show_result: bool | None = None


class LimitSection(Section):
    """One limit: which calls are counted or summed, for whom, and how many in what time."""

    name: RuleName
    description: str | None = None
    match: MatchSection = Field(default_factory=MatchSection)
    except_: MatchSection | None = Field(default=None, alias="except")
    when: ConditionText | None = None
    per: Annotated[tuple[Annotated[Per, Field(strict=False)], ...], OneOrMany] = ()
    sum: ConditionText | None = None
    at_most: AtMost
    within: Duration
    effect: Annotated[Effect, Field(strict=False, json_schema_extra=_LIMITING)] = Effect.DENY
    approval: ApprovalSection | None = None
    message: Text | None = None

    @field_validator("within")
    @classmethod
    def _bounded(cls, value: timedelta) -> timedelta:
        return between(value, least=_LEAST, most=_LONGEST_WINDOW)


class NeverSection(Section):
    """Which calls no grant may lift."""

    never: Annotated[tuple[MatchSection, ...], OneOrMany] = ()


class GrantsSection(NeverSection):
    """How long a grant may last, and which calls none may lift."""

    longest: Duration = timedelta(hours=8)

    @field_validator("longest")
    @classmethod
    def _bounded(cls, value: timedelta) -> timedelta:
        return between(value, least=_LEAST, most=timedelta(days=366))


class PolicyPart(Section):
    """What a policy file says for all servers, and an included one for a single server."""

    version: Version
    conditions: dict[ConditionName, ConditionText] = Field(default_factory=dict)
    rules: Annotated[tuple[RuleSection, ...], Many] = ()
    limits: Annotated[tuple[LimitSection, ...], Many] = ()
    redact: Annotated[tuple[PatternText, ...], Many] = ()
    hide: Annotated[tuple[TargetText, ...], Many] = ()
    risk: dict[TargetText, RiskWord] = Field(default_factory=dict)
    owners: dict[TargetText, Name] = Field(default_factory=dict)


class IncludedFile(PolicyPart):
    """A file whose rules hold for the calls to one server."""

    default: Annotated[Effect, Field(strict=False)] | None = None
    grants: NeverSection = Field(default_factory=NeverSection)


class PolicyFile(PolicyPart):
    """All that the policy file says."""

    default: Annotated[Effect, Field(strict=False)] = Effect.REQUIRE_APPROVAL
    grants: GrantsSection = Field(default_factory=GrantsSection)
    include: dict[Name, FilePath] = Field(default_factory=dict)
