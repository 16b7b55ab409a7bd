"""Eager and compiled steps side by side: which timings are a pair."""

from made_up import timing

from fastres.views import engines


def compiled(record, **fields):
    return record.model_copy(update={"environment": {**record.environment, "compiled": True}, **fields})


def test_only_the_same_device_precision_and_depth_make_a_pair():
    eager = [timing(20, basic=4.0, simplified_1=3.0), timing(20, device_name="Other CPU", basic=4.0, simplified_1=3.0)]
    fused = compiled(timing(20, basic=2.0, simplified_1=1.8, simplified_2=1.6))
    (pair,) = engines.pairs([*eager, fused, compiled(timing(56, basic=1.0)), timing(20, simplified_1=1.0)])
    assert pair[:4] == (20, "Some CPU", "fp32", "simplified-1")  # simplified-2 was not timed in eager steps
    assert (round(pair.eager.value), round(pair.compiled.value)) == (25, 10)
    assert pair.smaller and not pair.overlap
    assert engines.pairs(eager) == [] and engines.frame([]).empty
    assert list(engines.frame([pair])["simplified-1, compiled"]) == ["10.0 % [10.0, 10.0]"]
    shared = {**eager[0].environment, "runs_at_once": 2}
    assert engines.pairs([eager[0].model_copy(update={"environment": shared}), fused]) == []


def test_of_several_eager_timings_that_of_the_same_session_is_taken():
    long = timing(20, rounds=9, basic=4.0, simplified_1=2.0)
    same = timing(20, basic=4.0, simplified_1=3.0).model_copy(update={"commit": "a"})
    fused = compiled(timing(20, basic=4.0, simplified_1=3.6), commit="a")
    assert engines.pairs([long, same, fused])[0].eager.value == 25.0
    assert engines.pairs([long, same, compiled(fused, commit="b")])[0].eager.value == 50.0


def test_overlapping_intervals_are_counted_apart():
    wide = timing(20, basic=4.0, simplified_1=[2.0, 2.5, 3.0, 3.5, 3.9, 4.0])
    (pair,) = engines.pairs([wide, compiled(timing(20, basic=4.0, simplified_1=3.6))])
    assert pair.smaller and pair.overlap
    (told,) = engines.told([pair])
    assert told.startswith("simplified-1:") and "smaller in compiled steps in 1 of 1 pairs" in told
    assert "in 0 of these the intervals are apart, in 1 they overlap" in told
