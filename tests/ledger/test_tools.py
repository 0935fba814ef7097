"""Which definition of a tool is the newest."""

from dataclasses import replace

from acme import WRITE_FILE, Book

from ledger.standing_events import ToolGone, ToolSeen
from ledger.tools import SeeTools
from policies.calls import Tool

READ_FILE = replace(WRITE_FILE, name="read_file", hash="cc" * 32)


def see(*tools: Tool, complete: bool = True, server: str = "files") -> SeeTools:
    return SeeTools(
        id="see-2", actor="placet:gateway", server=server, tools=tools, complete=complete
    )


def test_a_new_tool_is_seen_with_its_whole_definition() -> None:
    book = Book(prepared=False)

    (event,) = book.do(see(WRITE_FILE))

    assert isinstance(event, ToolSeen)
    assert (event.server, event.tool, event.hash) == ("files", "write_file", "aa" * 32)
    assert event.definition == WRITE_FILE.definition
    assert event.previous_hash is None


def test_a_known_tool_causes_nothing() -> None:
    assert Book().do(see(WRITE_FILE)) == []


def test_a_changed_definition_names_the_one_before() -> None:
    book = Book()

    (event,) = book.do(see(replace(WRITE_FILE, hash="bb" * 32)))

    assert isinstance(event, ToolSeen)
    assert (event.hash, event.previous_hash) == ("bb" * 32, "aa" * 32)


def test_a_tool_that_is_no_longer_listed_is_gone_and_comes_back() -> None:
    book = Book()

    gone = book.do(see(READ_FILE))
    back = book.do(see(READ_FILE, WRITE_FILE))

    assert [type(event) for event in gone] == [ToolSeen, ToolGone]
    assert [event.TOPIC for event in back] == ["ToolSeen"]
    tool = book.state.tool("files", "write_file")
    assert tool is not None
    assert tool.listed


def test_a_part_of_a_list_takes_nothing_away() -> None:
    events = Book().do(see(READ_FILE, complete=False))

    assert [event.TOPIC for event in events] == ["ToolSeen"]


def test_servers_do_not_mix() -> None:
    book = Book()

    book.do(see(replace(READ_FILE, server="vault"), server="vault"))

    assert list(book.state.tools("files")) == ["write_file"]
    assert list(book.state.tools("vault")) == ["read_file"]


def test_a_tool_that_was_seen_is_known_after_a_restart() -> None:
    book = Book()
    book.do(see())

    assert book.restarted().do(see(WRITE_FILE))[0].TOPIC == "ToolSeen"
