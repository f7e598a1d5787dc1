"""Pictures a reviewer decides from, drawn without pyplot, so nothing is shared, shown or leaked; in Okabe-Ito colours.

Okabe and Ito (2008, "Color Universal Design") chose them to stay apart for colour-blind readers; shape and position
carry the same message as colour throughout.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from configs.nouns import counted
from data.whole_files import whole_file
from models.contest.kinds import Mask
from models.contest.scores import Clusters, calibration_error, calibration_floor, clustered_floor, reliability_table

Array = NDArray[np.float64]
BLUE, ORANGE, GREEN, SKY, PURPLE, RED = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#CC79A7", "#D55E00"
INK, FAINT = "#333333", "#B8B8B8"
_SEED = 7
_RARE = 0.05  # of promises in the mean: little happens, and what does is expected of few
_MARKS = (0, 0.002, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1)  # of an axis that widens towards zero
_LETTERS = 9  # of a title, to the inch
_WIDEST = 6.6  # inches that MLflow's page shows of a picture beside its assistant, in a window of 1,400 points
LINES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"), (RED, "P"))


def reliability_plot(
    y: Array,
    p: Array,
    clusters: Clusters | None = None,
    *,
    title: str,
    bins: int = 10,
    groups: tuple[str, pl.DataFrame] | None = None,
) -> Figure:
    """Kept against promised in ten bins with 95 % intervals, over a histogram of the promises.

    Bins have as many rows each; where little happens as many expected to happen, on axes that widen towards zero.

    Args:
        y: Outcomes, 0 or 1, shape (n,).
        p: Probabilities promised, shape (n,).
        clusters: Players, shape (n,), so that the intervals know whose rows belong together.
        title: What was promised.
        bins: Equal-mass bins.
        groups: What else the promises are held against: a name, and promised, kept, low and high of each group.
    """
    rare = bool(np.mean(p) < _RARE)
    table = reliability_table(y, p, clusters, bins, rare=rare)
    end = min(1.0, 1.1 * float(table.select("high", "promised").to_numpy().max())) if rare else 1.0
    figure, (upper, lower) = _canvas(6.2, 6.6, rows=2, heights=(4, 1))
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle="--", label="promise kept exactly")
    _dots(upper, table["promised"], table, color=BLUE, label="kept, with 95 % interval")
    if groups is not None:
        _dots(upper, groups[1]["promised"], groups[1], color=ORANGE, label=groups[0])
    error = calibration_error(y, p, bins)
    floor = calibration_floor(p, bins) if clusters is None else clustered_floor(y, p, clusters, bins)
    chance = "by chance alone" if clusters is None else "by chance, by player"
    upper.set(xlim=(0, end), ylim=(0, end), ylabel="kept", aspect="auto")
    upper.legend(loc="upper left", frameon=False)
    told = f"{counted(len(y), 'promise')}\ncalibration error {error:.3f}\n{chance} {floor:.3f}"
    upper.text(0.98, 0.03, told, transform=upper.transAxes, ha="right", va="bottom", color=INK)
    _promises(lower, p, end, rare=rare)
    if rare:  # near zero there is most to be seen
        for set_scale in (upper.set_xscale, upper.set_yscale, lower.set_xscale):
            set_scale("function", functions=(_root, np.square))
    for axis in (upper.xaxis, upper.yaxis, lower.xaxis):
        if rare:
            axis.set_major_locator(FixedLocator([mark for mark in _MARKS if mark <= end]))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    upper.tick_params(labelbottom=False)
    return _titled(figure, title)


def _promises(axes: Axes, p: Array, end: float, *, rare: bool) -> None:
    """A histogram of the promises up to an end."""
    edges = np.linspace(0, np.sqrt(end), 41) ** 2 if rare else np.linspace(0, end, 41)
    axes.hist(p, bins=edges.tolist(), color=SKY, edgecolor="white", linewidth=0.4)
    beyond = int((p > end).sum())
    axes.set(xlim=(0, end), xlabel=f"promised ({beyond:,} more are beyond)" if beyond else "promised")
    axes.set_ylabel("promises")
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))


def importance_plot(importance: Mapping[str, float], *, title: str, top: int = 20) -> Figure:
    """Bars of the `top` things looked at by share of importance, largest first."""
    ranked = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:top]
    figure, (axes,) = _canvas(_WIDEST, 1.2 + 0.42 * max(len(ranked), 1))
    names, shares = [_line(name) for name, _ in ranked], [share for _, share in ranked]
    axes.barh(names, shares, color=BLUE, height=0.7)
    axes.invert_yaxis()
    axes.set_xlabel("share of importance")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y", visible=False)
    left = len(importance) - len(ranked)
    return _titled(figure, f"{title} (first {top} of {len(importance)})" if left else title)


def contributions_plot(contributions: pl.DataFrame, features: pl.DataFrame, *, title: str, top: int = 15) -> Figure:
    """SHAP's beeswarm: how far each thing looked at moves each answer, a dot a row, coloured by its figure.

    Args:
        contributions: In log-odds, a column for each thing, see `models.explain.reasons.moved_by_kind`.
        features: The figures, columns alike; null is grey.
        title: What is answered.
        top: Things shown, the others added up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap  # noqa: PLC0415 (it takes seconds, and only training draws this)

        figure, (axes,) = _canvas(_WIDEST, 1.6 + 0.42 * min(top, contributions.width))
        values = features.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        names = [_line(name) for name in contributions.columns]
        told = shap.Explanation(contributions.to_numpy(), data=values, feature_names=names)
        with _same_luck():
            shap.plots.beeswarm(told, max_display=top, ax=axes, plot_size=None, show=False)
    axes.tick_params(axis="y", labelsize=9)
    for beside in (each for each in figure.axes if each is not axes):
        beside.set_ylabel("its figure", fontsize=9)
    axes.set_xlabel("what it adds to the log-odds (right: likelier); grey: no one figure tells it", fontsize=9)
    return _titled(figure, title)


