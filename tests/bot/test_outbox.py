"""What Slack does not take is told, and nothing of it stays."""

import gc
import weakref
from contextlib import suppress

import pytest

from bot.slack.outbox import NotTaken, raise_first


class Drawn:
    """Stands for a card."""


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


def test_the_first_of_several_refusals_is_raised() -> None:
    refused = [NotTaken("the channel is gone", "channel_not_found", None), NotTaken("x", None, 1.0)]

    with pytest.raises(NotTaken, match="the channel is gone"):
        raise_first(refused)


def test_without_a_refusal_nothing_is_raised() -> None:
    raise_first([])


def test_a_card_that_was_not_taken_is_gone_with_the_error(no_collector) -> None:
    made: list[weakref.ref[Drawn]] = []

    def attend() -> None:
        refused: list[NotTaken] = []
        card = Drawn()
        made.append(weakref.ref(card))
        try:
            raise_first([NotTaken("messages are sent as fast as Slack allows", None, 1.0)])
        except NotTaken as error:
            refused.append(error)
        raise_first(refused)

    with suppress(NotTaken):
        attend()

    assert made[0]() is None
