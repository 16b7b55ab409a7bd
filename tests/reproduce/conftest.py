import pytest

from fastres import paths


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """An empty notebooks folder and an empty outputs folder."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.setattr(paths, "NOTEBOOKS", notebooks)
    monkeypatch.setenv("FASTRES_OUTPUTS", str(tmp_path / "outputs"))
    return notebooks
