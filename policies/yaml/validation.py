"""Turns a document into a model, and what the model refuses into problems with places."""

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from policies.values.problems import Place, Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document

Model = TypeVar("Model", bound=BaseModel)

_ELSEWHERE = {
    "observe": ("`observe` is not known here", "write it at a server of placet.yaml"),
}
_OF_CLIENTS = {
    "args": "write them behind the program, like `command: [npx, -y, the-server]`",
    "type": "remove it: a `url` is reached over HTTP, a `command` is started",
    "transport": "remove it: a `url` is reached over HTTP, a `command` is started",
}
"""What stands at a server in the files of MCP clients, and what to write instead."""

_KINDS = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "dict_type": "a map of keys and values",
    "model_type": "a map of keys and values",
    "model_attributes_type": "a map of keys and values",
    "tuple_type": "a list",
    "list_type": "a list",
}
_ADVICE = {
    "text": "write text, in quotes where it looks like a number or a word like `true`",
    "a whole number": "write digits only, without quotes",
    "`true` or `false`": "write one of the two, without quotes",
    "a map of keys and values": "write `key: value` lines below it, indented",
    "a list": "write `[one, two]`, or lines that begin with `- `",
}
_QUOTED = re.compile(r"`([^`]*)`")


class Section(BaseModel):
    """A part of a file: no unknown keys, no conversions, no changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Wrong(ValueError):
    """A value that a model refuses: `what` is wrong and what to write `instead`."""

    def __init__(self, what: str, instead: str) -> None:
        self.what = what
        self.instead = instead
        super().__init__(f"{what}; {instead}")


class NotAName(Wrong):
    """A text that is no name, and no secret either: it is shown where it is one of several."""


def validated(model: type[Model], document: Document) -> tuple[Model | None, list[Problem]]:
    """Return `document` as a `model`, or None, and every problem found on the way.

    Errors below a value that is already known to be faulty are left out.
    """
    root, empty = _without_nulls(document)
    problems = [*document.problems, *empty.values()]
    faulty = document.faulty | empty.keys()
    try:
        return model.model_validate(root), problems
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            path, place = _whereabouts(document, details)
            if not any(path[: len(bad)] == bad for bad in faulty):
                problems.append(_problem(model, document, details, path, place))
        return None, problems


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return advice naming the word of `known` nearest to `word`, or else `otherwise`."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else otherwise


def choice(words: Iterable[str]) -> str:
    """Return advice to write one of `words`."""
    listed = ", ".join(f"`{word}`" for word in sorted(words))
    return f"write one of {listed}" if listed else "there is none yet"


def _without_nulls(document: Document) -> tuple[Value, dict[Path, Problem]]:
    empty: dict[Path, Problem] = {}

    def walk(value: Value, path: Path) -> Value:
        if isinstance(value, list):
            return [walk(each, (*path, index)) for index, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        kept: dict[str, Value] = {}
        for key, each in value.items():
            if each is not None:
                kept[key] = walk(each, (*path, key))
            elif (*path, key) not in document.faulty:
                what = f"`{key}` has no value"
                place = document.key((*path, key))
                empty[*path, key] = document.problem(place, what, "write one, or remove the key")
        return kept

    return walk(document.root, ()), empty


def _whereabouts(document: Document, details: ErrorDetails) -> tuple[Path, Place]:
    steps = details["loc"]
    path: Path = ()
    for step in steps:
        inside = document.at(path)
        written = isinstance(inside, dict) and step in inside
        if written or not str(step).startswith(("=", "[key]")):
            path = (*path, step)
    if steps and steps[-1] == "[key]":
        return path, document.key(path)
    if details["type"] == "extra_forbidden":
        return path, document.key(path)
    if details["type"] == "missing":
        return path, document.key(path[:-1])
    return path, document.place(path)


def _problem(
    model: type[BaseModel], document: Document, details: ErrorDetails, path: Path, place: Place
) -> Problem:
    name = _name(path)
    match details["type"], details.get("ctx", {}):
        case "extra_forbidden", _:
            return document.problem(place, *_unknown_key(model, path))
        case "missing", _:
            return document.problem(place, *_missing(path))
        case "value_error", {"error": Wrong() as wrong}:
            if isinstance(wrong, NotAName) and isinstance(path[-1], int):
                name = f"`{document.at(path)}` in {name}"
            return document.problem(place, f"{name} {wrong.what}", wrong.instead)
        case kind, _ if kind in _KINDS:
            wanted = _KINDS[kind]
            return document.problem(place, f"{name} must be {wanted}", _ADVICE[wanted])
        case (("literal_error" | "enum"), {"expected": expected}):
            words = str(expected).replace("'", "`")
            word = str(document.at(path) or document.at(path[:-1]))  # one may stand for a list
            near = suggestion(word, _QUOTED.findall(words), "write one of these")
            return document.problem(place, f"{name} must be {words}", near)
        case "greater_than_equal", {"ge": least}:
            return document.problem(place, f"{name} must be at least {least}", "write more")
        case "less_than_equal", {"le": most}:
            return document.problem(place, f"{name} must be at most {most}", "write less")
        case _:
            return document.problem(place, f"{name}: {_lower(details['msg'])}", "mend the value")


def _name(path: Path) -> str:
    words = [step for step in path if isinstance(step, str)]
    return f"`{words[-1]}`" if words else "the file"


def _at_server(path: Path) -> bool:
    return len(path) == 3 and path[0] == "servers"  # noqa: PLR2004  the section, its name, a key


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _missing(path: Path) -> tuple[str, str]:
    where = f" in {_name(path[:-1])}" if len(path) > 1 else ""
    if _at_server(path) and path[-1] == "url":
        what = f"`url`, or else `command`, is missing{where}"
        return what, "add the one by which the server is reached"
    return f"`{path[-1]}` is missing{where}", "add it"


def _unknown_key(model: type[BaseModel], path: Path) -> tuple[str, str]:
    key = str(path[-1])
    known = set(keys_at(model, path[:-1]))
    if key in _ELSEWHERE:
        return _ELSEWHERE[key]
    if key in known:
        return f"`{key}` does not go with the other keys of {_name(path[:-1])}", "remove it"
    where = f" in {_name(path[:-1])}" if len(path) > 1 else ""
    if _at_server(path) and key in _OF_CLIENTS:
        return f"unknown key `{key}`{where}", _OF_CLIENTS[key]
    return f"unknown key `{key}`{where}", suggestion(key, known, f"{choice(known)}, or remove it")


def keys_at(annotation: Any, path: Path) -> Iterator[str]:
    """Yield the keys that may stand in the map at `path`, below a type annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from keys_at(get_args(annotation)[0], path)
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from keys_at(each, path)
    elif origin in (dict, Mapping, list, tuple) and path:
        yield from keys_at(get_args(annotation)[1 if origin in (dict, Mapping) else 0], path[1:])
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _keys_of(annotation, path)


def _keys_of(model: type[BaseModel], path: Path) -> Iterator[str]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if not path:
        yield from fields
    elif path[0] in fields:
        yield from keys_at(fields[str(path[0])].annotation, path[1:])
