"""Reads the environment, for the whole of Placet; it needs next to nothing, and costs as much."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from policies.values.refusals import Refused, Unreadable

SETTINGS: Mapping[str, str] = os.environ  # noqa: TID251  the one place that reads the environment


class Environment(Mapping[str, str]):
    """Variables, and files named by variables: `NAME`, else what the file at `NAME_FILE` holds."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Look names up in `variables`; files are read when they are asked for."""
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        """Return the value of `name`; a file's last line end is dropped. Raises KeyError.

        Where the file cannot be read that is `Unreadable`.
        """
        if name in self._variables:
            return self._variables[name]
        try:
            return Path(self._variables[f"{name}_FILE"]).read_text("utf-8").removesuffix("\n")
        except OSError as error:
            raise Unreadable(name, error.strerror or "it fails") from error
        except ValueError as error:
            raise Unreadable(name, "it is no text in UTF-8") from error

    def __iter__(self) -> Iterator[str]:
        """Go through the names that are set as such."""
        return iter(self._variables)

    def __len__(self) -> int:
        """Count the names that are set as such."""
        return len(self._variables)


def own_key(environment: Mapping[str, str]) -> str | None:
    """Return the key that a command sends to Placet; None where none is set, or an empty one.

    Raises Refused where it is in a file that cannot be read.
    """
    try:
        return environment["PLACET_KEY"] or None
    except Unreadable as error:
        text = f"the file that `PLACET_KEY_FILE` names cannot be read ({error.why}); name another"
        raise Refused(text) from None
    except KeyError:
        return None
