import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from fastres.config import RunConfig
from fastres.datasets.augmentation import EpochPlan, crop_and_flip, pad_images
from fastres.datasets.dataset import DataError, Dataset, Normalizer
from fastres.datasets.sources import load_dataset, synthetic

CPU = torch.device("cpu")


def coordinates(size: int, side: int = 6) -> torch.Tensor:
    """Images whose pixels tell where they are: channels hold sample, row + 1 and column + 1."""
    images = torch.zeros(size, side, side, 3, dtype=torch.uint8)
    images[..., 0] = torch.arange(size)[:, None, None] + 1
    images[..., 1] = torch.arange(side)[:, None] + 1
    images[..., 2] = torch.arange(side) + 1
    return images


def test_crop_and_flip_moves_every_sample_by_its_own_offset():
    padding, side = 2, 6
    images = coordinates(40, side)
    plan = EpochPlan.draw(40, RunConfig(crop_padding=padding), torch.Generator().manual_seed(0), CPU)
    batch = crop_and_flip(pad_images(images, padding), plan, padding)
    for sample in range(40):
        expected = torch.zeros(side + 2 * padding, side + 2 * padding, 3, dtype=torch.uint8)
        expected[padding:-padding, padding:-padding] = images[plan.index[sample]]
        row, column = int(plan.row[sample]), int(plan.column[sample])
        expected = expected[row : row + side, column : column + side].permute(2, 0, 1)
        if plan.mirrored[sample]:
            expected = expected.flip(2)
        assert torch.equal(batch[sample], expected)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_augmentation_is_drawn_per_sample():
    plan = EpochPlan.draw(2000, RunConfig(), torch.Generator().manual_seed(0), CPU)
    for offsets in (plan.row, plan.column):
        assert torch.bincount(offsets, minlength=9).min() > 150  # each of 9 offsets near 2000 / 9
    assert 0.45 < plan.mirrored.float().mean() < 0.55
    assert not torch.equal(plan.row, plan.column)


def test_every_image_once_per_epoch_in_a_new_order():
    generator = torch.Generator().manual_seed(0)
    first, second = (EpochPlan.draw(101, RunConfig(), generator, CPU).index for _ in range(2))
    assert torch.equal(first.sort().values, torch.arange(101))
    assert torch.equal(second.sort().values, torch.arange(101))
    assert not torch.equal(first, second)


def test_no_augmentation_is_the_image_itself():
    config = RunConfig(crop_padding=0, flip=False)
    images = coordinates(5)
    plan = EpochPlan.draw(5, config, torch.Generator().manual_seed(0), CPU)
    assert torch.equal(crop_and_flip(images, plan, 0), images[plan.index].permute(0, 3, 1, 2))


