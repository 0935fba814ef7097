"""Servers that are not MCP servers: tools that somebody else runs, declared by name."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from policies.yaml.fields import Name, Text, matching
from policies.yaml.validation import Section, Wrong

ToolName = Annotated[
    str,
    matching(
        r"[!-~]{1,256}",
        "is not a tool's name",
        "use up to 256 printable ASCII characters without blanks",
    ),
]

CLAUDE_CODE: Mapping[str, str] = {
    "Agent": "Runs a subagent, whose own calls are asked about one by one.",
    "AskUserQuestion": "Shows the user a question.",
    "Bash": "Runs a shell command.",
    "BashOutput": "Reads the output of a shell that runs in the background.",
    "CronCreate": "Schedules a prompt that runs later.",
    "CronDelete": "Deletes a scheduled prompt.",
    "CronList": "Lists scheduled prompts.",
    "Edit": "Edits a file.",
    "EnterPlanMode": "Shows the user that a plan comes first.",
    "EnterWorktree": "Creates a git worktree and works there.",
    "ExitPlanMode": "Shows the user a plan.",
    "ExitWorktree": "Removes a git worktree, or leaves it.",
    "Glob": "Finds files by name.",
    "Grep": "Searches in files.",
    "KillShell": "Kills a shell that runs in the background.",
    "ListMcpResourcesTool": "Lists the resources of MCP servers.",
    "LSP": "Reads definitions and references of code from a language server.",
    "Monitor": "Runs a shell command and follows its output.",
    "MultiEdit": "Edits a file in several places.",
    "NotebookEdit": "Edits a notebook.",
    "NotebookRead": "Reads a notebook.",
    "Read": "Reads a file.",
    "ReadMcpResourceTool": "Reads a resource of an MCP server.",
    "ScheduleWakeup": "Schedules when work goes on.",
    "SendMessage": "Sends a message to another agent.",
    "Skill": "Runs a skill: instructions, with commands of their own.",
    "SlashCommand": "Runs a slash command.",
    "Task": "Runs a subagent, whose own calls are asked about one by one.",
    "TaskCreate": "Writes an entry into the list of tasks.",
    "TaskGet": "Reads an entry of the list of tasks.",
    "TaskList": "Lists the tasks.",
    "TaskOutput": "Reads the output of a task that runs in the background.",
    "TaskStop": "Stops a task that runs in the background.",
    "TaskUpdate": "Writes an entry of the list of tasks.",
    "TodoWrite": "Writes the list of tasks.",
    "ToolSearch": "Searches for tools by name.",
    "WebFetch": "Fetches a page of the web.",
    "WebSearch": "Searches the web.",
    "Workflow": "Runs a script that starts subagents.",
    "Write": "Writes a file.",
}
"""What Claude Code brings along, by the names that its hooks are told (version 2.1)."""

_PRESETS: Mapping[str, Mapping[str, str]] = {"claude-code": CLAUDE_CODE}

Undeclared: TypeAlias = Literal["deny", "require_approval"]


class ExternalServer(Section):
    """Tools that the caller runs by itself, once it was told over HTTP that it may.

    Only what is declared is known: the tools of a `preset`, and `tools`, each
    with what it does. What is not declared is denied, or needs approval. Where
    it is to `observe`, calls are decided and recorded, and none is blocked.
    """

    external: Literal[True]
    team: Name
    preset: Literal["claude-code"] | None = None
    tools: dict[ToolName, Text] = Field(default_factory=dict)
    undeclared: Undeclared = "deny"
    observe: bool = False

    @property
    def trusted(self) -> bool:
        """Nothing here gives hints that could be trusted."""
        return False

    @property
    def declared(self) -> Mapping[str, str]:
        """What each tool does, by its name; what is written here wins over the preset."""
        preset = _PRESETS[self.preset] if self.preset is not None else {}
        return {**preset, **self.tools}

    @model_validator(mode="after")
    def _has_tools(self) -> "ExternalServer":
        if self.undeclared == "deny" and not self.declared:
            raise Wrong(
                "declares no tools, so that every call would be denied",
                "add `tools` with what each does, or `preset: claude-code`",
            )
        return self
