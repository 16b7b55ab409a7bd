"""One store for every kind of record: a JSON file, written atomically, checked when it is read, found in folders."""

import abc
import hashlib
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fastres.errors import RecordError
from fastres.files import write


class Record(BaseModel, abc.ABC):
    """The common part of all kinds of records: a name for messages, a pattern of file names, an identity."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    KIND: ClassVar[str] = "record"
    FILES: ClassVar[str] = "*.json"  # pattern of its files below a folder

    @property
    @abc.abstractmethod
    def identity(self) -> str:
        """The same in two copies of one record, and in no other record of its kind."""


R = TypeVar("R", bound=Record)
_END = "\n}"  # of every record's text


def save(record: Record, path: Path) -> Path:
    """Write the record, and in a last field the checksum of all the others."""
    text = record.model_dump_json(indent=1)
    write(path, f'{text.removesuffix(_END)},\n "checksum": "{_checksum(text)}"{_END}\n')
    return path


def load(kind: type[R], path: str | Path) -> R:
    """Raises RecordError naming the file, the field and what is wrong with it.

    Records of versions before 0.2 have no checksum, which is then not compared.
    """
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip()
        before, field, checksum = text.rpartition(',\n "checksum": "')
        text = before + _END if field else text
        record = kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("checksum",):
            raise RecordError(
                f"{path}: not as it was written: another layout, so its checksum cannot be compared"
            ) from error
        where = ".".join(map(str, first["loc"]))
        raise RecordError(f"{path}: not a {kind.KIND} ({f'{where}: ' if where else ''}{first['msg']})") from error
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: not a {kind.KIND} ({error})") from error
    if field and checksum != f'{_checksum(text)}"{_END}':
        raise RecordError(f"{path}: not the {kind.KIND} that was written (its checksum is another)")
    return record


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def find(kind: type[R], *folders: str | Path) -> list[R]:
    """Every record of a kind below the folders, by identity; the same one in two folders counts once, the first's.

    A missing folder holds none. Raises RecordError for a file that cannot be read.
    """
    found: dict[str, R] = {}
    for folder in folders:
        for path in sorted(Path(folder).glob(kind.FILES)):
            record = load(kind, path)
            found.setdefault(record.identity, record)
    return [found[identity] for identity in sorted(found)]
