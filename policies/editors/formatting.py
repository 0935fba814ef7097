"""Writes the files in one form: order of keys, quotes and indentation; comments stay."""

import json
import re
from collections.abc import Iterator

from pydantic import BaseModel

from policies.rules.policy_file import PolicyFile
from policies.yaml.composing import Path
from policies.yaml.documents import read_document
from policies.yaml.scalars import Unrepresentable, resolve
from policies.yaml.validation import keys_at
from policies.yaml.yaml_tree import Branch, Entry, Node, Scalar, comments_of, read_tree

_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_/$(^;][^:]*|(?:[0-9]+(?:ms|[dhms]))+")
_ELSEWHERE = re.compile(r"(?i)y|n|yes|no|on|off")  # no text in YAML 1.1, which others may speak
_BREAKS = re.compile("[\x85\u2028\u2029]")
_POLICY = (
    "version", "default", "include", "conditions", "rules", "limits", "grants", "owners", "risk",
    "hide", "redact",
)  # fmt: skip


class Unformattable(Exception):
    """A file that cannot be written in another form without a change of what it says."""


def formatted(text: str, model: type[BaseModel]) -> str:
    """Return a valid file of a model in the form that all files have.

    Keys stand in the order of the reference, texts in quotes where they need
    some, and what was in brackets stays so where it fits in 100 columns. What
    the file says stays what it is, and so does every comment. Raises Unformattable.
    """
    if _BREAKS.search(text):
        raise Unformattable("it holds a line separator that is not a line feed")
    tree = read_tree(text)
    _arrange(tree.root, (), model)
    body = list(_block(tree.root, 0))
    if body and not body[0]:
        body.pop(0)
    head = [*tree.head, *([""] if tree.head and tree.gap else [])]
    result = "\n".join([*head, *body, *tree.foot]) + "\n"
    if _said(result) != _said(text) or comments_of(result) != sorted(tree.comments):
        raise Unformattable("its form cannot be changed without a change of what it says")
    return result


def _said(text: str) -> str:
    return json.dumps(read_document(text, file="").root, sort_keys=True)


def _arrange(node: Node, path: Path, model: type[BaseModel]) -> None:
    """Sort the keys of each map as the reference has them; comments stay above the dash."""
    if isinstance(node, Scalar):
        return
    if not node.listed:
        keys = list(dict.fromkeys(keys_at(model, path)))
        order = _POLICY if model is PolicyFile and not path else tuple(keys)
        places = {key: place for place, key in enumerate(order)}
        node.entries.sort(key=lambda entry: places.get(_name(entry), len(places)))
    for index, entry in enumerate(node.entries):
        _arrange(entry.value, (*path, index if node.listed else _name(entry)), model)
        if isinstance(entry.value, Branch) and entry.value.entries:
            first = entry.value.entries[0]
            first.apart = False
            if node.listed:
                entry.above += first.above
                first.above = []


def _name(entry: Entry) -> str:
    return entry.key.text if entry.key else ""


def _block(node: Node, indent: int) -> Iterator[str]:
    """Yield the lines of a map or list outside of brackets."""
    if isinstance(node, Scalar):
        raise Unformattable("it is no map")
    for entry in node.entries:
        if entry.apart:
            yield ""
        yield from (f"{' ' * indent}{comment}" for comment in entry.above)
        yield from _entry(entry, indent)


def _entry(entry: Entry, indent: int) -> Iterator[str]:
    """Yield the lines of one entry: its key or dash, its value, and the comment beside it."""
    begin = " " * indent + (f"{_text(entry.key, flow=False)}:" if entry.key else "-")
    beside = f"  {entry.beside}" if entry.beside else ""
    value = entry.value
    if isinstance(value, Scalar) and value.block:
        yield f"{begin} {value.block[0]}{beside}"
        yield from (f"{' ' * (indent + 2)}{line}" if line else "" for line in value.block[1:])
    elif _in_one_line(value, begin):
        yield f"{begin} {_inline(value, flow=False)}{beside}"
    else:
        first, *others = _block(value, indent + 2)
        yield f"{begin}{beside}" if entry.key else f"{begin} {first.lstrip()}{beside}"
        yield from ([first, *others] if entry.key else others)


def _in_one_line(value: Node, begin: str) -> bool:
    if isinstance(value, Scalar) or not value.entries:
        return True
    return value.flow and len(f"{begin} {_inline(value, flow=False)}") <= _WIDTH


def _inline(node: Node, *, flow: bool) -> str:
    """Return a value in one line; `flow` says that it stands in brackets."""
    if isinstance(node, Scalar):
        return _text(node, flow=flow)
    inner = [
        f"{_text(entry.key, flow=True)}: {_inline(entry.value, flow=True)}"
        if entry.key
        else _inline(entry.value, flow=True)
        for entry in node.entries
    ]
    return f"[{', '.join(inner)}]" if node.listed else f"{{{', '.join(inner)}}}"


def _text(scalar: Scalar, *, flow: bool) -> str:
    """Return a text as YAML: plain where it stays the same, else in quotes."""
    text = scalar.text
    if scalar.plain and not isinstance(_resolved(text), str):
        return text
    if _stays(text, flow=flow):
        return text
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return f'"{"".join(_escaped(sign) for sign in text)}"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return named.get(sign) or f"\\U{ord(sign):08X}"


def _resolved(text: str) -> object:
    try:
        return resolve(text, plain=True)
    except Unrepresentable:
        return None


def _stays(text: str, *, flow: bool) -> bool:
    """Say whether a text without quotes is read as it is."""
    if not (text.isprintable() and _PLAIN.fullmatch(text) and isinstance(_resolved(text), str)):
        return False
    if text != text.strip() or " #" in text or _ELSEWHERE.fullmatch(text):
        return False
    return not (flow and re.search(r"[\[\]{},]", text))
