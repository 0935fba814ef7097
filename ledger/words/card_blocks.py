"""Shows the blocks of a card as plain text, as they were kept."""

from collections.abc import Iterator, Mapping

from policies.values.calls import JsonValue
from policies.values.strict_json import NotStrict, parse


def card_lines(blocks: str) -> list[str]:
    """Return the lines of a card's blocks (JSON of Slack's Block Kit), as people saw them.

    What is no block that Placet writes is named by its type. The lines hold
    what agents wrote: make them inert before they are shown.
    """
    try:
        told = parse(blocks.encode())
    except (NotStrict, UnicodeEncodeError):
        return ["(the kept blocks are no JSON)"]
    if not isinstance(told, list):
        return ["(the kept blocks are no list)"]
    return [line for block in told for line in _block(block)]


def _block(block: JsonValue) -> Iterator[str]:
    if not isinstance(block, dict):
        yield "(no block)"
        return
    match block.get("type"):
        case "header" | "section":
            yield from _text(block.get("text")).split("\n")
        case "rich_text":
            for part in _all(block, "elements"):
                yield from _rich(part)
        case "context":
            yield " ".join(_text(each) for each in _all(block, "elements"))
        case "actions":
            buttons = (_text(each.get("text")) for each in _all(block, "elements"))
            yield " ".join(f"[{words}]" for words in buttons)
        case kind:
            yield f"({kind})"


def _rich(part: Mapping[str, JsonValue]) -> Iterator[str]:
    written = "".join(_piece(each) for each in _all(part, "elements"))
    indent = "  " if part.get("type") == "rich_text_preformatted" else ""
    for line in written.split("\n"):
        yield indent + line


def _piece(element: dict[str, JsonValue]) -> str:
    match element.get("type"):
        case "user":
            return f"@{element.get('user_id')}"
        case "date":
            return str(element.get("fallback", ""))
        case _:
            return _text(element)


def _text(value: JsonValue) -> str:
    if isinstance(value, dict):
        if "elements" in value:
            return "".join(_piece(each) for each in _all(value, "elements"))
        return _text(value.get("text"))
    return value if isinstance(value, str) else ""


def _all(block: Mapping[str, JsonValue], name: str) -> list[dict[str, JsonValue]]:
    found = block.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
