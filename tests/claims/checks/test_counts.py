from dataclasses import replace

from made_up import found, run

from fastres import theory
from fastres.claims.finding import NOT_REPRODUCED, NOT_RUN, OPEN, REPRODUCED, WRONG


def test_the_counts_of_a_dataset_are_those_of_runs_on_the_original():
    whole = run(), run(dataset="cifar100", depth=56)
    assert found("cifar-counts", *whole, run(train_size=128)).verdict == REPRODUCED
    assert found("cifar-counts", run(train_size=128)).verdict == WRONG
    assert found("cifar-counts", whole[0]).verdict == OPEN
    assert found("cifar-counts", run(dataset="folder:cifar10-jpeg")).verdict == NOT_RUN


def test_another_recipe_is_not_the_papers(monkeypatch):
    from fastres import paper

    setup = paper.setup()
    for name, value in (("batch_size", 64), ("epochs", 200), ("milestones", [101, 141]), ("learning_rates", [0.2])):
        changed = setup | {"training": setup["training"] | {name: value}}
        monkeypatch.setattr(paper, "setup", lambda changed=changed: changed)
        assert found("same-training").verdict == NOT_REPRODUCED, name


def test_a_fifth_of_the_operations_is_neither_huge_nor_small(monkeypatch):
    """Ten times as many numbers as there are: 20 to 23 % of the operations, between the bounds of the rule."""
    costs = theory.costs
    monkeypatch.setattr(
        theory, "costs", lambda *network: replace(cost := costs(*network), bn_elements=10 * cost.bn_elements)
    )
    assert found("bn-computation-huge").verdict == OPEN
