"""What a channel is to be told of something that is no approval. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.slack.pieces import Block, blocks_json, lines, notification, preformatted, words
from policies.people.people import Directory, Team


@dataclass(frozen=True)
class Wanted:
    """A message as it should stand in a team's channel.

    `key` tells it from others about the same thing. `closed` says that it will
    not change any more. `news` is what its thread is told when it changes.
    Without `late` it is not posted any more where it does not stand yet.
    """

    key: str
    team: str
    channel: str
    text: str
    blocks: tuple[Block, ...]
    closed: bool = False
    news: tuple[Block, ...] = ()
    late: bool = True

    @property
    def json(self) -> str:
        """The blocks as JSON, which the SHA-256 is taken of."""
        return blocks_json(self.blocks)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the blocks, in hex."""
        return hashlib.sha256(self.json.encode()).hexdigest()

    def id(self, about: str) -> str:
        """Return the message's id: the same in every process."""
        named = hashlib.sha256(f"{about} {self.key} {self.team}".encode()).hexdigest()
        return f"ntc_{named[:16]}"


def channels(teams: Iterable[str], directory: Directory) -> Iterator[Team]:
    """Yield the teams by name; those that share a channel are told once."""
    told: set[str] = set()
    for name in sorted(set(teams)):
        team = directory.teams.get(name)
        if team is not None and team.channel not in told:
            told.add(team.channel)
            yield team


def wanted(
    key: str,
    team: str,
    channel: str,
    text: str,
    blocks: Sequence[Block],
    *,
    closed: bool = False,
    news: Sequence[Block] = (),
    late: bool = True,
) -> Wanted:
    """Return a message; `text` is what notifications say, as it is written."""
    shown = notification(text)
    return Wanted(key, team, channel, shown, tuple(blocks), closed, tuple(news), late)


def checkpoint_message(note: str) -> tuple[str, list[Block]]:
    """Return text and blocks of the message that brings a checkpoint, a signed note, whole."""
    text = "The newest checkpoint of the ledger: keep it where the ledger's keepers cannot go"
    return text, [lines([[words(text)]], "checkpoint"), preformatted(note, "note")]
