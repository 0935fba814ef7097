"""Tools of the fixture server that ask the client something before they answer (2026-07-28)."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import fixture_contents as contents
import mcp_types as types

Answers: TypeAlias = dict[str, Any]
Asked: TypeAlias = types.CallToolResult | types.InputRequiredResult
Question: TypeAlias = Callable[[Answers, str | None], Asked]
"""What a tool asks or says, by the client's answers and the state that came back."""


def answers(params: types.InputResponseRequestParams) -> Answers:
    """Return the client's answers as JSON."""
    given = params.input_responses or {}
    return {name: said.model_dump(mode="json", by_alias=True) for name, said in given.items()}


def form(message: str, **properties: str) -> dict[str, Any]:
    """Return the question for a form; `properties` are fields with their types."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    params = {"message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def sample(text: str, tokens: int) -> dict[str, Any]:
    """Return the question for the client's model."""
    message = {"role": "user", "content": {"type": "text", "text": text}}
    params = {"messages": [message], "maxTokens": tokens}
    return {"method": "sampling/createMessage", "params": params}


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}
NAME = form("What is your name?", name="string")


def ask(
    questions: dict[str, dict[str, Any]], state: str | None = None
) -> types.InputRequiredResult:
    """Return the result that asks; the server seals the state."""
    result: dict[str, Any] = {"resultType": "input_required", "inputRequests": questions}
    if state is not None:
        result["requestState"] = state
    return types.InputRequiredResult.model_validate(result)


def told(text: str) -> types.CallToolResult:
    """Return a result of one text."""
    return types.CallToolResult.model_validate({"content": [{"type": "text", "text": text}]})


def greeting(given: Answers, _: str | None) -> Asked:
    """Ask for a name until there is one."""
    name = _field(given, "user_name", "name")
    return ask({"user_name": NAME}) if name is None else told(f"Hello, {name}!")


def capital(given: Answers, _: str | None) -> Asked:
    """Ask the client's model."""
    said = given.get("capital_question")
    if said is None:
        return ask({"capital_question": sample("What is the capital of France?", 100)})
    return told(f"The model says: {json.dumps(said.get('content'))}")


def roots(given: Answers, _: str | None) -> Asked:
    """Ask for the client's roots."""
    said = given.get("client_roots")
    if said is None:
        return ask({"client_roots": ROOTS})
    return told("Roots: " + ", ".join(str(root["uri"]) for root in said.get("roots", ())))


def confirmed(given: Answers, state: str | None) -> Asked:
    """Ask for a yes, with a state that comes back."""
    if state is None or "confirm" not in given:
        return ask({"confirm": form("Please confirm", ok="boolean")}, "asked once")
    return told("state-ok" if state == "asked once" else "the state is another")


def several(given: Answers, state: str | None) -> Asked:
    """Ask for three things at once."""
    questions = {
        "user_name": NAME,
        "greeting": sample("Generate a greeting", 50),
        "client_roots": ROOTS,
    }
    if state is None or not questions.keys() <= given.keys():
        return ask(questions, "three")
    return told(f"Three given for {_field(given, 'user_name', 'name')}")


def rounds(given: Answers, state: str | None) -> Asked:
    """Ask for two things, one after the other."""
    if state is None:
        return ask({"step1": form("Step 1: What is your name?", name="string")}, "1")
    if state == "1":
        name = _field(given, "step1", "name")
        question = form("Step 2: What is your favorite color?", color="string")
        return ask({"step2": question}, f"2 {name}")
    return told(f"{state[2:]} likes {_field(given, 'step2', 'color')}")


def known_to(capabilities: types.ClientCapabilities | None) -> Asked:
    """Ask for what the client declared only."""
    questions: dict[str, dict[str, Any]] = {}
    if capabilities is not None and capabilities.elicitation is not None:
        questions["user_name"] = NAME
    if capabilities is not None and capabilities.sampling is not None:
        questions["greeting"] = sample("Generate a greeting", 50)
    return ask(questions) if questions else told("There is nothing to ask you.")


def prompt(given: Answers) -> types.GetPromptResult | types.InputRequiredResult:
    """Ask for the context of a prompt until there is one."""
    context = _field(given, "user_context", "context")
    if context is None:
        question = form("What context should the prompt use?", context="string")
        return ask({"user_context": question})
    return contents.with_context(context)


QUESTIONS: dict[str, Question] = {
    "test_input_required_result_elicitation": greeting,
    "test_input_required_result_sampling": capital,
    "test_input_required_result_list_roots": roots,
    "test_input_required_result_request_state": confirmed,
    "test_input_required_result_multiple_inputs": several,
    "test_input_required_result_multi_round": rounds,
    "test_input_required_result_tampered_state": confirmed,
    "test_streaming_elicitation": greeting,
}


def _field(given: Answers, question: str, name: str) -> Any:
    """Return one field of an accepted form; None where it was not given."""
    content = given.get(question, {}).get("content")
    return content.get(name) if isinstance(content, dict) else None
