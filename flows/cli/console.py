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
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from configs.errors import DiskFullError, NightquestError
from configs.full_disk import full_disk, is_full
from flows.cli.terminal import shows_all
from flows.log import log_to_terminal

Reporter = Callable[[str, int, int], None]
WIDTH_IN_FILES = 120
STYLE: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "header_style": "dim",
    "padding": (0, 1, 0, 0),
    "pad_edge": False,
}  # of tables


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


def note(text: str, style: str = "yellow") -> Text:
    """What a person should know, on one line however long, so that a command in it can be copied."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def literal(value: object, style: str = "") -> Text:
    """Any value as text that cannot style or move anything on a terminal."""
    text = "" if value is None else str(value)
    return Text(
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text), style=style
    )


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


class Grid(Table):
    """A table that cuts nothing off: headers keep their words whole, and cells break where there is no room."""

    def __init__(self, *headers: str, **options: Any) -> None:
        super().__init__(**STYLE | options)
        for header in headers:
            self.add_column(header)

    def add_column(self, header: RenderableType = "", *args: Any, **options: Any) -> None:
        """As rich's, with a width for the longest word of the header, and without an ellipsis."""
        longest = max(map(len, str(header).split()), default=1)
        usual: dict[str, Any] = {"overflow": "fold", "min_width": longest}
        super().add_column(header, *args, **usual | options)


def figures_table(title: str, figures: Mapping[str, Any]) -> RenderableType:
    """Figures by name, for people: what there is none of is left out, lists are left to tables of their own."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in figures.items():
        inner = {f"{name}, {key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
        for told, part in inner.items():
            if not isinstance(part, list) and (type(part) is not int or part):
                table.add_row(told.replace("_", " "), readable(part))
    return Group(Text(title, style="bold"), table, "")


def figure(value: float) -> str:
    """A number as people read it: thousands apart, at most two decimals (four below 1), no needless zero."""
    places = 4 if 0 < abs(value) < 1 else 2
    whole, point, rest = f"{value:,.{places}f}".partition(".")
    return whole + (point + rest).rstrip("0").rstrip(".")


def part_done(share: float) -> str:
    """How far something is: what is not done is never 100 %."""
    return f"{min(share, 0.99) if share < 1 else share:.0%}"


def readable(value: object) -> str:
    """A figure as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return figure(value) if isinstance(value, float) else str(value)


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


def shorten(path: Path) -> Path:
    """A path as seen from here, when that is shorter."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
