"""What a modal or a home tab may be.

https://docs.slack.dev/reference/views
"""

import json
from collections.abc import Iterator
from typing import Any

from bot.workspace.block_kit.blocks import VIEW_BLOCKS, blocks
from bot.workspace.block_kit.objects import plain
from bot.workspace.block_kit.shape import Problem, boolean, both, by_type, members, text

VIEW_BYTES = 250_000

_SHARED = {
    "private_metadata": text(3000, 0),
    "callback_id": text(255, 0),
    "external_id": text(255, 0),
}


def _inputs_need_a_submit(value: Any, pointer: str) -> Iterator[Problem]:
    has_input = any(block["type"] == "input" for block in value["blocks"])
    if has_input and "submit" not in value:
        yield Problem("missing required field: submit", pointer)


_MODAL = both(
    members(
        {"title": plain(24), "blocks": blocks(VIEW_BLOCKS)},
        {
            **_SHARED,
            "close": plain(24),
            "submit": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    _inputs_need_a_submit,
)
_HOME = members({"blocks": blocks(VIEW_BLOCKS)}, _SHARED)


def problems_of_view(value: Any, kind: str) -> list[Problem]:
    """Return what is wrong with a view; `kind` is `modal` or `home`."""
    check = by_type({kind: _MODAL if kind == "modal" else _HOME})
    return list(check(value, "/view"))


def is_too_large(value: Any) -> bool:
    """Tell whether a view exceeds 250 KB of JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) > VIEW_BYTES
