"""Finds in a tool's name what the tool can do."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from policies.risks import risk_words as words
from policies.risks.risk_words import VERBS
from policies.values.calls import Risk

Speaking: TypeAlias = tuple[Risk, str]
"""A risk, and the words that speak for it."""

_NONE: frozenset[str] = frozenset()
_LEAST_GLUED = 5
_LEAST_TAIL = 3
_INFLECTIONS = ("ed", "ing", "ion", "or", "er", "ive", "able", "al", "e")


@dataclass(frozen=True, slots=True)
class Name:
    """A tool's name in words (lower case), beside the words of its server's name.

    `things` are its words without their plural endings.

    `told_to_read` says that the description begins with a reading verb: it
    decides between the meanings of a word of the name, and nothing else.
    """

    words: Sequence[str]
    server: frozenset[str]
    told_to_read: bool
    things: frozenset[str]

    @property
    def only_reads(self) -> bool:
        """Whether the first verb reads, so that all else is what is read.

        Of a name without a verb the description says whether it does, or a thing
        that tells of others.
        """
        first = self.first_verb
        if first is None:
            return (self.told_to_read or self.tells) and "checkout" not in self.words
        if first in words.HOMOGRAPHS and self.words[-1] in words.READING:
            return True
        return VERBS[first] is Risk.READ

    @property
    def tells(self) -> bool:
        """Whether it has no verb and names what tells of things, as in `sales_summary`."""
        return self.first_verb is None and not words.ACCOUNTS.isdisjoint(self.words)

    @property
    def first_verb(self) -> str | None:
        """The first word that may be a verb."""
        return next((word for word in self.words if word in VERBS), None)


def speaking(name: Name) -> Iterator[Speaking]:
    """Yield what the words of `name` say, none where they say nothing."""
    verbs = list(_verbs(name))
    yield from ((risk, _quoted(word)) for word, risk in verbs)
    meant = frozenset(word for word, _ in verbs)
    yield from _together(meant, name.things, words.TOGETHER)
    if not verbs and name.tells:
        yield Risk.READ, _quoted(min(words.ACCOUNTS.intersection(name.words)))
    acting = frozenset(word for word, risk in verbs if risk is not Risk.READ)
    if acting or not name.only_reads:
        yield from _together(name.things, name.things, words.THINGS_TOGETHER)
        yield from _money(name, acting)
        yield from _code(name, acting)


def _quoted(word: str) -> str:
    return f"`{word}` in its name"


def _together(
    verbs: AbstractSet[str],
    things: AbstractSet[str],
    pairs: Sequence[tuple[frozenset[str], frozenset[str], Risk]],
) -> Iterator[Speaking]:
    """Yield what verbs and things mean together."""
    for acts, dealt, risk in pairs:
        if not acts.isdisjoint(verbs) and not dealt.isdisjoint(things):
            verb, thing = min(acts & verbs), min(dealt & things)
            yield risk, f"`{verb}` and `{thing}` in its name"


def _verbs(name: Name) -> Iterator[tuple[str, Risk]]:
    """Yield the verbs that are meant as such, with their risks."""
    reads = wrote = False
    final = len(name.words) - 1
    for place, word in enumerate(name.words):
        glued = _glued(word)
        risk = VERBS.get(word) or glued
        if word in words.JOINING:
            reads = wrote = False
        if risk is None or _is_thing(name, word, place, wrote=wrote):
            continue
        last = place == final and word in words.LAST
        if not reads or last or glued or word in words.ALWAYS:
            yield word, _narrowed(name, word, risk)
        reads = reads or word in words.READING
        wrote = wrote or risk is Risk.WRITE


def _is_thing(name: Name, word: str, place: int, *, wrote: bool) -> bool:
    """Tell whether a word that may be a verb is a thing where it stands."""
    final = len(name.words) - 1
    if word in words.HOMOGRAPHS:
        before_reading = place < final and name.words[final] in words.READING
        behind_run = place > 0 and name.words[place - 1] == "run"
        return before_reading or behind_run or (place == final > 0 and name.told_to_read)
    beside = name.words[place + 1 : place + 2]
    if place and not words.COMPOUNDS.get(word, _NONE).isdisjoint(beside):
        return name.words[place - 1] in VERBS
    return wrote and word in words.THINGS_OF_WORK


def _narrowed(name: Name, word: str, risk: Risk) -> Risk:
    """Return the risk of a verb, less where the things beside it say that it means less."""
    for verbs, things, less in words.NARROWED:
        if word in verbs and not things.isdisjoint(name.things):
            return less
    return risk


@lru_cache(maxsize=4096)
def _glued(word: str) -> Risk | None:
    """Return the risk of a grave verb that another word is glued to, as in `deletefile`."""
    for verb in words.ALWAYS:
        tail = word.removeprefix(verb)
        if len(verb) >= _LEAST_GLUED and tail != word and len(tail) >= _LEAST_TAIL:
            return None if tail.startswith(_INFLECTIONS) else VERBS[verb]
    return None


def _money(name: Name, verbs: AbstractSet[str]) -> Iterator[Speaking]:
    things = name.things
    if words.NOT_MONEY.isdisjoint(things | name.server):
        money = words.MONEY
        if not words.NOT_TRANSFERRED_MONEY.isdisjoint(things):
            money -= {"transfer"}
        for word in sorted(money & things.union(name.words)):
            yield Risk.FINANCIAL, _quoted(word)
    if verbs and not words.VENUES.isdisjoint(name.server):
        for word in sorted(things & words.DEALT):
            yield Risk.FINANCIAL, f"{_quoted(word)}, at a server that deals in money"


def _code(name: Name, verbs: AbstractSet[str]) -> Iterator[Speaking]:
    kept = name.told_to_read or bool(verbs and verbs <= words.STORING)
    code = words.CODE if kept else words.CODE | words.CODE_PERHAPS
    if not words.LOGGED.isdisjoint(name.things):
        code -= {"console"}
    for word in sorted(name.things & code):
        yield Risk.EXECUTE, _quoted(word)
    if verbs and not (verbs <= words.STORING and not words.KEPT.isdisjoint(name.things)):
        screens = words.SCREENS - {"element"} if verbs <= words.MAKING else words.SCREENS
        driven = (name.things & screens) | (name.server & words.DRIVERS)
        for word in sorted(driven):
            yield Risk.EXECUTE, f"`{min(verbs)}` of `{word}`"
