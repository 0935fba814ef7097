"""Refuses conditions that cannot be meant, before they are compiled."""

from collections.abc import Callable, Collection, Mapping

from policies.conditions.call_forms import misformed
from policies.conditions.comparisons import unlike
from policies.conditions.condition_hints import function_hint, word_hint
from policies.conditions.evaluator import cel
from policies.conditions.expressions import Expression, Token
from policies.conditions.functions import CLOCK, OWN, is_glob, is_root, network_of, zone_of
from policies.yaml.validation import choice, suggestion

ROOTS = ("args", "call", "agent", "now")
"""The variables of a condition."""
TYPES = frozenset(
    ("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint")
)
FUNCTIONS = frozenset(CLOCK) | frozenset(OWN) | {
    "all", "bytes", "contains", "double", "duration", "dyn", "endsWith", "exists", "exists_one",
    "filter", "has", "int", "map", "matches", "size", "startsWith", "string", "timestamp", "type",
    "uint",
}  # fmt: skip
RESERVED = frozenset(
    (
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
        "while",
    )
)  # fmt: skip
"""The words that CEL keeps for itself (CEL, syntax)."""
_MEMBERS = {
    "call": ("server", "tool", "team", "risk"),
    "agent": ("name", "team", "owner", "on_behalf_of"),
}
_ZONE = "a time zone"
_ZONES = 'write a name like "Europe/Berlin" or an offset like "+02:00"'


class CannotCompile(Exception):
    """A condition that is refused: `what`, what to write `instead`, and its line and column."""

    def __init__(self, what: str, instead: str, *, line: int = 1, column: int = 1) -> None:
        self.what = what
        self.instead = instead
        self.line = line
        self.column = column
        super().__init__(f"{what}; {instead}")


def refusal(source: str, offset: int, what: str, instead: str) -> CannotCompile:
    """Return the refusal of what stands at `offset` of a condition's text."""
    before = source[:offset]
    line = before.count("\n") + 1
    return CannotCompile(what, instead, line=line, column=len(before) - before.rfind("\n"))


def check(expression: Expression, named: Collection[str]) -> None:
    """Check names, functions, comprehensions and texts; `named` conditions are words too.

    Raises CannotCompile for the first that cannot be meant.
    """
    check_loops(expression, expression.source)
    _check_bound(expression, named)
    _check_functions(expression)
    _check_roots(expression, named)
    _check_members(expression)
    _check_forms(expression)
    _check_patterns(expression)
    _check_texts(expression)
    _check_comparisons(expression)


def check_loops(expression: Expression, source: str, origin: Callable[[int], int] = int) -> None:
    """Refuse comprehensions inside comprehensions.

    `source` is the text that a person wrote, `origin` says where in it an
    offset of the expression came from. Raises CannotCompile.
    """
    nested = expression.nested()
    if nested is not None:
        what = f"`{nested.macro.text}` stands inside another comprehension"
        offset = origin(nested.macro.offset)
        raise refusal(source, offset, what, "write two rules, or one comprehension")


def _check_comparisons(expression: Expression) -> None:
    """Refuse comparisons with what a value can never be."""
    found = unlike(expression)
    if found is not None:
        raise _refuse(expression, *found)


def _refuse(expression: Expression, token: Token | None, what: str, instead: str) -> CannotCompile:
    return refusal(expression.source, token.offset if token else 0, what, instead)


def _check_bound(expression: Expression, named: Collection[str]) -> None:
    for loop in expression.loops():
        if loop.bound in ROOTS or loop.bound in named:
            what = f"`{loop.macro.text}` hides `{loop.bound}`"
            raise _refuse(expression, loop.macro, what, "name its element otherwise, like `x`")


def _check_functions(expression: Expression) -> None:
    for token, _ in expression.functions():
        if token.text not in FUNCTIONS:
            what = f"there is no function `{token.text}`"
            hint = function_hint(token.text)
            advice = hint or suggestion(token.text, FUNCTIONS, choice(FUNCTIONS))
            raise _refuse(expression, token, what, advice)


def _check_roots(expression: Expression, named: Collection[str]) -> None:
    known = {*ROOTS, *named}
    for token in expression.roots():
        if token.text not in known and token.text not in TYPES:
            what = f"there is no `{token.text}`"
            hint = word_hint(token.text)
            others = f"write `args.{token.text}` for an argument, else {choice(known)[6:]}"
            advice = hint or suggestion(token.text, known, others)
            raise _refuse(expression, token, what, advice)


def _check_members(expression: Expression) -> None:
    for root, members in _MEMBERS.items():
        for token in expression.members(root):
            if token.text not in members:
                what = f"`{root}` has no `{token.text}`"
                advice = suggestion(token.text, members, choice(members))
                raise _refuse(expression, token, what, advice)


def _check_forms(expression: Expression) -> None:
    """Refuse calls of CEL's own functions that can never have an answer."""
    found = misformed(expression)
    if found is not None:
        raise _refuse(expression, *found)


def _check_patterns(expression: Expression) -> None:
    for token, between in expression.calls("matches"):
        pattern = between[0] if between else token
        if [each.kind for each in between] != ["text"]:
            instead = "write the regular expression itself, in quotes"
            raise _refuse(expression, pattern, "`matches` takes a text only", instead)
        try:
            cel.compile(f'"".matches({pattern.text})').execute({})
        except Exception:  # noqa: BLE001 - the regular expression is refused, whatever the reason
            instead = "write RE2 syntax, without look-around and back references"
            raise _refuse(expression, pattern, "not a regular expression", instead) from None


_WRITTEN: Mapping[str, tuple[Callable[[str], object], str, str]] = {
    "path_within": (is_root, "a folder", 'write an absolute path without `..`, like "/srv/data"'),
    "ip_in": (network_of, "a network", 'write it like "10.0.0.0/8", without host bits'),
    "matches_glob": (is_glob, "a pattern", 'write 1 to 256 characters, for example "push_*"'),
}


def _check_texts(expression: Expression) -> None:
    """Refuse what a function of ours could never take, where it is written out."""
    for name, (takes, kind, instead) in _WRITTEN.items():
        for token, between in expression.calls(name):
            groups = expression.arguments(between)
            if len(groups) + expression.on_value(token) != 2:  # noqa: PLR2004 - each takes two
                what = f"`{name}` takes two values"
                raise _refuse(expression, token, what, f"write `{name}(a value, {kind})`")
            _check_text(expression, groups[-1], takes, kind, instead)
    for token, between in expression.calls("domain"):
        if len(expression.arguments(between)) + expression.on_value(token) != 1:
            raise _refuse(expression, token, "`domain` takes one value", "write `domain(args.url)`")
    for name in CLOCK:
        for token, between in expression.calls(name):
            if between and [each.kind for each in between] != ["text"]:
                what = f"`{name}` takes {_ZONE} in quotes, or nothing"
                raise _refuse(expression, between[0] if between else token, what, _ZONES)
            _check_text(expression, between, zone_of, _ZONE, _ZONES)


def _check_text(
    expression: Expression,
    tokens: tuple[Token, ...],
    takes: Callable[[str], object],
    kind: str,
    instead: str,
) -> None:
    if [each.kind for each in tokens] != ["text"]:
        return
    try:
        text = cel.compile(tokens[0].text).execute({})
    except Exception:  # noqa: BLE001 - it is no text, whatever the reason
        text = None
    if not isinstance(text, str) or not takes(text):
        raise _refuse(expression, tokens[0], f"{tokens[0].text} is not {kind}", instead)
