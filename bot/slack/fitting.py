"""Makes text fit Slack's limits and says how much was left out."""

from dataclasses import dataclass

_ENTITIES = {"&": 5, "<": 4, ">": 4, '"': 2, "\\": 2, "\n": 2, "\t": 2}
"""What these characters cost in a JSON payload whose text Slack escapes."""

ELEMENT = 2_900
"""The most that one text element may weigh; Slack's limit is 3,000 characters."""

_NOTED = 80
_ONE_UNIT = 0xFFFF


@dataclass(frozen=True)
class Cut:
    """A text that fits, and how many characters of the original are in it and are not."""

    text: str
    shown: int
    hidden: int


def weight(text: str) -> int:
    """Return what `text` costs of a message's budget, counted as Slack may count it.

    UTF-16 code units, with `& < >` as entities and JSON's own escapes; never
    less than the number of characters.
    """
    escapes = sum(text.count(character) * (cost - 1) for character, cost in _ENTITIES.items())
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 + escapes


def cut(text: str, limit: int) -> Cut:
    """Return `text`, or its head and tail round a note, so that it weighs at most `limit`.

    The note says how many characters are not shown; below a limit of 80 there
    is no room for it and the text just ends in `…`.
    """
    if len(text) <= limit and weight(text) <= limit:
        return Cut(text, len(text), 0)
    if limit < _NOTED:
        start = head(text, limit - 1)
        return Cut(f"{start}…", len(start), len(text) - len(start))
    room = limit - 45
    start = head(text, room * 2 // 3)
    tail = head(text[: -limit - 1 : -1], room - room * 2 // 3)[::-1]
    hidden = len(text) - len(start) - len(tail)
    note = f" … {hidden:,} characters not shown … "
    return Cut(f"{start}{note}{tail}", len(start) + len(tail), hidden)


def head(text: str, room: int) -> str:
    """Return the beginning of `text` that weighs at most `room`."""
    start, spent = text[: max(room, 0)], 0
    if weight(start) <= room:
        return start
    for place, character in enumerate(start):
        spent += _cost(character)
        if spent > room:
            return start[:place]
    return start


def pieces_of(text: str, limit: int = ELEMENT) -> list[str]:
    """Return `text` in consecutive pieces that weigh at most `limit` each."""
    pieces: list[str] = []
    while text:
        pieces.append(head(text, limit) or text[0])
        text = text[len(pieces[-1]) :]
    return pieces


def _cost(character: str) -> int:
    return _ENTITIES.get(character) or (2 if ord(character) > _ONE_UNIT else 1)
