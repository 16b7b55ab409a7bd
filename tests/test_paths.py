import pytest

from fastres import paths
from fastres.errors import ConfigError


@pytest.fixture(params=["FASTRES_OUTPUTS", "FASTRES_DATA"])
def variable(request):
    return request.param


@pytest.fixture
def folder(variable):
    return {"FASTRES_OUTPUTS": paths.outputs, "FASTRES_DATA": paths.datasets}[variable]


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_variable_counts_as_unset(variable, folder, monkeypatch, empty):
    monkeypatch.delenv(variable, raising=False)
    default = folder()
    assert default.parent == paths.ROOT
    monkeypatch.setenv(variable, empty)
    assert folder() == default


def test_a_home_folder_is_expanded(variable, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(variable, "~/x")
    assert folder() == tmp_path / "x"


def test_a_home_folder_that_is_not_there_is_told(variable, folder, monkeypatch):
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    with pytest.raises(ConfigError, match=f"{variable}.*nobody-of-this-name.*no home folder"):
        folder()


def test_no_home_folder_at_all_is_told(monkeypatch):
    paths.check_home()

    def unknown(uid):
        raise KeyError(uid)

    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(ConfigError, match="set HOME"):
        paths.check_home()


def test_a_relative_folder_is_the_callers(variable, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "x")
    assert folder() == tmp_path / "x"


@pytest.mark.parametrize(
    "source", [".", "notebooks", "notebooks/sub", "fastres", "data/recorded", "data/paper", "x/.."]
)
def test_the_sources_are_refused(variable, folder, monkeypatch, source):
    monkeypatch.chdir(paths.ROOT)
    for given in (source, str(paths.ROOT / source)):
        monkeypatch.setenv(variable, given)
        with pytest.raises(ConfigError, match=f"{variable}.*a folder of the sources"):
            folder()


def test_the_sources_are_refused_behind_a_link(variable, folder, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(paths.ROOT)
    monkeypatch.setenv(variable, str(tmp_path / "link"))
    with pytest.raises(ConfigError, match="a folder of the sources"):
        folder()


@pytest.mark.parametrize("good", ["outputs", "outputs/a", "data", "scratch"])
def test_other_folders_of_the_repository_are_taken(variable, folder, monkeypatch, good):
    monkeypatch.setenv(variable, str(paths.ROOT / good))
    assert folder() == paths.ROOT / good


def test_records_are_found_in_the_users_own_outputs_too(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path))
    assert paths.record_folders() == [paths.RECORDED]  # as tests and committed notebooks have it
    assert paths.record_folders(tmp_path) == [paths.RECORDED, tmp_path]
    with pytest.raises(ConfigError, match=r"runs_dir is .*there is no such folder"):
        paths.record_folders(tmp_path / "typo")
    monkeypatch.delenv(paths.RECORDED_ONLY)
    assert paths.record_folders("") == [paths.RECORDED, tmp_path / "runs"]
    assert paths.told(paths.ROOT / "outputs" / "runs") == "outputs/runs" and paths.told(tmp_path) == str(tmp_path)
