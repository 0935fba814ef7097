"""A process that runs one command of the packages, as the command line does but sooner."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from ledger.commands import register  # noqa: E402 (the path is set first)
from placet_commandline import run  # noqa: E402 (the same)

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], (register,)))
