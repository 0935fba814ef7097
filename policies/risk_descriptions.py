"""Finds in a tool's description what the tool can do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies import risk_words as words
from policies.calls import Risk
from policies.risk_names import Speaking
from policies.risk_words import FORMS, VERBS

_LONGEST = 800
"""Characters of a description that are looked at."""
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|[,/&:;().!?\n]")
_ENDS = frozenset(".!?\n")
_JOINTS = frozenset(
    {",", "/", "&", ":", ";", "(", "and", "or", "to", "then", "also", "can", "will"}
    | {"tool", "it", "you", "allows", "lets", "may"}
)
"""Words and signs behind which a verb can stand."""
_OURSELVES = frozenset({"tool", "function", "helper", "command", "utility", "server"})
"""What a description calls the tool."""
_LATER = frozenset({"can", "will", "also", "it", "tool", "may"})
"""Words behind which a verb of a later sentence is said of the tool."""
_OBJECTS = frozenset(
    {"it", "the", "a", "an", "them", "all", "any", "this", "that", "each", "every"}
)
_MILD = frozenset({Risk.READ, Risk.WRITE})
_PRODUCTION = re.compile(r"\b(?:to|in|into|on) production\b")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words and signs of a sentence, as they are written and in lower case."""

    written: Sequence[str]
    words: Sequence[str]


_NOTHING = Sentence((), ())


def sentences_of(description: str) -> list[Sentence]:
    """Return a description's sentences that have words; of a long one, the beginning."""
    written: list[list[str]] = [[]]
    for word in _SPOKEN.findall(description[:_LONGEST]):
        if word in _ENDS:
            written.append([])
        else:
            written[-1].append(word)
    return [Sentence(each, [word.lower() for word in each]) for each in written if each]


@dataclass(frozen=True, slots=True)
class Named:
    """What a tool's name says already: its words, and the risks of its verbs."""

    words: Sequence[str]
    risks: frozenset[Risk]

    @property
    def broad(self) -> bool:
        """Whether the name covers all that can be done with a thing."""
        return not words.BROAD.isdisjoint(self.words)


def reads_first(sentences: Sequence[Sentence]) -> bool:
    """Tell whether a description begins with a reading verb."""
    if not sentences:
        return False
    first, *rest = sentences[0].words
    if [first, *rest[:1]] in (["read", "only"], ["check", "out"]):
        return False
    return first in words.RETURNING or VERBS.get(FORMS.get(first, "")) is Risk.READ


def speaking(sentences: Sequence[Sentence], name: Named) -> Iterator[Speaking]:
    """Yield what the verbs of a description say beside those of the tool's name.

    Loose verbs count only where the name has none. What a broad name covers is
    taken for the worst, unless the description lists what it is.
    """
    first = sentences[0] if sentences else _NOTHING
    found = list(_verbs(first, name))
    yield from ((_risk(word, verb), _quoted(word)) for word, verb in found)
    for sentence in sentences[1:]:
        yield from _said_later(sentence)
    listed = len(found) > 1 or not words.NARROW.isdisjoint(first.words)
    if not listed and (name.broad or any(verb in words.BROAD for _, verb in found)):
        yield Risk.DESTRUCTIVE, "`manage`, which may be to delete"
    risks = name.risks.union(VERBS[verb] for _, verb in found)
    if Risk.WRITE in risks and _PRODUCTION.search(" ".join(first.words)):
        yield Risk.EXECUTE, _quoted("production")


def _quoted(word: str) -> str:
    return f"`{word}` in its description"


def _risk(word: str, verb: str) -> Risk:
    return Risk.READ if word.lower() in words.RETURNING else VERBS[verb]


def _verbs(sentence: Sentence, name: Named) -> Iterator[tuple[str, str]]:
    """Yield the words that say what the tool does, each with its verb."""
    for place, word in enumerate(sentence.words):
        verb = FORMS.get(word)
        if verb is None or not _begins(sentence.words, place):
            continue
        if _means(sentence.words, place, verb, name):
            yield sentence.written[place], verb


def _begins(sentence: Sequence[str], place: int) -> bool:
    """Tell whether a verb can stand at `place`; adverbs may stand before it."""
    before = place - 1
    while before >= 0 and sentence[before].endswith("ly"):
        before -= 1
    if before < 0 or sentence[before] in _JOINTS:
        return True
    if sentence[before] in {"that", "which"}:
        return before > 0 and sentence[before - 1] in _OURSELVES
    return sentence[before] == "for" and sentence[place].endswith("ing")


def _means(spoken: Sequence[str], place: int, verb: str, name: Named) -> bool:
    """Tell whether a word that may be a verb is one where it stands, and says something new."""
    word = spoken[place]
    if verb in name.words:
        return False
    if not place and Risk.READ in name.risks and verb in words.HOMOGRAPHS:
        return False
    if verb == "apply" and not words.APPLIED.isdisjoint(spoken):
        return True
    following = spoken[place + 1] if place + 1 < len(spoken) else ""
    if name.risks and verb in words.WEAK:
        return following == "any"
    if not place or word == verb:
        return True
    if VERBS[verb] is Risk.READ or word in words.RETURNING:
        return False
    if VERBS[verb] is Risk.FINANCIAL or verb in words.WEAK:
        return following in _OBJECTS
    return True


def _said_later(sentence: Sentence) -> Iterator[Speaking]:
    """Yield the grave verbs that a later sentence says of the tool, not of other things."""
    before = ""
    for place, word in enumerate(sentence.words):
        verb = FORMS.get(word)
        if verb is not None and VERBS[verb] not in _MILD and verb not in words.WEAK:
            opens = not before and word != verb and word.endswith("s")
            if opens or before in _LATER:
                yield VERBS[verb], _quoted(sentence.written[place])
        before = word
