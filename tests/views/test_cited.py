"""Small networks on what the paper cites: which runs are compared."""

import pytest
from made_up import record, study

from fastres.experiments import CITED
from fastres.views import cited

ERRORS = {name: 20.0 for experiment in CITED for name in experiment.structures}
EXPERIMENTS = {experiment.name: (experiment.structures, experiment.recipes) for experiment in CITED}


def test_every_structure_and_recipe_with_records_is_a_row():
    structures, recipes = EXPERIMENTS["normalisation"]
    where, runs = cited.chosen(study("normalisation", ERRORS | {structures[1]: 23.0}, compiled=False))
    rows = cited.rows(runs)
    others = [row for row in rows if row.structure == structures[1]]
    assert [row.recipe for row in others][:2] == ["", "lr 0.01"] and len(others) == len(recipes)
    assert {row.n for row in others} == {3} and "epochs" in where and "lr" not in where
    assert all(row.test.value == pytest.approx(3.0) and row.training.value == pytest.approx(1.5) for row in others)
    (ax,) = cited.differences(rows).axes
    assert f"{structures[1]}, lr 0.01 (n = 3)" in [label.get_text() for label in ax.get_yticklabels()]
    assert f"{structures[1]} (n = 3): training +1.50 [" in cited.describe(rows)


def test_a_recipe_of_basic_alone_is_compared_with_the_papers():
    runs = study("stochastic-depth", {"basic": 20.0})
    dropped = [
        run.model_copy(update={"epochs": [e.model_copy(update={"test_error": e.test_error + 4}) for e in run.epochs]})
        if run.config.stochastic_depth
        else run
        for run in runs
    ]
    (row,) = cited.rows(cited.chosen(dropped)[1])
    assert (row.structure, row.recipe, row.n) == ("basic", "stochastic depth 0.5", 3)
    assert row.test.value == pytest.approx(4.0)


def test_without_records_there_is_no_figure_and_other_depths_do_not_count():
    assert cited.chosen([]) == ("", []) and cited.rows([]) == [] and cited.differences([]) is None
    assert cited.chosen([record((40.0, 30.0), depth=20)]) == ("", [])


def test_the_setting_with_most_runs_is_chosen_and_none_is_mixed():
    names = EXPERIMENTS["activation-functions"][0]
    small = [record((40.0, 30.0), depth=8, structure=name, precision="bf16") for name in names]
    where, runs = cited.chosen([*small, *study("activation-functions", ERRORS)])
    assert "fp32" in where and len(runs) == 3 * len(names)
    (row, *_) = cited.rows(cited.chosen(small)[1])
    assert row.n == 1 and row.training.ends() == "–" != row.test.ends()  # one seed: of the test images alone


def test_a_run_that_diverged_is_counted():
    structures, _ = EXPERIMENTS["normalisation"]
    _, runs = cited.chosen(study("normalisation", ERRORS, ended=structures[1]))
    found = {row.recipe: row for row in cited.rows(runs) if row.structure == structures[1]}
    assert (found["lr 1.0"].n, found["lr 1.0"].ended, found["lr 1.0"].test) == (0, 3, None)
    assert found[""].ended == 0 and cited.differences(list(found.values())) is not None
    assert "(n = 0, 3 diverged): training no pair, test no pair" in cited.describe(found.values())
