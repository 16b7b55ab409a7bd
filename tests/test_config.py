import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fastres.cli import app
from fastres.config import RunConfig
from fastres.errors import ConfigError
from fastres.parameters import run_parameters
from fastres.training import run as training


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
    ("dataset", "start"),
    [
        ("图片", "images_"),
        ("图片1", "1_"),
        ("-rf", "rf_"),
        ("..", "images_"),
        ("x" * 300, "x" * 80 + "_"),
        ("a.b", "a-b_"),
    ],
)
def test_run_id_of_any_folder_is_a_file_name(dataset, start):
    run_id = RunConfig(dataset=f"folder:{dataset}").run_id
    assert run_id.startswith(start) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]{,200}", run_id)


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


FIELDS = st.sampled_from(list(RunConfig.model_fields))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["folder:\ud800", "folder:a\0b", "none/none", "bn/", "/", "auto", "1e-4", "١٢"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
    st.binary(max_size=3),
    st.just(object()),
    st.just(complex(1, 2)),
)


def refused_by_name_or_good(field: str, make) -> RunConfig | None:
    """The config; or None where it is refused in one line that names the field."""
    try:
        config = make()
    except ConfigError as error:
        assert field in str(error) and "\n" not in str(error) and len(str(error)) < 1000
        return None
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]{,200}", config.run_id)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    return config


@given(FIELDS, ODD)
@example("dataset", "folder:\ud800")
@example("depth", 10**5000)
@example("epochs", 10**5000)
@example("batch_size", 10**400)
@example("lr", 10**400)
@example("lr", 2**53 + 1)
@example("seed", -1)
def test_any_value_of_any_field_is_taken_or_refused_by_name(field, value):
    config = refused_by_name_or_good(field, lambda: RunConfig(**{field: value}))
    if config is not None and field not in ("dataset", "structure"):
        taken = getattr(config, field)
        assert taken == type(taken)(value) and type(value) in (type(taken), int)  # an int as the nearest float


@given(st.text(max_size=10), ODD)
@example("self", 1)
@example("fields", 1)
@example("model_config", {})
def test_any_unknown_field_is_refused_by_name(name, value):
    if name not in RunConfig.model_fields:
        with pytest.raises(ConfigError, match="unknown parameter") as raised:
            RunConfig(**{name: value})
        assert repr(name) in str(raised.value)


@given(FIELDS, ODD)
def test_any_value_in_a_notebook_is_taken_or_refused_by_name(field, value):
    namespace = {**RunConfig().model_dump(), field: value, "device": "cpu"}
    refused_by_name_or_good(field, lambda: run_parameters(namespace, device=str)[0])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(FIELDS.filter(lambda field: field != "flip"), ODD.map(str))
@example("depth", "9" * 5000)
@example("lr", "nan")
@example("seed", "1_0")
def test_any_value_on_the_command_line_is_taken_or_refused_by_name(monkeypatch, field, value):
    class Trained(Exception):
        pass

    def train(config, **_):
        raise Trained(config)

    monkeypatch.setattr(training, "train", train)
    done = CliRunner().invoke(app, ["train", f"--{field.replace('_', '-')}={value}"])
    if isinstance(done.exception, SystemExit):  # typer's own refusal
        assert done.exit_code == 2 and field.replace("_", "-") in done.output
        return
    assert isinstance(done.exception, (Trained, ConfigError))
    if isinstance(done.exception, ConfigError):
        assert field in str(done.exception) and "\n" not in str(done.exception)
