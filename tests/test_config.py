import pytest

from fastres.config import RunConfig
from fastres.errors import ConfigError


def test_schedule_scales_with_epochs():
    assert RunConfig(epochs=15).milestones == (7, 11)
    assert RunConfig(epochs=1).milestones == (1, 1)  # never reached


def test_run_id_is_stable_and_tells_runs_apart():
    assert RunConfig().run_id == "cifar10_basic_d20_e160_s0_44136fa3"  # recorded runs are found by it
    changed = [{"seed": 1}, {"lr": 0.2}, {"precision": "bf16"}, {"flip": False}, {"structure": "simplified-1"}]
    assert len({RunConfig(**fields).run_id for fields in [{}, *changed]}) == 1 + len(changed)


def test_one_structure_has_one_name():
    assert RunConfig(structure="none/bn-relu") == RunConfig(structure="simplified-1")


def test_run_id_is_a_plain_folder_name():
    run_id = RunConfig(dataset="folder:/some where/photos (2)/", structure="bn/bn-relu").run_id
    assert run_id.startswith("photos-2-_bn+bn-relu_d20") and "/" not in run_id


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"depth": 21}, "nearest: 20 and 26"),
        ({"depth": 3}, "8 (the smallest)"),
        ({"structure": "bottleneck", "depth": 30}, "nearest: 29 and 38"),
        ({"dept": 20}, "did you mean 'depth'"),
        ({"lr": "1e-4"}, "lr = '1e-4'"),
        ({"lr": float("nan")}, "lr = nan"),
        ({"flip": "false"}, "flip = 'false'"),
        ({"seed": True}, "seed = True"),
        ({"depth": 20.0}, "depth = 20.0"),
        ({"epochs": 0}, "epochs = 0"),
        ({"dataset": "cifar1"}, "cifar10, cifar100, digits"),
        ({"dataset": "folder:"}, "folder:PATH"),
        ({"structure": "basics"}, "use one of basic, simplified-1"),
        ({"structure": "bn"}, "use one of basic, simplified-1"),
        ({"precision": "fp16"}, "'fp32', 'tf32' or 'bf16'"),
    ],
)
def test_bad_input_is_one_line_that_names_it(fields, told):
    with pytest.raises(ConfigError) as raised:
        RunConfig(**fields)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_config_is_frozen():
    with pytest.raises(ValueError):
        RunConfig().depth = 56