def test_mean_and_deviation_come_from_the_training_pixels():
    dataset = synthetic(10, train_size=50, test_size=10)
    pixels = dataset.train_images.double().reshape(-1, 3)
    mean, std = dataset.mean_and_std()
    torch.testing.assert_close(mean, pixels.mean(0))
    torch.testing.assert_close(std, pixels.std(0, unbiased=False))
    normal = Normalizer(dataset)(dataset.train_images.permute(0, 3, 1, 2))
    torch.testing.assert_close(normal.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_checksum_tells_images_apart():
    one = synthetic(10, train_size=20, test_size=10)
    assert one.checksum() == synthetic(10, train_size=20, test_size=10).checksum()
    one.test_images[0, 0, 0, 0] ^= 1
    assert one.checksum() != synthetic(10, train_size=20, test_size=10).checksum()


def test_embedded_datasets():
    digits = load_dataset("digits")
    assert digits.train_images.shape == (1437, 32, 32, 3) and digits.test_images.shape == (360, 32, 32, 3)
    assert digits.num_classes == 10 and digits.test_labels.unique().numel() == 10
    assert load_dataset("synthetic100").num_classes == 100


def add_pickle(archive: tarfile.TarFile, name: str, content: dict) -> str:
    data = pickle.dumps(content)
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
    return hashlib.md5(data).hexdigest()


@pytest.fixture
def small_cifar(tmp_path, monkeypatch, request):
    """A small archive in CIFAR's official format, its checksums in place of the official ones."""
    loader, labels_key = request.param
    train_names = [name for name, _ in loader.train_list]
    rng = np.random.default_rng(0)
    sums = {}
    path = tmp_path / loader.filename
    classes = [f"class{i}" for i in range(100 if loader is datasets.CIFAR100 else 10)]
    with tarfile.open(path, "w:gz") as archive:
        for name in [*train_names, loader.test_list[0][0]]:
            rows = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
            content = {"data": rows, labels_key: [0, 1, 2, 3]}
            sums[name] = add_pickle(archive, f"{loader.base_folder}/{name}", content)
        meta = add_pickle(archive, f"{loader.base_folder}/{loader.meta['filename']}", {loader.meta["key"]: classes})
    monkeypatch.setattr(loader, "train_list", [[name, sums[name]] for name in train_names])
    monkeypatch.setattr(loader, "test_list", [[loader.test_list[0][0], sums[loader.test_list[0][0]]]])
    monkeypatch.setattr(loader, "meta", {**loader.meta, "md5": meta})
    monkeypatch.setattr(loader, "tgz_md5", hashlib.md5(path.read_bytes()).hexdigest())
    monkeypatch.setattr(loader, "url", "http://127.0.0.1:9/no-network")
    return tmp_path, "cifar100" if loader is datasets.CIFAR100 else "cifar10"


CIFAR10, CIFAR100 = (datasets.CIFAR10, "labels"), (datasets.CIFAR100, "fine_labels")


@pytest.mark.parametrize("small_cifar", [CIFAR10, CIFAR100], indirect=True)
def test_cifar_from_a_local_archive(small_cifar):
    root, name = small_cifar
    dataset = load_dataset(name, root)
    batches = len(dataset.train_images) // 4
    assert batches == (5 if name == "cifar10" else 1)
    assert dataset.num_classes == (10 if name == "cifar10" else 100)
    assert dataset.test_images.shape == (4, 32, 32, 3)
    # the format is channel planes: pixel (0, 1) of channel 2 is entry 2 * 1024 + 1 of its row
    first = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
    assert dataset.train_images[3, 0, 1, 2] == first[3, 2 * 1024 + 1]


@pytest.mark.parametrize("small_cifar", [CIFAR10], indirect=True)
def test_damaged_archive_is_told_with_what_was_expected(small_cifar):
    root, name = small_cifar
    archive = root / datasets.CIFAR10.filename
    archive.write_bytes(archive.read_bytes()[:-7])
    with pytest.raises(DataError, match="MD5") as raised:
        load_dataset(name, root)
    assert str(archive) in str(raised.value) and "bytes there" in str(raised.value)


def test_no_network_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:9/no-network")
    with pytest.raises(DataError, match="nothing there") as raised:
        load_dataset("cifar10", tmp_path)
    assert "--dataset digits" in str(raised.value)


def make_folder(root, sizes=((8, 8),), classes=("cat", "dog"), parts=("train", "test")):
    for part in parts:
        for label, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i, size in enumerate(sizes):
                Image.new("RGB", size, (10 * label, i, 200)).save(folder / f"{i}.png")


def test_image_folder(tmp_path):
    make_folder(tmp_path / "pets", sizes=((8, 8), (8, 8)))
    dataset = load_dataset("folder:pets", tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert dataset.train_labels.tolist() == [0, 0, 1, 1]
    assert dataset.train_images[3, 0, 0].tolist() == [10, 1, 200]
    assert "pets" in dataset.source and str(tmp_path) not in dataset.source


def test_image_folder_problems_are_named(tmp_path):
    with pytest.raises(DataError, match="expected PATH/train/CLASS/image"):
        load_dataset(f"folder:{tmp_path / 'missing'}")
    make_folder(tmp_path / "a", sizes=((8, 8), (9, 8)))
    with pytest.raises(DataError, match="one size"):
        load_dataset("folder:a", tmp_path)
    make_folder(tmp_path / "b")
    (tmp_path / "b/test/cat/broken.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"broken\.png"):
        load_dataset("folder:b", tmp_path)
    make_folder(tmp_path / "one", classes=("cat",))
    with pytest.raises(DataError, match="at least two class folders"):
        load_dataset("folder:one", tmp_path)
    make_folder(tmp_path / "c", parts=("train",))
    make_folder(tmp_path / "c", classes=("cat", "cow"), parts=("test",))
    with pytest.raises(DataError, match="cow, dog"):
        load_dataset("folder:c", tmp_path)


def test_dataset_refuses_wrong_shapes():
    good = synthetic(10, train_size=4, test_size=4)
    with pytest.raises(DataError, match="uint8"):
        Dataset("x", good.train_images.float(), good.train_labels, good.test_images, good.test_labels, ("a",), "")
    with pytest.raises(DataError, match="labels"):
        Dataset("x", good.train_images, good.train_labels[:-1], good.test_images, good.test_labels, ("a",), "")
