"""A command line that says what it does not know, beside what may have been meant."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from policies.values.inert import inert_line
from policies.yaml.validation import choice, suggestion

_ECHO = 60


class Parser(argparse.ArgumentParser):
    """Reads a command's arguments; whatever is wrong is told with that command's usage.

    Its subcommands are read by parsers of its own kind.
    """

    # it tells namespaces of several types apart, of which we have one
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Return the arguments and no others. Ends the process where there are any."""
        found, others = super().parse_known_args(args, namespace)
        if others:
            self._refuse(others[0])
        return found, []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(each) for each in action.choices]
        advice = suggestion(str(value), known, choice(known))
        raise argparse.ArgumentError(action, f"there is no `{_shown(str(value))}`; {advice}")

    def _refuse(self, other: str) -> NoReturn:
        """Say that an argument is not known, with the usage of this command."""
        known = [each for each in self._option_string_actions if each.startswith("--")]
        shown, instead = _shown(other), f"see `{self.prog} -h`"
        if other.startswith("-"):
            name = other.partition("=")[0]
            advice = suggestion(name, known, instead)
            self.error(f"there is no option `{_shown(name)}` here; {advice}")
        files = [each for each in ("--policy", "--config") if each in known]
        if files and other.endswith((".yaml", ".yml")):
            instead = f"did you mean `{files[0]} {shown}`?"
        self.error(f"`{shown}` has no meaning here; {instead}")


def _shown(text: str) -> str:
    return inert_line(text, _ECHO)
