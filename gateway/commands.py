"""The gateway's part of the command line: what policies say, and whether they say what is meant."""

from gateway.policy_commands import (
    explain_commands,
    format_commands,
    import_commands,
    library_commands,
    lint_commands,
    schema_commands,
    simulation_commands,
    trial_commands,
)
from ledger.shell import AddCommand, Shell


def register(add: AddCommand, shell: Shell) -> None:
    """Add the commands about policies to the command line."""
    explain_commands.register(add, shell)
    trial_commands.register(add, shell)
    simulation_commands.register(add, shell)
    import_commands.register(add, shell)
    library_commands.register(add, shell)
    lint_commands.register(add, shell)
    format_commands.register(add, shell)
    schema_commands.register(add, shell)
