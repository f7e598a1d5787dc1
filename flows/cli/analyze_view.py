"""What `nightquest analyze` tells: of a player or a row a table, of a file a line each, of the model its targets."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType

from configs.errors import NightquestError
from configs.nouns import counted
from data.whole_files import whole_file
from flows.cli.console import plain
from flows.cli.drawing import Grid, literal, note, readable
from flows.cli.terms import UNKNOWN, Terms
from pipelines.review.analyze import analyze_file
from pipelines.review.standings import Judge

SHOWN = 20
_TOLD = (
    "cohort",
    "judged_as",
    "cluster",
    "cluster_label",
    "confidence",
    "next_target",
    "next_percentile",
    "message",
    "error",
)
Write = Callable[[Mapping[str, Any]], None]


def analysis_view(rows: Sequence[Mapping[str, Any]], terms: Terms = UNKNOWN) -> RenderableType:
    """Each kind of play with the level, what comparable players reach, and what is next, in the app's terms."""
    parts: list[RenderableType] = []
    for row in rows:
        level, said = row["cluster_prediction"], row["motivational_message"]
        table = Grid("", str(row["judged_as"]))
        table.add_row("level", literal(f"{level['cluster_label']} ({level['confidence']:.0%})"))
        score = said["current_score"]
        came_to = "none" if score is None else terms.came_to(said["metric"], score)
        table.add_row(literal(terms.called(said["metric"])), literal(came_to))
        for name, value in row["performance_targets"].items():
            mark = (
                "  next"
                if said["next_target"] is not None and name == f"{said['next_percentile']}th_percentile"
                else ""
            )
            reached = "none" if value is None else terms.goal(said["metric"], value)
            table.add_row(literal(name.replace("_", " ")), literal(f"{reached}{mark}"))
        parts += [table, note(said["message"], ""), *_elsewhere(Counter([_said(row)])), ""]
    return Group(*parts)


def info_view(info: Mapping[str, Any]) -> RenderableType:
    """Who judges by what, and what the percentiles come to in each cohort and level."""
    steps = [name for name in (info["targets"] or [{}])[0] if name.startswith("p_")]
    table = Grid("cohort", "level", "players", *(f"{step[2:]}%" for step in steps))
    for row in info["targets"]:
        cells = (readable(row[step]) for step in steps)
        table.add_row(literal(row["judged_as"]), literal(row["segment"] or "all"), f"{row['players']:,}", *cells)
    features = ", ".join(info["features"])
    return Group(note(f"{info['version']} looks at {features}.", ""), table)


def tell_file(judge: Judge, path: Path, cohort: str, to: Path | None, *, as_json: bool) -> int:
    """Write what is told of a file's rows, block by block; returns how many were bad.

    Raises:
        NightquestError: The file cannot be read or the other not written.
    """
    levels, kinds, bad, shown = Counter[str](), Counter[str](), list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    with _writer(to, as_json=as_json) as write:
        for given, told in analyze_file(judge, path, cohort):
            for row, one in zip(given.iter_rows(named=True), told, strict=True):
                write({**row, **one})
                if "error" in one:
                    bad.append({"line": row["line"], "error": one["error"]})
                    continue
                levels[one["cluster_prediction"]["cluster_label"]] += 1
                kinds[_said(one)] += 1
                if len(shown) < SHOWN:
                    shown.append({"line": row["line"], **one})
    summary = _summary(levels, bad, None if as_json or to else shown, to)
    Console(stderr=as_json, markup=False, emoji=False).print(summary, *_elsewhere(kinds), sep="\n")
    return len(bad)


@contextmanager
def _writer(to: Path | None, *, as_json: bool) -> Iterator[Write]:
    if to is None:
        yield _lines(sys.stdout) if as_json else (lambda _: None)
        return
    try:
        with whole_file(to) as part, part.open("w", encoding="utf-8", newline="") as file:
            yield _csv(file) if to.suffix.lower() == ".csv" else _lines(file)
    except OSError as error:
        raise NightquestError(f"Cannot write {to}: {error.strerror or error}.", "Give another path.") from error


def _lines(file: TextIO) -> Write:
    def write(row: Mapping[str, Any]) -> None:
        file.write(f"{json.dumps(plain(row), ensure_ascii=False)}\n")

    return write


def _csv(file: Any) -> Write:
    """Rows as given with the columns of _TOLD behind them; the first row says which are given."""
    names: list[str] = []
    out = csv.writer(file)

    def write(row: Mapping[str, Any]) -> None:
        flat = {**row, **row.get("cluster_prediction", {}), **row.get("motivational_message", {})}
        if not names:
            given = [name for name in row if not isinstance(row[name], dict) and name not in {*_TOLD, "compared_with"}]
            names.extend([*given, *_TOLD])
            out.writerow(names)
        out.writerow([flat.get(name) for name in names])

    return write


def _summary(
    levels: Counter[str], bad: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]] | None, to: Path | None
) -> RenderableType:
    parts: list[RenderableType] = []
    if shown:
        table = Grid("line", "judged as", "level", "score", "next", "message")
        for one in shown:
            level, said = one["cluster_prediction"], one["motivational_message"]
            figures = (readable(said["current_score"]), readable(said["next_target"]))
            where = (f"{one['line']:,}", literal(one["judged_as"]), literal(level["cluster_label"]))
            table.add_row(*where, *figures, literal(said["message"]))
        parts.append(table)
    told = ", ".join(f"{n:,} {level}" for level, n in levels.items())
    parts.append(note(f"{counted(levels.total(), 'row')} judged{f': {told}' if told else ''}.", ""))
    if to is not None:
        parts.append(note(f"Written: {to}", ""))
    if bad:
        parts.append(note(f"{counted(len(bad), 'row')} not judged:"))
        parts += [note(f"line {one['line']}: {one['error']}") for one in bad[:SHOWN]]
    return Group(*parts)


def _said(row: Mapping[str, Any]) -> str:
    """The kind of play that a row says and that has no mixture of its own; else nothing."""
    return "" if row["cohort"] == row["judged_as"] else str(row["cohort"])


def _elsewhere(kinds: Counter[str]) -> list[RenderableType]:
    """A line for each of the commonest kinds of play whose rows were judged with all."""
    common = [(kind, n) for kind, n in kinds.most_common(SHOWN) if kind]
    return [
        note(
            f"{counted(n, 'row')} of '{kind}' judged with all: no kind of play with a mixture of its own is called so."
        )
        for kind, n in common
    ]
