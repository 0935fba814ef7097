"""What a command comes to is told by its exit code."""

import pytest

from placet_commandline import run
from policies.refusals import NotUnderstood, Refused


def refusing(refused):
    """Return what adds a command `fail` that is refused."""

    def register(add, _shell):
        def fail(_arguments):
            raise refused

        add("fail", help="fails", description="Fails.").set_defaults(run=fail)

    return register


@pytest.mark.parametrize(
    ("refused", "code"),
    [(Refused("the history differs"), 1), (NotUnderstood("`x` is no time"), 2)],
)
def test_what_is_not_understood_is_told_apart_from_a_no(capsys, refused, code):
    assert run(["fail"], [refusing(refused)]) == code

    assert capsys.readouterr().err == f"placet: {refused}\n"
