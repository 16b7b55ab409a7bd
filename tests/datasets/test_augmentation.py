import torch

from fastres.config import RunConfig
from fastres.datasets.augmentation import EpochPlan, crop_and_flip, pad_images

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
