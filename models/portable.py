"""Models as plain files: JSON, arrays, Parquet and libraries' own text. Reading one back runs no code from it."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.errors import NightquestError

KIND_FILE = "kind.json"
FORMAT = 1
_KIND = re.compile(r"^[a-z][a-z_]{0,47}$")
_HOMES = ("models", "models.tasks")  # where a module of a kind's name is looked for


class OutdatedModelError(NightquestError):
    """A saved model that this version of Nightquest cannot read, or that nothing in it answers to any more."""

    def __init__(self, message: str, remedy: str = "Train again, or install the version that wrote it.") -> None:
        super().__init__(message, remedy)


@runtime_checkable
class Portable(Protocol):
    """A model that can be written down as files and read back.

    `kind` names the module that defines the class (`learned` is `models/learned.py`, `segments` is
    `models/tasks/segments.py`); a class that lives elsewhere is made known with `@portable`.
    """

    kind: ClassVar[str]

    def to_files(self, folder: Path) -> None:
        """Write everything needed to predict into an existing, empty folder; the name kind.json is taken."""

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64] | pl.DataFrame:
        """Predict for rows that have the model's inputs, one result per row."""


PortableClass = TypeVar("PortableClass", bound=type[Portable])
_elsewhere: dict[str, type[Portable]] = {}


def portable(model: PortableClass) -> PortableClass:
    """Class decorator: make a model that is not in the module of its kind known by its kind."""
    _elsewhere[model.kind] = model
    return model


def class_of(kind: str) -> type[Portable]:
    """The class of a kind.

    Raises:
        OutdatedModelError: If this version of Nightquest has no such model.
    """
    if kind in _elsewhere:
        return _elsewhere[kind]
    for home in _HOMES if _KIND.match(kind) else ():
        try:
            module = importlib.import_module(f"{home}.{kind}")
        except ModuleNotFoundError:
            continue
        for candidate in vars(module).values():
            if isinstance(candidate, type) and candidate.__dict__.get("kind") == kind:
                return cast("type[Portable]", candidate)
    raise OutdatedModelError(f"A saved model is of kind '{kind}', which this version of Nightquest does not know.")


def save_model(folder: Path, model: Portable) -> None:
    """Write a model and its kind into a folder, which is made when absent."""
    folder.mkdir(parents=True, exist_ok=True)
    model.to_files(folder)
    save_json(folder / KIND_FILE, {"kind": model.kind, "format": FORMAT})


def load_model(folder: Path) -> Portable:
    """Read a model that `save_model` wrote.

    Raises:
        OutdatedModelError: If the files are of an unknown kind or of a newer format.
    """
    told = load_json(folder / KIND_FILE)
    if told["format"] != FORMAT:
        raise OutdatedModelError(
            f"A saved model has file format {told['format']}; this version of Nightquest reads format {FORMAT}."
        )
    return class_of(told["kind"]).from_files(folder)


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object; equal content gives equal bytes, and NaN is refused."""
    path.write_text(json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as .npz; object arrays are refused, because reading them would need pickle."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"array '{name}' holds Python objects; give it a plain dtype")
    np.savez(path, allow_pickle=False, **dict(arrays))


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read named arrays; never unpickles."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
