"""What a version's page tells first of its figures: whatever speaks against the version."""

import math
from collections.abc import Iterator, Mapping, Sequence

from models.contest.kinds import ALL, OfKind
from models.contest.scores import AHEAD_OF, Measured
from models.tracking.pages import ModelRun

_NEAR = 1.5  # times the calibration error that chance makes; up to it the two are alike
NONE_FOUND = "Of what is looked at below, nothing."


def doubts_of(run: ModelRun) -> str:
    """A list of what speaks against a version that came of a contest, in Markdown."""
    told = [*_beside(run), *_calibration(run.metrics, run.kinds), *_kinds(run), *_ahead(run.metrics)]
    return "### What speaks against it\n" + ("\n".join(f"- {each}" for each in told) or NONE_FOUND)


def is_calibrated(metrics: Mapping[str, Measured]) -> bool | None:
    """Whether promises are off by about as much as chance makes, or less; None where that was not measured."""
    found = _errors(metrics)
    return None if found is None else found[0] <= _NEAR * found[1]


def _errors(metrics: Mapping[str, Measured]) -> tuple[float, float] | None:
    """The calibration error, and what chance alone makes of it."""
    error, floor = metrics.get("calibration_error"), metrics.get("calibration_floor")
    return (error, floor) if isinstance(error, float) and isinstance(floor, float) and 0 < floor < math.inf else None


def _beside(run: ModelRun) -> Iterator[str]:
    """What it is not better than: what serves, and the base rate."""
    for name, (_, low, high) in run.gains.items():
        if high < 0:
            yield f"**Worse than {name}** beyond noise."
        elif low <= 0:
            yield f"Not shown to be better than {name}."
    if run.moved is not None and run.moved[0] not in run.gains:
        yield f"**Never compared** with {run.moved[0]}, which serves: too few of the later rows are new to it."


def _calibration(metrics: Mapping[str, Measured], kinds: Sequence[OfKind]) -> Iterator[str]:
    found = _errors(metrics)
    if found is None or is_calibrated(metrics):
        return
    error, floor = found
    told = (
        f"**Off by more than chance** on these later days: its calibration error, {error:.3f}, is {error / floor:.1f} "
        "times what chance alone makes of a faultless model."
    )
    level = [_gap(each) for each in kinds if each.name == ALL and abs(each.promised - each.happened[0]) >= error / 2]
    if level:
        told += f" Most of it is the level of these days: of all questions, {level[0]}."
    off = [f"{each.name} ({_gap(each)})" for each in kinds if each.off and each.name != ALL]
    if off:
        told += f" That concerns {'; '.join(off)}."
    elif len(kinds) > 1:
        told += " No kind below is off beyond its own noise."
    yield told


def _gap(kind: OfKind) -> str:
    return f"{kind.promised:.2g} promised, {kind.happened[0]:.2g} happened"


def _kinds(run: ModelRun) -> Iterator[str]:
    """For whom it is no better than the base rate, and what it was never held against."""
    worse = [each.name for each in run.kinds if each.ahead[2] < 0]
    if worse:
        yield f"**Worse than the base rate** beyond noise for: {'; '.join(worse)}."
    weak = [each.name for each in run.kinds if each.ahead[1] <= 0 <= each.ahead[2]]
    if weak:
        yield f"Not shown to be better than the base rate for: {'; '.join(weak)}."
    if run.never_held:
        yield f"**Never compared**, as none of the later rows asks of it: {'; '.join(run.never_held)}."


def _ahead(metrics: Mapping[str, Measured]) -> Iterator[str]:
    """Figures by which it is not shown to be better than a simple answer."""
    for name, measured in metrics.items():
        figure, ahead, other = (part.replace("_", " ") for part in name.partition(AHEAD_OF))
        if not ahead or not isinstance(measured, tuple) or not measured[1] <= 0:
            continue
        mean, low, high = measured
        by = f"by {abs(mean):.3f} ({low:+.3f} to {high:+.3f})"
        yield f"**Behind {other}** in {figure}, {by}." if high < 0 else f"Not shown to be ahead of {other} in {figure}."