def kinds_plot(contributions: pl.DataFrame, kinds: Mapping[str, Mask], *, title: str, top: int = 12) -> Figure:
    """How far things looked at move answers in the mean, up or down, for each kind of players: darker is farther.

    Args:
        contributions: In log-odds, a column for each thing, n rows.
        kinds: Which rows are of each kind, shape (n,).
        title: What is answered.
        top: Things shown, those that move all answers farthest.
    """
    moved = np.abs(contributions.to_numpy())
    farthest = np.argsort(-moved.mean(axis=0), kind="stable")[:top]
    names = [contributions.columns[place] for place in farthest]
    means = np.stack([moved[here][:, farthest].mean(axis=0) for here in kinds.values()], axis=1)
    figure, (axes,) = _canvas(min(3.4 + 1.1 * len(kinds), _WIDEST), 1.8 + 0.42 * len(names))
    axes.imshow(means, cmap="Blues", aspect="auto", vmin=0)
    for (row, column), mean in np.ndenumerate(means):
        dark = mean > 0.6 * means.max()
        axes.text(column, row, f"{mean:.2f}", ha="center", va="center", color="white" if dark else INK)
    axes.set_xticks(range(len(kinds)), [fill(name, 12) for name in kinds])
    axes.set_yticks(range(len(names)), [_line(name) for name in names])
    axes.set_xlabel("how far it moves the log-odds, up or down")
    axes.grid(visible=False)
    return _titled(figure, title)


