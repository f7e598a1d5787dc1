"""Rows given on the spot, in a file or by hand, as what the segments look at, and what is wrong with them."""

import re
from collections.abc import Mapping, Sequence

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from models.tasks.segments import PARENT, SegmentModel
from pipelines.players.segments import WINDOW_DAYS, measures_of

_OLDEST = 120.0  # years
COHORT = "cohort"


def names_of(app: App) -> dict[str, tuple[str, ...]]:
    """How each measure may be called in a file, by its column: its metric, the property it is of, with unit."""
    told = {}
    for measure in measures_of(app):
        name = measure.column.removesuffix(f"__{WINDOW_DAYS}")
        metric = app.metrics.get(name)
        named = [name, *([metric.of] if metric and metric.of else [])]
        units = _units(metric.unit, metric.plural) if metric else ()
        told[measure.column] = tuple(dict.fromkeys([*named, *(f"{each}_{unit}" for each in named for unit in units)]))
    return told


def _units(unit: str, plural: str) -> tuple[str, ...]:
    return tuple(each.replace(" ", "_") for each in (plural or f"{unit}s", unit)) if unit else ()


def columns_for(app: App, given: Sequence[str]) -> dict[str, str]:
    """Which given column is which measure, property of cohorts or `cohort` itself; spelling and case do not matter.

    Raises:
        NightquestError: None is the score, or two are spelled alike.
    """
    by_key = {_key(name): name for name in reversed(given)}
    wanted = {**names_of(app), **{name: (name,) for name in (*app.cohorts.by, COHORT)}}
    found = {
        name: by_key[_key(called)]
        for name, names in reversed(wanted.items())
        for called in reversed(names)
        if _key(called) in by_key
    }
    for name in found.values():
        if alike := [other for other in given if other != name and _key(other) == _key(name)]:
            raise NightquestError(
                f"'{name}' and '{alike[0]}' are one name: spelling and case do not matter.", "Leave one of them out."
            )
    score = f"{app.segments.score}__{WINDOW_DAYS}"
    if score not in found:
        raise NightquestError(
            f"No column is the score; there are {', '.join(given)[:200] or 'none'}.",
            f"Call one of them {' or '.join(names_of(app)[score])}.",
        )
    return found


def read_rows(
    app: App, model: SegmentModel, given: pl.DataFrame, found: Mapping[str, str], cohort: str = ""
) -> pl.DataFrame:
    """Given rows of text as the model reads them.

    A row is of the cohort that it names, or of the one with a mixture that agrees with all it says of its kind of play.
    One that fits none or several keeps what it says and is judged with all, as is one that says nothing.

    Returns:
        The measures, cohort, and error: what is wrong with the row, in words; null where nothing is.
    """
    texts = given.with_columns(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    measures = [m.column for m in measures_of(app)]
    values = {name: pl.col(found[name]) if name in found else pl.lit(None, pl.String) for name in measures}
    numbers = texts.select(value.cast(pl.Float64, strict=False).alias(name) for name, value in values.items())
    score = f"{app.segments.score}__{WINDOW_DAYS}"
    faults = [
        pl.when(texts[found[name]].is_not_null() & (numbers[name].is_null() | ~numbers[name].is_finite())).then(
            pl.format("{} is no number: {}", pl.lit(found[name]), texts[found[name]].str.head(40))
        )
        for name in measures
        if name in found
    ]
    faults.append(pl.when(texts[found[score]].is_null()).then(pl.lit(f"{found[score]} is missing")))
    if "age" in found:
        strange = (numbers["age"] < 0) | (numbers["age"] > _OLDEST)
        faults.append(pl.when(strange).then(pl.format("{} is no age: {}", pl.lit(found["age"]), texts[found["age"]])))
    return numbers.select(
        *measures,
        cohort=_cohorts(app, model, texts, found, cohort),
        error=pl.coalesce(faults),
    )


def _cohorts(app: App, model: SegmentModel, texts: pl.DataFrame, found: Mapping[str, str], cohort: str) -> pl.Series:
    """The cohort of each row: one with a mixture, else what it says of its kind of play, or `all`."""
    rows = texts.height
    if COHORT in found:
        named = texts[found[COHORT]].fill_null(cohort or PARENT)
        return pl.Series(named).alias(COHORT)
    parts = [name for name in app.cohorts.by if name in found]
    if cohort or not parts:
        return pl.Series(COHORT, [cohort or PARENT] * rows, dtype=pl.String)
    said = texts.select(pl.col(found[name]).alias(name) for name in parts)
    kinds = said.unique(maintain_order=True)
    told = kinds.with_columns(
        pl.Series(COHORT, [_fitting(app, model, kind) for kind in kinds.iter_rows(named=True)], dtype=pl.String)
    )
    return said.join(told, on=parts, how="left", nulls_equal=True, maintain_order="left")[COHORT]


def _fitting(app: App, model: SegmentModel, said: Mapping[str, str | None]) -> str:
    """The one cohort with a mixture that agrees with what is said of a kind of play, else what is said; or `all`."""
    known = {name: value for name, value in said.items() if value is not None}
    fits = [
        each
        for each in model.cohorts
        if each != PARENT and all(_alike(known[n], p) for n, p in _kind(app, each).items() if n in known)
    ]
    return fits[0] if known and len(fits) == 1 else "/".join(known.values()) or PARENT


def _kind(app: App, cohort: str) -> dict[str, str]:
    return dict(zip(app.cohorts.by, cohort.split("/"), strict=False))


def _alike(given: str, part: str) -> bool:
    """Whether a value says the same as a cohort's: but for case, and '10' is as good as '10 min'."""
    number = re.match(r"[-\d.]+", part)
    same = number is not None and re.fullmatch(r"-?\d+(\.0+)?", given) is not None and float(given) == _float(number[0])
    return given.casefold() == part.casefold() or same


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
