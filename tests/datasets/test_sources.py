import contextlib
import gc
import hashlib
import http.server
import io
import pickle
import socket
import tarfile
import threading
import time

import numpy as np
import pytest
import torch
from torchvision import datasets

from fastres.config import RunConfig
from fastres.datasets import sources
from fastres.datasets.augmentation import EpochPlan
from fastres.datasets.dataset import DataError, Normalizer
from fastres.datasets.sources import load_dataset, synthetic


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


SILENCE = 30.0  # seconds for which a server sends nothing


class Server(http.server.ThreadingHTTPServer):
    """Serves an archive on 127.0.0.1, well or badly."""

    def __init__(self, content: bytes, behaviour: str):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.behaviour, self.over = content, behaviour, threading.Event()

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def do_GET(self) -> None:
        content, whole = self.server.content, str(len(self.server.content))
        match self.server.behaviour:
            case "whole":
                self.answer(200, Content_Length=whole)
                self.wfile.write(content)
            case "slow":
                self.answer(200, Content_Length=whole)
                for start in range(0, len(content), len(content) // 8 + 1):
                    self.wfile.write(content[start : start + len(content) // 8 + 1])
                    time.sleep(0.12)
            case "silent":
                self.server.over.wait(SILENCE)
            case "stalls":
                self.answer(200, Content_Length=whole)
                self.wfile.write(content[:100])
                self.server.over.wait(SILENCE)
            case "cut chunk":
                self.answer(200, Transfer_Encoding="chunked")
                self.wfile.write(b"ffff\r\n" + content[:100])
            case "bad status line":
                self.wfile.write(b"NONSENSE\r\n\r\n")
            case "truncated":
                self.answer(200, Content_Length=whole)
                self.wfile.write(content[:100])
            case "error page":
                self.answer(200, Content_Length="9")
                self.wfile.write(b"<html>no.")
            case "other bytes":
                self.answer(200, Content_Length=whole)
                self.wfile.write(bytes(len(content)))
            case "busy":
                self.answer(503, Content_Length="0")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(monkeypatch, content: bytes, behaviour: str):
    server = Server(content, behaviour)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setattr(datasets.CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/a.tar.gz")
    try:
        yield
    finally:
        server.stop()
        thread.join()


BAD = ["silent", "stalls", "cut chunk", "bad status line", "truncated", "error page", "other bytes", "busy"]


@pytest.mark.parametrize("small_cifar", [CIFAR10], indirect=True)
@pytest.mark.parametrize("behaviour", BAD)
def test_a_failed_download_is_one_error_and_leaves_nothing_in_the_way(small_cifar, tmp_path, monkeypatch, behaviour):
    content = (small_cifar[0] / datasets.CIFAR10.filename).read_bytes()
    root = tmp_path / "data"
    monkeypatch.setattr(sources, "STALLED", 0.3)
    start = time.monotonic()
    with served(monkeypatch, content, behaviour), pytest.raises(DataError, match="cannot read or download") as raised:
        load_dataset("cifar10", root)
    message = str(raised.value)
    assert str(root / datasets.CIFAR10.filename) in message and "\n" not in message
    del raised
    gc.collect()  # an unclosed connection would warn here
    assert time.monotonic() - start < SILENCE
    assert socket.getdefaulttimeout() is None
    with served(monkeypatch, content, "whole"):
        assert len(load_dataset("cifar10", root).train_images) == 20


@pytest.mark.parametrize("small_cifar", [CIFAR10], indirect=True)
def test_several_that_need_an_archive_do_not_write_into_each_others(small_cifar, tmp_path, monkeypatch):
    """torchvision opens the archive for writing at once: the second would cut off what the first has."""
    content = (small_cifar[0] / datasets.CIFAR10.filename).read_bytes()
    root, found = tmp_path / "data", []
    with served(monkeypatch, content, "slow"):
        threads = [threading.Thread(target=lambda: found.append(load_dataset("cifar10", root))) for _ in range(3)]
        for thread in threads:
            thread.start()
            time.sleep(0.4)
        for thread in threads:
            thread.join()
    assert [len(dataset.train_images) for dataset in found] == [20] * 3


@pytest.mark.parametrize("small_cifar", [CIFAR10], indirect=True)
def test_images_that_are_there_are_read_without_writing(small_cifar, monkeypatch):
    """A data folder may be read-only: nothing is locked, nothing downloaded."""
    root, name = small_cifar
    load_dataset(name, root)
    monkeypatch.setattr(sources, "locked", None)
    assert len(load_dataset(name, root).train_images) == 20


@pytest.fixture
def odd_process():
    """A caller who has set torch's defaults for work of their own."""
    with torch.no_grad(), torch.device("meta"):
        torch.set_default_dtype(torch.float64)
        yield
    torch.set_default_dtype(torch.float32)


SUMS = {"digits": "52e6a8d1", "synthetic": "1a166be3", "synthetic100": "155228de"}


@pytest.mark.parametrize("name", SUMS)
def test_images_are_the_recorded_ones(name):
    assert load_dataset(name).checksum().startswith(SUMS[name])


@pytest.mark.parametrize("name", SUMS)
def test_the_callers_defaults_change_no_image(name, odd_process):
    dataset = load_dataset(name)
    assert dataset.checksum().startswith(SUMS[name])
    batch = Normalizer(*dataset.mean_and_std())(dataset.train_images[:4].permute(0, 3, 1, 2))
    assert batch.dtype == torch.float32 and batch.device.type == "cpu"


def test_the_callers_defaults_change_no_draw(request):
    def draw() -> EpochPlan:
        return EpochPlan.draw(50, RunConfig(), torch.Generator("cpu").manual_seed(0), torch.device("cpu"))

    usual = draw()
    request.getfixturevalue("odd_process")
    unusual = draw()
    for name in ("index", "row", "column", "mirrored"):
        assert torch.equal(getattr(usual, name), getattr(unusual, name))


def test_a_folder_is_read_under_the_callers_defaults(tmp_path, odd_process):
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "x.ppm").write_bytes(b"P6\n2 2\n255\n" + bytes(12))
    assert load_dataset(f"folder:{tmp_path}").train_labels.tolist() == [0, 1]


def test_a_home_folder_that_is_not_there_is_told(monkeypatch):
    with pytest.raises(DataError, match="no folder"):
        load_dataset("folder:~/nowhere")
    for name, root in (("folder:~nobody-of-this-name/x", None), ("digits", "~nobody-of-this-name")):
        with pytest.raises(sources.paths.ConfigError, match="no home folder for '~'"):
            load_dataset(name, root)


def test_synthetic_is_named_after_its_classes():
    assert synthetic(4, train_size=5, test_size=3).name == "synthetic4"