def contest_plot(entrants: Sequence[tuple[str, float, float, float, float]], *, title: str, chosen: str) -> Figure:
    """How far each learner was behind the chosen one on the same rows of the holdout, with its interval.

    Args:
        entrants: Name, log loss, how much more that is than the chosen one's, low, high.
        title: The task.
        chosen: The name of the winner.
    """
    ranked = sorted(entrants, key=lambda entrant: entrant[1])
    figure, (axes,) = _canvas(_WIDEST, 1.4 + 0.45 * len(ranked))
    axes.axvline(0, color=FAINT, linewidth=1.2, linestyle="--")
    for place, (name, _, behind, low, high) in enumerate(ranked):
        color, marker = (BLUE, "o") if name == chosen else ("#7A7A7A", "s")
        axes.errorbar(behind, place, xerr=_reach(behind, low, high), fmt=marker, color=color, capsize=3)
    called = [f"{n.replace('_', ' ')}{' (chosen)' if n == chosen else ''}  {loss:.4f}" for n, loss, *_ in ranked]
    axes.set_yticks(range(len(ranked)), called)
    said = "log loss more than the chosen one's on the same later rows, 95 % interval (left is better)"
    axes.set(ylim=(len(ranked) - 0.5, -0.5))
    axes.xaxis.set_major_locator(MaxNLocator(6))  # four decimals need room
    figure.supxlabel(said, fontsize=9)
    return _titled(figure, title)


def mixtures_plot(trials: pl.DataFrame, *, title: str, chosen: tuple[int, float] | None = None) -> Figure:
    """What mixtures say of players left out, against the number of components, a line for each kind of covariance.

    Args:
        trials: components, covariance, held_out; one row per mixture tried, of which the best of a kind are drawn.
        title: The cohort.
        chosen: Components and held_out of the mixture that serves.
    """
    figure, (axes,) = _canvas(6.6, 4.2)
    for (color, marker), (kind, rows) in zip(LINES, _groups(trials, "covariance"), strict=False):
        line = rows.group_by("components").agg(pl.col("held_out").max()).sort("components")
        axes.plot(line["components"], line["held_out"], color=color, marker=marker, linewidth=1.5, label=kind)
    if chosen is not None:
        axes.plot(*chosen, "o", ms=16, mfc="none", mec=INK, mew=1.6, label="chosen")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="components", ylabel="log-density of players left out (higher is better)")
    axes.legend(frameon=False, title="covariance", loc="center left", bbox_to_anchor=(1, 0.5))
    return _titled(figure, title)


def segments_plot(members: pl.DataFrame, *, levels: Sequence[str], score: str, title: str) -> Figure:
    """How the score spreads in each segment (5, 25, 50, 75, 95 %), and how many players are in it.

    Args:
        members: segment, score; one row per player, the score null of who has none.
        levels: Segment names from weakest to strongest.
        score: What the score is called.
        title: The cohort.
    """
    figure, (axes,) = _canvas(6.6, 1.4 + 0.6 * len(levels))
    labels = []
    for place, level in enumerate(levels):
        there = members.filter(pl.col("segment") == level)["score"]
        values = there.drop_nulls().to_numpy()
        labels.append(f"{level}\n{counted(len(there), 'player')}")
        if len(values):
            outer, low, middle, high, upper = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
            axes.plot([outer, upper], [place, place], color=BLUE, linewidth=1.2)
            axes.plot([low, high], [place, place], color=BLUE, linewidth=9, alpha=0.45, solid_capstyle="butt")
            axes.plot(middle, place, "o", color=BLUE, markersize=7)
    axes.set_yticks(range(len(levels)), labels)
    axes.set(ylim=(-0.6, len(levels) - 0.4), xlabel=f"{score}\n(dot: median; thick: middle half; thin: 5 to 95 %)")
    return _titled(figure, title)


