import subprocess
import sys

import pytest

from fastres.config import DATASETS, RunConfig
from fastres.datasets.catalogue import CATALOGUE, canonical, is_embedded
from fastres.datasets.sources import LOADERS, load_dataset
from fastres.errors import ConfigError
from fastres.experiments import is_smoke


@pytest.mark.parametrize("name", [name for name, row in CATALOGUE.items() if row.embedded])
def test_an_embedded_dataset_has_what_its_row_declares(name):
    row, dataset = CATALOGUE[name], load_dataset(name)
    assert dataset.name == name
    assert dataset.train_images.shape == (row.train_size, row.side, row.side, 3)
    assert dataset.test_images.shape == (row.test_size, row.side, row.side, 3)
    assert dataset.num_classes == row.classes
    assert dataset.train_labels.unique().tolist() == list(range(row.classes))
    assert dataset.test_labels.max() < row.classes


def test_every_row_has_a_loader_and_is_known_everywhere():
    assert set(LOADERS) == set(CATALOGUE) == set(DATASETS)
    for name in CATALOGUE:
        assert is_smoke(RunConfig(dataset=name)) == is_embedded(name)
    assert not is_embedded("folder:x")


@pytest.mark.parametrize("path", ["/a/x", "/a/x/", "/a/./x", "/a//x", "/a/x/."])
def test_a_folder_has_one_name(path):
    assert RunConfig(dataset=f"folder:{path}").dataset == "folder:/a/x"
    assert RunConfig(dataset=f"folder:{path}").run_id == RunConfig(dataset="folder:/a/x").run_id


@pytest.mark.parametrize("path", ["cifar10-jpeg", "../x", "~/x", "/", ".", "with space", "图片"])
def test_a_name_in_its_simplest_form_stays(path):
    assert canonical(f"folder:{path}") == f"folder:{path}"


@pytest.mark.parametrize(
    "name", ["", "folder:", "folder", "CIFAR10", "folder:a\0b", "folder:two\nlines", "folder:\ud800"]
)
def test_unknown_names_are_refused_with_what_exists(name):
    for use in (canonical, load_dataset, lambda name: RunConfig(dataset=name)):
        with pytest.raises(ConfigError, match="cifar10, cifar100, digits") as raised:
            use(name)
        assert "\n" not in str(raised.value)


def test_the_catalogue_needs_no_torch():
    code = "import fastres.config, fastres.datasets.catalogue, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
