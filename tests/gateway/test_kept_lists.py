"""What is kept of callers' lists takes no more room than there is."""

from gateway.tools.kept_lists import Kept, KeptList, KeptLists, View
from gateway.upstreams import Era
from policies.values.calls import Tool


def view(number):
    return View("ci-bot", Era.LEGACY, f"session-{number}")


def listed(*names, definition="{}"):
    tools = (Tool("files", name, "", definition, f"{name}:{definition}") for name in names)
    return KeptList({tool.name: Kept(tool, 1.0) for tool in tools}, 1.0)


def test_of_more_than_512_lists_the_oldest_are_forgotten():
    lists = KeptLists()

    for number in range(600):
        lists.keep(view(number), listed(f"tool_{number}"))

    assert [tool.name for tool in lists.tools()] == [f"tool_{number}" for number in range(88, 600)]
    assert lists.of(view(87)).tools == {}


def test_a_list_that_is_kept_anew_is_the_newest():
    lists = KeptLists()
    lists.keep(view(0), listed("first"))

    for number in range(1, 600):
        lists.keep(view(number), listed())
        if number % 100 == 0:
            lists.keep(view(0), listed("first"))

    assert set(lists.of(view(0)).tools) == {"first"}


def test_lists_take_16_mib_at_most():
    lists = KeptLists()

    for number in range(10):
        lists.keep(view(number), listed("large", definition="x" * 4 * 1024 * 1024))

    assert sum(len(tool.definition) for tool in lists.tools()) == 12 * 1024 * 1024


def test_a_definition_is_known_for_as_long_as_one_list_has_it():
    lists = KeptLists()
    lists.keep(view(1), listed("read"))
    lists.keep(view(2), listed("read"))
    (read, _) = lists.tools()

    lists.keep(view(1), listed())
    still = lists.has(read)
    lists.keep(view(2), listed())

    assert still
    assert not lists.has(read)


def test_what_is_defined_anew_is_to_be_asked_for_unless_it_differs_no_more():
    lists = KeptLists()
    lists.keep(view(1), listed("read", "write"))
    lists.keep(view(2), listed("read", definition="[]"))
    own = {name: kept.tool for name, kept in listed("read").tools.items()}

    lists.outdate({"read"}, own)

    assert lists.of(view(1)).tools == listed("write").tools
    assert lists.of(view(2)).tools["read"].at < 0
    assert lists.of(view(1)).asked_at == lists.of(view(2)).asked_at < 0
    assert lists.differing(own) == {"read"}


def test_names_of_a_list_that_there_is_no_room_for_differ_still():
    lists = KeptLists()
    lists.keep(view(0), listed("read", "beside", definition="[]"))
    own = {name: kept.tool for name, kept in listed("read", "write").tools.items()}

    for number in range(1, 600):
        lists.keep(view(number), listed(f"tool_{number}"))

    assert lists.of(view(0)).tools == {}
    assert lists.differing(own) == {"read"}


def test_names_differ_where_any_list_defines_them_otherwise():
    lists = KeptLists()
    lists.keep(view(1), listed("read", "write"))
    lists.keep(view(2), listed("read", "beside", definition="[]"))
    own = {name: kept.tool for name, kept in listed("read", "write").tools.items()}

    assert lists.differing(own) == {"read"}
