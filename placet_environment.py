"""Reads the environment, for the whole of Placet; it needs nothing, so that it costs nothing."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

SETTINGS: Mapping[str, str] = os.environ  # noqa: TID251  the one place that reads the environment


class Environment(Mapping[str, str]):
    """Variables, and files named by variables: `NAME`, else what the file at `NAME_FILE` holds."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Look names up in `variables`; files are read when they are asked for."""
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        """Return the value of `name`; a file's last line end is dropped. Raises KeyError."""
        if name in self._variables:
            return self._variables[name]
        try:
            return Path(self._variables[f"{name}_FILE"]).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        """Go through the names that are set as such."""
        return iter(self._variables)

    def __len__(self) -> int:
        """Count the names that are set as such."""
        return len(self._variables)
