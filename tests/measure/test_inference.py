import math

from fastres.measure.inference import AS_TRAINED, COLLAPSED, FOLDED, forward_times


def test_the_three_forms_are_timed_in_the_same_rounds():
    found = forward_times("simplified-2", 8, batch_size=2, rounds=3)
    assert list(found.seconds) == [AS_TRAINED, FOLDED, COLLAPSED]
    assert all(len(seconds) == 3 and min(seconds) > 0 for seconds in found.seconds.values())
    assert 0 < found.ratio(COLLAPSED, AS_TRAINED).value < math.inf
