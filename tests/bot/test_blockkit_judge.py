"""The judge that nobody here wrote does refuse what is wrong."""

import blockkit_judge
import pytest
from blockkit.core import ComponentValidationError, FieldValidationError

from bot.drawing.fields import asked, menu, writing
from bot.slack.pieces import button

WRONG = (ComponentValidationError, FieldValidationError)


def test_fields_and_buttons_are_approved() -> None:
    field = asked("Why", menu("why", [("One", "1"), ("Two", "2")], initial="2"), hint="Choose")

    blockkit_judge.approved([field, asked("Note", writing("note", most=100), optional=True)])


@pytest.mark.parametrize(
    "broken",
    [
        asked("Why", menu("why", [])),
        asked("Note", writing("note", most=3_001)),
        {"type": "actions", "elements": [button("Go", "go", "x" * 2_001)]},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
    ],
)
def test_what_breaks_a_limit_is_refused(broken) -> None:
    with pytest.raises(WRONG):
        blockkit_judge.approved([broken])