def looks_plot(looks: pl.DataFrame, *, title: str, first: str, share: bool) -> Figure:
    """The difference of each arm to the first one as it stood day by day, with the interval that holds at every look.

    Args:
        looks: arm, known_on (date), difference, low, high, always_low, always_high.
        title: The experiment.
        first: The arm compared with.
        share: Whether the difference is one of shares.
    """
    figure, (axes,) = _canvas(7.6, 4.4)
    axes.axhline(0, color=FAINT, linewidth=1.2, linestyle="--")
    for (color, marker), (arm, rows) in zip(LINES, _groups(looks, "arm"), strict=False):
        days, label = rows["known_on"].to_list(), f"{arm} against {first}"
        axes.plot(days, rows["difference"], color=color, marker=marker, markersize=4, linewidth=1.5, label=label)
        axes.fill_between(days, rows["always_low"], rows["always_high"], color=color, alpha=0.12, linewidth=0)
        for end in ("low", "high"):
            axes.plot(days, rows[end], color=color, linewidth=0.8, linestyle=":")
    narrow = looks.filter(pl.col("always_high") - pl.col("always_low") < 4 * (pl.col("high") - pl.col("low")))
    if narrow.height:
        reach = float(np.abs(narrow.select("always_low", "always_high").to_numpy()).max())
        axes.set_ylim(-1.1 * reach, 1.1 * reach)
    axes.set_ylabel("difference")
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    ticks = AutoDateLocator(minticks=2, maxticks=8, interval_multiples=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))  # type: ignore[no-untyped-call]
    axes.set_xlabel("band: 95 % at every look; dotted: 95 % for one look planned ahead", color=INK, fontsize=9)
    if looks.height:
        axes.legend(frameon=False, loc="best")
    return _titled(figure, title)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a PNG whole or not at all; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()  # once, where savefig draws a second time for the layout
    plain: Any = {"Software": None}
    with whole_file(path) as part:
        imsave(part, canvas.buffer_rgba(), format="png", dpi=figure.dpi, metadata=plain)
    return path


def _canvas(width: float, height: float, rows: int = 1, heights: tuple[int, ...] = (1,)) -> tuple[Figure, list[Axes]]:
    """A figure with quiet axes stacked over one another; sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(rows, 1, squeeze=False, height_ratios=list(heights))[:, 0])
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(FAINT)
        one.grid(color="#EAEAEA", linewidth=0.8)
        one.set_axisbelow(True)
        one.tick_params(colors=INK, labelsize=9, length=0)
    return figure, axes


@contextmanager
def _same_luck() -> Iterator[None]:
    """NumPy's global luck, by which shap scatters dots that lie alike: the same each time, and afterwards as it was."""
    before = np.random.get_state()  # noqa: NPY002 (shap takes no generator)
    np.random.set_state(np.random.RandomState(_SEED).get_state())  # noqa: NPY002 (np.random.seed cannot be undone)
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _root(values: Array) -> Array:
    root: Array = np.sqrt(np.maximum(values, 0.0))
    return root


def _line(name: str) -> str:
    """A name at the side of a plot, in lines that leave room for the plot."""
    return fill(name.replace("_", " "), 36)


def _dots(axes: Axes, x: pl.Series, table: pl.DataFrame, *, color: str, label: str) -> None:
    kept, low, high = (table[name].to_numpy() for name in ("kept", "low", "high"))
    axes.errorbar(x, kept, yerr=_reach(kept, low, high), fmt="o", color=color, capsize=3, markersize=6, label=label)


def _reach(middle: Array | float, low: Array | float, high: Array | float) -> Array:
    """Lengths of an interval's two arms, shape (2, n); an end that is not finite is not drawn."""
    below, above = np.atleast_1d(np.subtract(middle, low)), np.atleast_1d(np.subtract(high, middle))
    arms = np.stack([below, above])
    return np.where(np.isfinite(arms), np.maximum(arms, 0.0), 0.0)


def _groups(frame: pl.DataFrame, by: str) -> list[tuple[str, pl.DataFrame]]:
    return [(name, frame.filter(pl.col(by) == name)) for name in sorted(frame[by].unique().to_list())]


def _titled(figure: Figure, title: str) -> Figure:
    width = int(_LETTERS * figure.get_figwidth())
    title = "\n".join(fill(line, width) for line in title.splitlines())
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold", color=INK)
    return figure
