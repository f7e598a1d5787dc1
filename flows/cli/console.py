"""What the command line says: results to stdout, for people or as JSON; progress and errors to stderr."""

import dataclasses
import datetime as dt
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from configs.errors import DiskFullError, NightquestError
from configs.full_disk import full_disk, is_full
from flows.cli.terminal import shows_all
from flows.log import log_to_terminal

Reporter = Callable[[str, int, int], None]
WIDTH_IN_FILES = 120


def emit(result: object, as_json: bool, render: Callable[[], RenderableType]) -> None:
    """Print a command's result once: as one JSON document, or as `render` draws it."""
    if as_json:
        print(json.dumps(plain(result), ensure_ascii=not shows_all(sys.stdout)))  # noqa: T201  # this is the command's output
    else:
        shown = render()
        width = None if sys.stdout.isatty() else WIDTH_IN_FILES
        # Ids, paths and SQL are shown as they are: no markup, and text is never broken into lines.
        Console(markup=False, emoji=False, width=width).print(shown, soft_wrap=isinstance(shown, str), crop=False)


def emit_lines(documents: Iterable[str]) -> None:
    """Print JSON documents as UTF-8, one on each line, whatever the terminal can show."""
    sys.stdout.flush()
    for document in documents:
        sys.stdout.buffer.write(f"{document}\n".encode())
    sys.stdout.buffer.flush()


def plain(value: object) -> Any:
    """Anything a command returns, as JSON knows it: days and moments as ISO 8601 text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "to_dicts"):  # a polars frame
        return plain(value.to_dicts())
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


@contextmanager
def progress(as_json: bool, verbose: bool = False) -> Iterator[Reporter]:
    """A reporter that draws bars on a terminal, writes one line a stage elsewhere, and is silent with --json.

    Args:
        as_json: The result is for machines.
        verbose: Write a line for each step instead.
    """
    if verbose:
        with log_to_terminal():
            yield _steps
    elif as_json:
        yield _ignore
    elif not sys.stderr.isatty():
        yield _lines()
    else:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield _bars(bars)


def _ignore(_stage: str, _done: int, _total: int) -> None:
    return


def _steps(stage: str, done: int, total: int) -> None:
    print(f"{stage}, {done} of {total}", file=sys.stderr, flush=True)  # noqa: T201


def _lines() -> Reporter:
    started: dict[str, float] = {}

    def line(stage: str, done: int, total: int) -> None:
        work, detail = _parts(stage)
        begun = started.setdefault(work, time.monotonic())
        if done >= total:
            print(f"{work}{detail}: done in {time.monotonic() - begun:.1f} s", file=sys.stderr)  # noqa: T201
            started.pop(work)

    return line


def _bars(bars: Progress) -> Reporter:
    rows: dict[str, TaskID] = {}

    def bar(stage: str, done: int, total: int) -> None:
        work, detail = _parts(stage)
        if work not in rows:
            rows[work] = bars.add_task(work, total=total)
        elif bars.tasks[rows[work]].finished and done < total:
            bars.reset(rows[work])  # the next night, under the same bar
        bars.update(rows[work], description=f"{work}{detail}", completed=done, total=total)

    return bar


def _parts(stage: str) -> tuple[str, str]:
    """'night: plan' is the work 'night', shown on one bar, and where it is in it."""
    work, colon, detail = stage.partition(":")
    return work, f"{colon}{detail}"


def complain(error: BaseException, as_json: bool) -> int:
    """Say in a sentence what failed and what to do; returns the exit status."""
    if os.environ.get("NIGHTQUEST_DEBUG"):
        traceback.print_exception(error)
    if not isinstance(error, DiskFullError) and is_full(error):
        error = full_disk(error, "what was asked could not be done")
    if isinstance(error, NightquestError):
        message, remedy, code = error.message, error.remedy, error.exit_code
    else:
        first = (str(error).splitlines() or [""])[0][:300]
        message, remedy, code = (
            f"This failed unexpectedly: {type(error).__name__}: {first.rstrip('.')}.",
            _DEBUG_HINT,
            1,
        )
    if as_json:
        told = {"error": message, "remedy": remedy, "exit_code": code}
        print(json.dumps(told, ensure_ascii=not shows_all(sys.stdout)))  # noqa: T201
    print(f"nightquest: {message} {remedy}".rstrip(), file=sys.stderr)  # noqa: T201
    return code


_DEBUG_HINT = "Set NIGHTQUEST_DEBUG=1 and run it again to see where."
