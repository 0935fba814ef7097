"""What was made of an object is remembered for that object, and for no other one."""

from gateway.same import Same


def test_something_is_made_once_of_the_very_same_object():
    made = []
    same = Same(lambda thing: made.append(thing) or len(made), most=10)
    one, equal = [1], [1]

    found = [same.of(one), same.of(equal), same.of(one)]

    assert found == [1, 2, 1]


def test_an_object_that_is_gone_is_not_taken_for_a_new_one_in_its_place():
    same = Same(lambda thing: thing[0], most=100)

    found = [same.of([number]) for number in range(50)]

    assert found == list(range(50))


def test_no_more_is_remembered_than_was_said():
    same = Same(len, most=3)

    for size in range(10):
        same.of([0] * size)

    assert len(same._made) <= 3
