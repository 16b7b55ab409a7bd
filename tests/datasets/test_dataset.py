import pytest
import torch

from fastres.datasets.dataset import DataError, Dataset, Normalizer, check_last_batch
from fastres.datasets.sources import synthetic
from fastres.errors import ConfigError
from fastres.models.resnet import build_model


def test_mean_and_deviation_come_from_the_training_pixels():
    dataset = synthetic(10, train_size=50, test_size=10)
    pixels = dataset.train_images.double().reshape(-1, 3)
    mean, std = dataset.mean_and_std()
    torch.testing.assert_close(mean, pixels.mean(0))
    torch.testing.assert_close(std, pixels.std(0, unbiased=False))
    normal = Normalizer(*dataset.mean_and_std())(dataset.train_images.permute(0, 3, 1, 2))
    torch.testing.assert_close(normal.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_checksum_tells_images_apart():
    one = synthetic(10, train_size=20, test_size=10)
    assert one.checksum() == synthetic(10, train_size=20, test_size=10).checksum()
    one.test_images[0, 0, 0, 0] ^= 1
    assert one.checksum() != synthetic(10, train_size=20, test_size=10).checksum()


def test_dataset_refuses_wrong_shapes():
    good = synthetic(10, train_size=4, test_size=4)
    with pytest.raises(DataError, match="uint8"):
        Dataset("x", good.train_images.float(), good.train_labels, good.test_images, good.test_labels, ("a",), "")
    with pytest.raises(DataError, match="labels"):
        Dataset("x", good.train_images, good.train_labels[:-1], good.test_images, good.test_labels, ("a",), "")


def images(number: int, height: int, width: int) -> Dataset:
    pixels = torch.zeros(number, height, width, 3, dtype=torch.uint8)
    labels = torch.zeros(number, dtype=torch.int64)
    return Dataset("x", pixels, labels, pixels, labels, ("a", "b"), "")


def test_a_last_batch_that_bn_cannot_use_is_refused():
    with pytest.raises(ConfigError, match=r"batch_size = 128: of 129 training images.*4 x 4 pixels"):
        check_last_batch(images(129, 4, 4), 128)
    for number, height, width in ((130, 4, 4), (128, 4, 4), (129, 5, 4), (129, 4, 8)):
        check_last_batch(images(number, height, width), 128)


@pytest.mark.parametrize("side", [4, 5])
def test_the_refusal_is_where_bn_fails(side):
    """The bound of check_last_batch, against the network itself."""
    model = build_model("basic", 8, 2).train()
    one = torch.zeros(1, 3, side, side)
    if side > 4:
        assert model(one).shape == (1, 2)
    else:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            model(one)
