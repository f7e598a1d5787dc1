"""A file system that takes no more, as it is told to a person, whichever library found it out."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from configs.commands import chosen_home
from configs.errors import DiskFullError, NightquestError

_FULL, _QUOTA, _LARGE = "{} is full", "{} takes no more of you: your quota is used up", "{} takes no file so large"
_BY_ERRNO = {errno.ENOSPC: _FULL, errno.EDQUOT: _QUOTA, errno.EFBIG: _LARGE}
_ELSEWHERE = "RestException"  # what MLflow's server says of itself
# DuckDB, polars, Arrow, SQLite and MLflow tell it in words alone.
_IN_WORDS = {
    re.compile(r"no space left on device|disk is full", re.IGNORECASE): _FULL,
    re.compile(r"quota exceeded", re.IGNORECASE): _QUOTA,
    re.compile(r"file too large", re.IGNORECASE): _LARGE,
}


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it came of, says that a file system took no more."""
    return any(_kind(each) for each in _chain(error))


def why(error: BaseException, place: Path | None = None) -> str:
    """Why something cannot be written, as the end of a sentence: the file system that is full, or what the error says.

    Args:
        error: What was raised.
        place: What could not be written or where it was to lie; None: the error says it, or it is where least is free.
    """
    found = next(((kind, each) for each in _chain(error) if (kind := _kind(each))), None)
    if found is None:
        return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    kind, told = found
    named = getattr(told, "filename", None)
    where = place or (Path(named) if isinstance(named, str) else _least_free())
    return kind.format(f"the file system {_mount(where)}")


def full_disk(
    error: BaseException, what: str, place: Path | None = None, then: str = "run the same again; nothing was lost."
) -> DiskFullError:
    """What to raise of such an error.

    Args:
        error: What was raised.
        what: What could not be done, as a clause.
        place: See `why`.
        then: What to do when there is room, and what has become of the work.
    """
    return DiskFullError(f"{_capital(why(error, place))}: {what}.", f"Free disk space there, then {then}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _kind(error: BaseException) -> str | None:
    if isinstance(error, NightquestError) or type(error).__name__ == _ELSEWHERE:
        return None
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    return next((kind for words, kind in _IN_WORDS.items() if words.search(str(error))), None)


def _least_free() -> Path:
    return min(
        map(_there, (chosen_home(), Path(tempfile.gettempdir()))), key=lambda place: shutil.disk_usage(place).free
    )


def _mount(place: Path) -> Path:
    """The root of the file system that something lies on, or will."""
    place = _there(place).resolve()
    return next(each for each in (place, *place.parents) if os.path.ismount(each))


def _there(place: Path) -> Path:
    place = place.absolute()
    return next(each for each in (place, *place.parents) if each.exists())


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
