"""Finds in a tool's description what the tool can do."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import takewhile

from policies.risks import risk_words as words
from policies.risks.risk_names import Speaking
from policies.risks.risk_words import FORMS, VERBS, singular
from policies.values.calls import Risk

_LONGEST = 800
"""Characters of a description that are looked at."""
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|[,/&:;|().!?\n]")
_ENDS = frozenset(".!?\n")
_JOINTS = frozenset(
    {",", "/", "&", ":", ";", "|", "(", "and", "or", "to", "then", "also", "can", "will"}
    | {"tool", "it", "you", "allows", "lets", "may"}
)
"""Words and signs behind which a verb can stand."""
_OURSELVES = frozenset({"tool", "function", "helper", "command", "utility", "server"})
"""What a description calls the tool."""
_LATER = frozenset({"can", "will", "also", "it", "tool", "may"})
"""Words behind which a verb of a later sentence is said of the tool."""
_GOING_ON = frozenset({"and", "then", "also", "can", "will", "may"})
"""Words behind which what follows is done as well."""
_LISTING = frozenset({",", "/", "&", "(", "and", "or"})
"""Words and signs by which things are listed."""
_OBJECTS = frozenset(
    {"it", "the", "a", "an", "them", "all", "any", "this", "that", "each", "every"}
)
_NEAR = 4
"""Words behind a verb among which its object stands."""
_ABOUT = frozenset({"about", "for", "of", "on"})
"""Words that lead to what is told of."""
_PHRASE = 8
"""Words behind a first verb among which the thing stands that it is said of."""
_TOWARDS = _JOINTS | {
    "against",
    "as",
    "by",
    "for",
    "from",
    "in",
    "into",
    "of",
    "on",
    "using",
    "with",
}
"""Words and signs that end what a verb is said of."""
_BEING = frozenset({"are", "be", "highly", "is", "potentially", "very"})
_RUNNING = frozenset({"execute", "perform", "run"})
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
    """Tell whether a description begins with a reading verb, or with what it tells."""
    if not sentences:
        return False
    first, *rest = sentences[0].words
    if [first, *rest[:1]] in (["read", "only"], ["check", "out"]):
        return False
    if first in words.ACCOUNTS and not _ABOUT.isdisjoint(rest[:1]):
        return True
    if first in words.PROVIDING and not words.ACCOUNTS.isdisjoint(rest[:_NEAR]):
        return True
    return first in words.RETURNING or VERBS.get(FORMS.get(first, "")) is Risk.READ


def speaking(sentences: Sequence[Sentence], name: Named) -> Iterator[Speaking]:
    """Yield what the verbs of a description say beside those of the tool's name.

    Loose verbs count only where the name has none. What a broad name covers is
    taken for the worst, unless the description lists what it is.
    """
    first = sentences[0] if sentences else _NOTHING
    found = list(_verbs(first, name))
    yield from ((_risk(first, *each), _quoted(first.written[each[0]])) for each in found)
    yield from _together(first)
    for sentence in sentences[1:]:
        yield from _said_later(sentence)
    if first.words[:1] and first.words[0] in words.STEERING:
        yield Risk.EXECUTE, _quoted(first.written[0])
    if not found and reads_first(sentences):
        yield Risk.READ, _quoted(first.written[0])
    if _broad(first, found, name):
        yield Risk.DESTRUCTIVE, "`manage`, which may be to delete"
    risks = name.risks.union(VERBS[verb] for _, verb in found)
    if risks != {Risk.READ} and any(map(_calls_itself_destructive, sentences)):
        yield Risk.DESTRUCTIVE, _quoted("destructive")
    if Risk.WRITE in risks and _PRODUCTION.search(" ".join(first.words)):
        yield Risk.EXECUTE, _quoted("production")


def _calls_itself_destructive(sentence: Sentence) -> bool:
    """Tell whether a sentence says that what the tool does destroys, and not what others do."""
    spoken = sentence.words
    if "destructive" not in spoken:
        return False
    *before, last = ["", "", *spoken[: spoken.index("destructive")]]
    return last in _BEING and before[-1] not in {"that", "what", "which", "if", "whether"}


def _broad(first: Sentence, found: Sequence[tuple[int, str]], name: Named) -> bool:
    """Tell whether a tool manages things, and nothing says what that is."""
    verbs = [verb for _, verb in found]
    if not words.NARROW.isdisjoint(first.words):
        return False
    if len(verbs) > 1:
        return verbs[-1] in words.BROAD and all(VERBS[verb] is Risk.READ for verb in verbs[:-1])
    if name.broad:
        return all(VERBS[verb] is Risk.READ for verb in verbs)
    return any(verb in words.BROAD for verb in verbs)


def _quoted(word: str) -> str:
    return f"`{word}` in its description"


def _risk(sentence: Sentence, place: int, verb: str) -> Risk:
    if sentence.words[place] in words.RETURNING or (verb in _RUNNING and _asks(sentence, place)):
        return Risk.READ
    return VERBS[verb]


def _asks(sentence: Sentence, place: int) -> bool:
    """Tell whether what the verb at `place` runs can do nothing but look at something."""
    *before, last = ["", *_phrase(sentence, place)]
    if last in words.EXAMINED:
        return True
    return last in words.ASKED and before[-1] in words.ASKING


def _phrase(sentence: Sentence, place: int, ends: AbstractSet[str] = _TOWARDS) -> list[str]:
    """Return the words behind `place` that its verb is said of, without plural endings."""
    behind = sentence.words[place + 1 : place + 1 + _PHRASE]
    return [singular(word) for word in takewhile(lambda word: word not in ends, behind)]


def _together(first: Sentence) -> Iterator[Speaking]:
    """Yield what the first word and the things behind it mean together."""
    for acts, dealt, risk in words.SAID_TOGETHER:
        if first.words and first.words[0] in acts:
            phrase = _phrase(first, 0, _TOWARDS - {"("})
            if not any(things.isdisjoint(phrase) for things in dealt):
                yield risk, f"{_quoted(first.written[0])}, and what it is said of"


def _verbs(sentence: Sentence, name: Named) -> Iterator[tuple[int, str]]:
    """Yield the places of the words that say what the tool does, each with its verb."""
    for place, word in enumerate(sentence.words):
        verb = FORMS.get(word)
        if verb is None or not _begins(sentence.words, place):
            continue
        if _means(sentence.words, place, verb, name):
            yield place, verb


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
    if verb in name.words or _looks_like_one(spoken, place, verb, name):
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


def _looks_like_one(spoken: Sequence[str], place: int, verb: str, name: Named) -> bool:
    """Tell whether a word that is written like a verb is none where it stands, or says little."""
    if verb == "clear" and not words.CLEARED.isdisjoint(spoken[place : place + _NEAR]):
        return True
    if not place:
        return _begins_a_thing(spoken, verb, name)
    return spoken[place] in words.SILENT or _is_said_of_another(spoken, place, verb, name)


def _begins_a_thing(spoken: Sequence[str], verb: str, name: Named) -> bool:
    """Tell whether a description begins with a thing that is written like a verb."""
    following, after = [*spoken[1:3], "", ""][:2]
    if following in words.ACCOUNTS and spoken[0].endswith("ing"):
        return True
    if Risk.READ not in name.risks:
        return False
    listed = following == "," and after not in FORMS
    return listed or (verb in words.HOMOGRAPHS and following not in _OBJECTS)


def _is_said_of_another(spoken: Sequence[str], place: int, verb: str, name: Named) -> bool:
    """Tell whether a word that is written like a verb says of what kind or for what a thing is."""
    followed = place + 1 < len(spoken) and spoken[place + 1] in _OBJECTS
    if spoken[place] == verb and verb in words.ADJECTIVES:
        return not followed
    if Risk.READ not in name.risks:
        return False
    if spoken[place] == verb and not followed and _is_among_things(spoken, place):
        return True
    before = spoken[place - 1]
    after = spoken[place + 1] if place + 1 < len(spoken) else ""
    if verb in words.GATHERED and (not after or after in _TOWARDS - _JOINTS):
        return True
    if VERBS[verb] in _MILD and (before == "for" or (place >= _NEAR and not followed)):
        return before not in _GOING_ON
    if spoken[place] == verb or followed:
        return False
    return verb in words.HOMOGRAPHS or (before in _LISTING and not _acts(spoken[0]))


def _is_among_things(spoken: Sequence[str], place: int) -> bool:
    """Tell whether a word is one of things that are listed in brackets, as in `(drafts, trash)`."""
    opening = max((at for at in range(place) if spoken[at] == "("), default=place)
    if ")" in spoken[opening:place] or opening + 1 >= place:
        return False
    return spoken[opening + 1] not in FORMS and spoken[opening + 1] not in _JOINTS


def _acts(word: str) -> bool:
    """Tell whether a first word says that something is done, in the third person."""
    return word.endswith(("s", "ing")) and word in FORMS


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
