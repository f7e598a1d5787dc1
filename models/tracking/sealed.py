"""Proof that a model's files are those that were registered, and that they say what the model said."""

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl

from configs.errors import NightquestError
from models.portable import Portable, load_model, save_model


class UnkeptError(NightquestError):
    """A model that its own files cannot keep, so that it is not registered."""


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def verify(folder: Path, expected: str | None, what: str) -> None:
    """Compare a folder with the checksums in `expected`, a JSON object, or None when there are none.

    Args:
        folder: What is about to be read.
        expected: As recorded at registration.
        what: The model, for the message: 'champion of trading.plays (version 3)'.

    Raises:
        NightquestError: If a file is missing, new or changed, or nothing was recorded.
    """
    remedy = "Move the alias champion to another version in MLflow, or train again."
    if expected is None:
        raise NightquestError(f"The {what} was not registered by Nightquest.", remedy)
    try:
        want = dict(json.loads(expected))
    except (TypeError, ValueError) as error:
        raise NightquestError(f"What was registered of the {what} cannot be read any more.", remedy) from error
    have = checksums(folder)
    changed = sorted(path for path in want.keys() | have.keys() if want.get(path) != have.get(path))
    if changed:
        raise NightquestError(f"The {what} is not what was registered: {', '.join(changed)} changed.", remedy)


def save_and_predict(model: Portable, folder: Path, example: pl.DataFrame) -> np.ndarray | pl.DataFrame:
    """Write a model's files; the prediction for the example, the same from memory and from the files.

    Raises:
        UnkeptError: The two differ, or the model fails in it.
        OSError: The files cannot be written.
    """
    try:
        save_model(folder, model)
        before, after = model.predict(example), load_model(folder).predict(example)
    except OSError:
        raise
    except Exception as error:
        raise UnkeptError(
            f"A model of kind '{model.kind}' cannot be kept: {type(error).__name__}: {error}.", exit_code=1
        ) from error
    if isinstance(before, pl.DataFrame):
        same = isinstance(after, pl.DataFrame) and before.equals(after)
    else:
        same = isinstance(after, np.ndarray) and np.array_equal(before, after, equal_nan=True)
    if not same:
        raise UnkeptError(
            f"A model of kind '{model.kind}' predicts otherwise once it is read back from its files.",
            "Its to_files or from_files leaves something out; it was not registered.",
            exit_code=1,
        )
    return before
