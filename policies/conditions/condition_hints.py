"""Knows what people of other languages write in a condition, and what CEL writes instead."""

from policies.conditions.expressions import Expression, Token

_WORDS = {
    "and": "write `&&`",
    "or": "write `||`",
    "not": "write `!`, as in `!args.draft`",
    "None": "write `null`",
    "nil": "write `null`",
    "undefined": "write `has(args.name)` to ask whether an argument is there",
    "True": "write `true`",
    "False": "write `false`",
}
_CONSTANTS = frozenset(("null", "true", "false"))
_FUNCTIONS = {
    "len": "write `size(…)`",
    "length": "write `size(…)`",
    "count": "write `size(…)`",
    "str": "write `string(…)`",
    "float": "write `double(…)`",
    "bool": "compare with `true`",
    "any": "write `.exists(x, …)`",
    "some": "write `.exists(x, …)`",
    "every": "write `.all(x, …)`",
    "startswith": "write `startsWith`",
    "endswith": "write `endsWith`",
    "includes": "write `contains`, or `x in list`",
    "regex": 'write `.matches("…")`',
    "match": 'write `.matches("…")`',
    "glob": 'write `matches_glob(…, "…")`',
    "lower": 'write `.matches("(?i)…")` to look beyond case',
    "lowerAscii": 'write `.matches("(?i)…")` to look beyond case',
    "toLowerCase": 'write `.matches("(?i)…")` to look beyond case',
    "upper": 'write `.matches("(?i)…")` to look beyond case',
}
_SIGNS = {
    "=": "write `==` to compare",
    "&": "write `&&`",
    "|": "write `||`",
    "~": 'write `.matches("…")`',
    "<>": "write `!=`",
    "===": "write `==`",
    "!==": "write `!=`",
}


def word_hint(word: str) -> str | None:
    """Return what CEL writes for a word of another language, or None."""
    lower = word.lower()
    return _WORDS.get(word) or (f"write `{lower}`" if lower in _CONSTANTS else None)


def function_hint(name: str) -> str | None:
    """Return what CEL writes for a function of another language, or None."""
    return _FUNCTIONS.get(name)


def foreign(expression: Expression) -> tuple[Token, str] | None:
    """Return the first word or sign that CEL does not have, and what it writes instead."""
    tokens = expression.tokens
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        if token.kind == "name" and token.text in ("and", "or", "not") and before != ".":
            return token, _WORDS[token.text]
        if token.kind == "sign" and not _joined(tokens, index - 1):
            run = _run(tokens, index)
            if run in _SIGNS:
                return token, _SIGNS[run]
    return None


def _run(tokens: tuple[Token, ...], index: int) -> str:
    """Return the signs of operators that stand together from `index` on."""
    text = tokens[index].text
    while _joined(tokens, index):
        index += 1
        text += tokens[index].text
    return text


def _joined(tokens: tuple[Token, ...], index: int) -> bool:
    """Say whether the sign at `index` and the one after it make one operator."""
    if not 0 <= index < len(tokens) - 1:
        return False
    one, other = tokens[index], tokens[index + 1]
    together = other.offset == one.offset + len(one.text)
    return together and all(each.text in set("=!<>&|~") for each in (one, other))
