import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fastres.datasets import folder as folders
from fastres.datasets.dataset import DataError
from fastres.datasets.sources import load_dataset


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


def encoded(kind: str, size=(8, 8), colour=(200, 100, 50), **options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind, **options)
    return file.getvalue()


SUFFIXES = {"PNG": "no suffix at all", "JPEG": "jfif", "GIF": "gif", "WEBP": "webp", "AVIF": "avif", "BMP": "BMP"}
SUFFIXES |= {"PPM": "ppm", "TIFF": "tif", "JPEG2000": "jp2"}


@pytest.mark.parametrize(("kind", "suffix"), SUFFIXES.items())
def test_every_format_is_read_whatever_its_suffix(tmp_path, kind, suffix):
    make_folder(tmp_path)
    (tmp_path / "train/cat" / f"1.{suffix}").write_bytes(encoded(kind))
    images = load_dataset(f"folder:{tmp_path}").train_images
    assert len(images) == 3
    assert np.abs(images[1, 4, 4].int().numpy() - (200, 100, 50)).max() < 12  # lossy


def test_orientation_of_a_camera_is_applied(tmp_path):
    make_folder(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture = Image.new("RGB", (8, 8))
    picture.putpixel((0, 0), (255, 255, 255))
    picture.save(tmp_path / "train/cat/0.png", exif=exif)
    image = load_dataset(f"folder:{tmp_path}").train_images[0]
    assert image[0, 7].tolist() == [255, 255, 255] and image[0, 0].tolist() == [0, 0, 0]


def test_hidden_and_stray_entries_are_not_read_and_named(tmp_path):
    make_folder(tmp_path)
    for hidden in ("train/.ipynb_checkpoints", "train/cat/.ipynb_checkpoints"):
        (tmp_path / hidden).mkdir()
        (tmp_path / hidden / "0.png").write_bytes(encoded("PNG"))
    (tmp_path / "train/dog/.DS_Store").write_bytes(b"")
    (tmp_path / "train/labels.csv").write_bytes(b"")
    with pytest.warns(UserWarning, match="not read") as warned:
        dataset = load_dataset(f"folder:{tmp_path}")
    assert dataset.classes == ("cat", "dog") and len(dataset.train_images) == 2
    (message,) = (str(warning.message) for warning in warned)
    for name in (".ipynb_checkpoints", "cat/.ipynb_checkpoints", "dog/.DS_Store", "labels.csv"):
        assert os.path.join(*name.split("/")) in message


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * min(height, 8) * (1 + 3 * min(width, 8))))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + chunk(b"IEND", b"")


def deep(mode: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, "TIFF")
    return file.getvalue()


UNREADABLE = {
    "text": b"not an image",
    "empty": b"",
    "truncated": encoded("PNG")[:50],
    "half a JPEG": encoded("JPEG")[:300],
    "a text chunk that is a bomb": png(8, 8, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 2**26))),
    "a broken chunk": png(8, 8, struct.pack(">I", 4) + b"\xff\xff\xff\xff" + b"abcdefgh"),
    "a decompression bomb": png(20_000, 20_000),
    "a giant image": png(10_000, 10_000),
    "a broken PPM": b"P6\n8 x 255\n" + b"\0" * 192,
    "a PPM without an end": b"P6\n" + b"9" * 100,
    "several frames": encoded("GIF", save_all=True, append_images=[Image.new("RGB", (8, 8))]),
    "16 bits": deep("I;16"),
    "floating point": deep("F"),
    "a format without a signature": encoded("TGA"),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_one_error_that_names_the_file(tmp_path, content):
    make_folder(tmp_path)
    (tmp_path / "train/dog/odd.png").write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.png: not a readable image \(.+\)") as raised:
        load_dataset(f"folder:{tmp_path}")
    assert "\n" not in str(raised.value)


def test_a_giant_image_is_refused_before_it_is_decoded(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "train/cat/0.png").write_bytes(UNREADABLE["a giant image"])
    with warnings.catch_warnings(), pytest.raises(DataError, match=r"0\.png.*exceeds limit"):
        warnings.simplefilter("ignore")
        load_dataset(f"folder:{tmp_path}")


@pytest.mark.parametrize("kind", SUFFIXES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_named(tmp_path, kind, data):
    whole = bytearray(encoded(kind))
    cut = data.draw(st.integers(0, len(whole)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged"
    path.write_bytes(whole[:cut])
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = folders._decode(path)
        except DataError as error:
            assert str(path) in str(error)
        else:
            assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3


def test_folders_that_cannot_be_used_are_named(tmp_path):
    make_folder(tmp_path / "a", classes=("cat", "dog", "empty"))
    (tmp_path / "a/train/empty/0.png").unlink()
    make_folder(tmp_path / "b")
    (tmp_path / "b/train/cat/images").mkdir()
    make_folder(tmp_path / "c")
    (tmp_path / "c/test/dog/0.png").write_bytes(encoded("PNG", (9, 8)))
    make_folder(tmp_path / "d", parts=("train",))
    make_folder(tmp_path / "d", sizes=((4, 4),), parts=("test",))
    for name, told in (("a", "empty"), ("b", "images"), ("c", r"dog.0\.png: .*8 x 9.*8 x 8"), ("d", "8 x 8.*4 x 4")):
        with pytest.raises(DataError, match=told):
            load_dataset(f"folder:{name}", tmp_path)


def test_images_that_do_not_fit_into_memory_are_refused_at_the_first(tmp_path, monkeypatch):
    make_folder(tmp_path)
    monkeypatch.setattr(folders, "memory_bytes", lambda device: 100)
    with pytest.raises(DataError, match=r"0\.png: 2 images of its size 8 x 8 need"):
        load_dataset(f"folder:{tmp_path}")


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path):
    make_folder(tmp_path)
    picture = Image.new("P", (8, 8))
    picture.putpalette([10, 20, 30] * 4)
    picture.save(tmp_path / "train/cat/0.png", transparency=b"\x00\x80")
    assert load_dataset(f"folder:{tmp_path}").train_images[0, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_reach_no_record(tmp_path, monkeypatch):
    odd = tmp_path / os.fsdecode(b"imgs-\xff\n")
    make_folder(odd, classes=("cat", os.fsdecode(b"d\xffg")))
    monkeypatch.chdir(odd)
    dataset = load_dataset("folder:.")
    assert dataset.source == "image folder imgs-··"
    assert len(dataset.train_images) == 2
