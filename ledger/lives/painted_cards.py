"""The cards of an approval, as far as the ledger knows them."""

from collections.abc import Mapping, Sequence

from ledger.events.card_events import CardFound, CardPosted, CardRepainted
from ledger.events.envelopes import Fact


class PaintedCard(Fact):
    """A card in a channel as the ledger last knew it painted; `sha256` is of its blocks.

    A card with `members` asks all these questions, and the blocks are those of this one.
    """

    team: str
    channel: str
    ts: str
    revision: int
    sha256: str
    members: tuple[str, ...] = ()


def painted(
    cards: Sequence[PaintedCard],
    undeliverable: Mapping[str, str],
    event: CardPosted | CardFound | CardRepainted,
) -> dict[str, object]:
    """Return the cards of an approval after `event`, and the errors of teams without one."""
    others = tuple(card for card in cards if (card.channel, card.ts) != (event.channel, event.ts))
    if isinstance(event, CardRepainted):
        known = [c for c in cards if (c.channel, c.ts) == (event.channel, event.ts)]
        team = known[0].team if known else ""
        members = known[0].members if known else ()
    else:
        team, members = event.team, event.members
    card = PaintedCard(
        team=team,
        channel=event.channel,
        ts=event.ts,
        revision=event.revision,
        sha256="" if isinstance(event, CardFound) else event.sha256,
        members=members,
    )
    left = {team: error for team, error in undeliverable.items() if team != card.team}
    return {"cards": (*others, card), "undeliverable": left}
