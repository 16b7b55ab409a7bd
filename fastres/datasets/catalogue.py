"""The datasets by name, one row each. Nothing here needs torch.

A row here and a loader in fastres.datasets.sources make a dataset.
"""

import dataclasses
import re
from pathlib import PurePath

from fastres.errors import ConfigError, did_you_mean

FOLDER = "folder:"
CIFAR_SIDE = 32
EMBEDDED_SIDE = 16  # a quarter of the work on CIFAR's images, for what only tests the pipeline


@dataclasses.dataclass(frozen=True)
class Row:
    """What is known of a dataset before it is loaded."""

    classes: int
    train_size: int  # images
    test_size: int
    embedded: bool  # in an installed package or generated: no network; tests the pipeline, not the paper

    @property
    def side(self) -> int:
        """Pixels; images are square."""
        return EMBEDDED_SIDE if self.embedded else CIFAR_SIDE


CATALOGUE = {
    "cifar10": Row(classes=10, train_size=50_000, test_size=10_000, embedded=False),
    "cifar100": Row(classes=100, train_size=50_000, test_size=10_000, embedded=False),
    "digits": Row(classes=10, train_size=1437, test_size=360, embedded=True),
    "synthetic": Row(classes=10, train_size=1280, test_size=256, embedded=True),
    "synthetic100": Row(classes=100, train_size=1280, test_size=256, embedded=True),
}


def is_embedded(name: str) -> bool:
    return name in CATALOGUE and CATALOGUE[name].embedded


def canonical(name: str) -> str:
    """The one name of a dataset: "folder:/a/./x/" and "folder:/a/x" are the same images.

    >>> canonical("folder:photos/./pets/")
    'folder:photos/pets'

    Raises ConfigError for a name that is neither in the catalogue nor folder:PATH.
    """
    if name in CATALOGUE:
        return name
    path = name.removeprefix(FOLDER)
    # A record is UTF-8: control characters and bytes that are no text (surrogates) cannot stand in it.
    if path in ("", name) or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", path):
        close = did_you_mean(name, CATALOGUE)
        raise ConfigError(f"unknown dataset {name!r}: use one of {', '.join(CATALOGUE)}, or folder:PATH{close}")
    return FOLDER + PurePath(path).as_posix()


def shown(name: str) -> str:
    """A dataset's name for tables, figures and reports: of a folder its own name, without the path to it.

    Names come from users: what is markup somewhere (HTML, Markdown, TeX, matplotlib's mathtext) is replaced.

    >>> shown("folder:/home/me/my $x_{1$ & <b>data|set")
    'folder:my ·x_·1· · ·b·data·set'
    """
    own = PurePath(name.removeprefix(FOLDER)).name
    return (FOLDER if name.startswith(FOLDER) else "") + re.sub(r"[^\w .()+-]", "·", own)
