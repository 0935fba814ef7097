"""The content of a message: text and blocks, checked against Slack's limits."""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.block_kit.blocks import is_too_long, problems_of_message, with_ids
from bot.workspace.block_kit.shape import Problem
from bot.workspace.errors import SlackError
from bot.workspace.state import new_id

TEXT_SHOWN = 40_000
TEXT_OF_AN_EDIT = 4_000


def content_of(arguments: Arguments) -> dict[str, Any]:
    """Return `text`, `blocks` and `metadata` of a message to be posted.

    Raises SlackError `no_text`, `invalid_blocks`, `msg_blocks_too_long`,
    `invalid_metadata_format`.
    """
    blocks = checked_blocks(arguments.structure("blocks", "invalid_blocks_format"))
    text = arguments.maybe("text") or ""
    if not text and not blocks:
        raise SlackError("no_text")
    content: dict[str, Any] = {"text": text[:TEXT_SHOWN]}
    if blocks:
        content["blocks"] = blocks
    metadata = _metadata_of(arguments)
    if metadata:
        content["metadata"] = metadata
    return content


def checked_blocks(asked: Any) -> list[dict[str, Any]]:
    """Return blocks with ids. Raises SlackError `invalid_blocks`, `msg_blocks_too_long`."""
    if asked is None:
        return []
    refuse("invalid_blocks", problems_of_message(asked))
    if is_too_long(asked):
        raise SlackError("msg_blocks_too_long")
    return with_ids(asked, new_id)


def refuse(error: str, problems: list[Problem]) -> None:
    """Raise SlackError `error` listing the problems, if there are any."""
    if problems:
        raise SlackError(
            error,
            {
                "errors": [str(problem) for problem in problems],
                "response_metadata": {"messages": [f"[ERROR] {problem}" for problem in problems]},
            },
        )


def _metadata_of(arguments: Arguments) -> dict[str, Any] | None:
    metadata = arguments.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    match metadata:
        case {"event_type": str(), "event_payload": dict()}:
            return dict(metadata)
    raise SlackError("invalid_metadata_format")
