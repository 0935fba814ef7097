"""Wires the places to which checkpoints are brought: a file beside, a channel of Slack."""

from pathlib import Path

from bot.bot import Bot
from ledger.audit.publishing import CheckpointFile, InTurn, Place, Publisher
from ledger.ledger import Ledger
from policies.configuration.configuration import Configuration


def publisher(
    configuration: Configuration, folder: Path, ledger: Ledger, bot: Bot
) -> Publisher | None:
    """Return what brings checkpoints where the configuration says; None where it says nowhere."""
    section = configuration.ledger.checkpoints
    if section is None:
        return None
    every = section.every.total_seconds()
    places: list[Place] = []
    if section.file is not None:
        places.append(CheckpointFile(folder / section.file))
    if (channel := section.channel) is not None:
        places.append(InTurn(ledger, lambda note: bot.announce(channel, note), every))
    return Publisher(ledger, places, every)
