"""What was made of an object is remembered for that object, and for no other one."""

import gc

from gateway.wire.same import Same


class Thing(list):
    """Something of which one can tell when it is gone."""


def test_something_is_made_once_of_the_very_same_object():
    made = []
    same = Same(lambda thing: made.append(thing) or len(made), most=10)
    one, equal = Thing([1]), Thing([1])

    found = [same.of(one), same.of(equal), same.of(one)]

    assert found == [1, 2, 1]


def test_an_object_that_is_gone_is_not_taken_for_a_new_one_in_its_place():
    same = Same(lambda thing: thing[0], most=100)

    found = [same.of(Thing([number])) for number in range(50)]

    assert found == list(range(50))


def test_no_more_is_remembered_than_was_said():
    same = Same(len, most=3)

    kept = [Thing([0] * size) for size in range(10)]
    for thing in kept:
        same.of(thing)

    assert len(same._made) <= 3


def test_what_was_made_of_an_object_goes_with_it():
    same = Same(len, most=3)
    kept = Thing([1, 2])
    same.of(kept)

    circular = Thing()
    circular.append(circular)
    found = [same.of(Thing([1])), same.of(circular), same.of(kept)]
    del circular
    gc.collect()

    assert found == [1, 1, 2]
    assert list(same._made) == [id(kept)]
