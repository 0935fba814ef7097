"""Says in a person's words what the YAML parser did not understand."""

import re

from ruamel.yaml.error import MarkedYAMLError, StringMark

from policies.values.problems import Place, Problem

_QUOTE = 'quote it, for example "push_*"'
_OTHERWISE = "mend the line; quote values that hold `: `, `#` or brackets"
_SAID = (
    (
        r"'\\t' that cannot start",
        "not YAML: a tab stands where the line begins or a value should",
        "write blanks: YAML knows no tabs there",
    ),
    (r"character '(.)' that cannot start", r"not YAML: a value cannot begin with \1", _QUOTE),
    (
        r"mapping values are not allowed|could not find expected ':'",
        "not YAML: `: ` stands where no key can be, or it is missing",
        "quote a value that holds `: `; give keys a colon and a blank, and one indentation",
    ),
    (
        r"expected ',' or '.', but got",
        "not YAML: a comma is missing here, or a closing bracket before",
        "part values with commas; quote one that holds brackets or commas, like a condition",
    ),
    (r"expected the node content", "not YAML: a value is missing here", "write one"),
    (
        r"expected <block end>, but found '<scalar>'",
        "not YAML: text goes on after a value has ended",
        "put the whole value in quotes, and write quotes inside of it twice",
    ),
    (
        r"expected <block end>, but found '[\]}]'",
        "not YAML: a bracket closes here that was not opened",
        "remove it, or open one before",
    ),
    (
        r"expected <block end>, but found '-'",
        "not YAML: the line is not indented like those it belongs to",
        "indent it like the entries beside it",
    ),
    (
        r"expected <block end>",
        "not YAML: the line is not indented like those it belongs to",
        "indent it like the keys beside it",
    ),
    (
        r"unknown escape character '(.)'",
        r"not YAML: `\\\1` is no escape in double quotes",
        r"write `\\\\`, or use single quotes",
    ),
    (
        r"expected escape sequence",
        "not YAML: an escape in double quotes is not complete",
        r"write all its digits, or `\\\\` for a backslash",
    ),
    (
        r"expected (chomping|a comment or a line break)",
        "not YAML: a value cannot begin with `|` or `>` and go on in the same line",
        "quote it, or write the text on the lines below, indented",
    ),
)
_UNCLOSED = (
    ("scanning a quoted scalar", "the quote that opens here is not closed", "close it"),
    ("parsing a flow", "the bracket that opens here is not closed", "close it"),
)


def syntax_problem(file: str, error: MarkedYAMLError) -> Problem:
    """Return what is wrong with a text that is not YAML, and where a person can mend it."""
    problem, context = str(error.problem or ""), str(error.context or "")
    if "end of stream" in problem or "<stream end>" in problem:
        for cause, what, instead in _UNCLOSED:
            if cause in context:
                return _at(file, error.context_mark, f"not YAML: {what}", instead)
    for pattern, what, instead in _SAID:
        found = re.search(pattern, problem)
        if found:
            return _at(file, _mark(error), found.expand(what), found.expand(instead))
    said = problem or context or "the text ends too early"
    return _at(file, _mark(error), f"not YAML: {said}", _OTHERWISE)


def _mark(error: MarkedYAMLError) -> object:
    return error.problem_mark or error.context_mark


def _at(file: str, mark: object, what: str, instead: str) -> Problem:
    place = Place(1, 1)
    if isinstance(mark, StringMark):
        place = Place(mark.line + 1, mark.column + 1)
    return Problem(file, place.line, place.column, what, instead)


def trick_problem(kind: str, text: str) -> tuple[str, str]:
    """Return what is wrong with an anchor, alias or tag, and what was meant perhaps.

    `kind` is the sign that begins it: `&`, `*` or `!`.
    """
    name = {"&": "anchor", "*": "alias", "!": "tag"}[kind]
    what = f"the {name} `{text}` is not allowed"
    if kind == "!":
        return what, "remove it: types follow from the key; quote a text that begins with `!`"
    if kind == "*" and not re.fullmatch(r"\*\w+", text):
        return what, f'a text that begins with `*` stands in quotes: write "{text}"'
    return what, "write the value out where it is needed; quote a text that begins with this sign"
