"""The ledger's part of the command line: audit, approvals, grants, freezes, agents and tools."""

from ledger.cli import (
    agent_commands,
    approval_commands,
    audit_commands,
    diff_commands,
    explain_commands,
    export_commands,
    freeze_commands,
    grant_commands,
    proving_commands,
    receipt_commands,
    redact_commands,
    replay_commands,
    tool_commands,
    value_commands,
    verify_commands,
)
from ledger.shell import AddCommand, Shell


def register(add: AddCommand, shell: Shell) -> None:
    """Add the package's commands to the command line."""
    audit = add(
        "audit",
        help="read and prove the history",
        description="Reads the history of everything that was decided, and proves parts of it.",
    )
    kinds = audit.add_subparsers(required=True, metavar="COMMAND")
    for part in (
        audit_commands,
        explain_commands,
        replay_commands,
        diff_commands,
        proving_commands,
        verify_commands,
        receipt_commands,
        export_commands,
        redact_commands,
        value_commands,
    ):
        part.register(kinds.add_parser, shell)
    for part in (
        approval_commands,
        grant_commands,
        freeze_commands,
        agent_commands,
        tool_commands,
    ):
        part.register(add, shell)
