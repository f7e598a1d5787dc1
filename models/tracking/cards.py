"""The page of a version from which a reviewer decides, in Markdown as MLflow shows it."""

import math
from collections.abc import Iterable, Sequence

from configs.nouns import counted
from models.contest.kinds import FEWEST_TOLD, OfKind
from models.contest.outcome import MUCH, Decision
from models.tracking.doubts import doubts_of, is_calibrated
from models.tracking.pages import ModelRun, Shown, took

WIDE = "&nbsp;&nbsp;&nbsp; "  # MLflow's page sets table cells without space between them, and breaks lines at any other
FIGURES = {  # what figures say that every contest has
    "log_loss": "lower is better",
    "log_loss_gain_over_base_rate": "how much less than what saying the same of everybody asked that question costs",
    "auc": "how well answers rank: 0.5 is guessing, 1 is without fault",
    "brier": "mean squared error of the chances; lower is better",
    "calibration_error": "how far what was promised lies from what happened, in the mean",
    "calibration_floor": "as much of it as chance makes of a faultless model, where a player's outcomes go together",
}
DAYS = (  # names of `data_window`, and what is said of them
    ("first", "questions are asked as on days from {} on"),
    ("calibrate_from", "those before {} train"),
    ("test_from", "those before {} calibrate"),
    ("fifth_before", "those before {} train, but for every fifth player, who calibrate"),
    ("over_before", "what was over by {} is learned from, as it would have been to serve then"),
    ("last", "the others, to {}, compare"),
    ("labels_to", "what happened is known to {}"),
)
ROWS = {  # names of `rows`, and what is said of them
    "train": "to train",
    "calibrate": "to calibrate",
    "test": "to compare",
    "served": "over when these begin",
    "refit": "to fit the version that serves",
    "players": "players in them",
    "tonight": "players tonight",
}
CALIBRATED = "**Calibrated**: its error is about what chance alone makes of a faultless model, or less."
AS_SERVED = (
    "Learners compete fitted on earlier rows and recalibrated on later ones, which tells them apart best. What serves "
    "is fitted on all of them and then left as it is. So these figures, those by kind and those beside what serves are "
    "of the winner as it would have served when the later holdout began."
)
REFITTED = " Figures are of the winner as it came from {}; the version that serves has then learned from all."
PLOTS = (  # names of plots, and what they show; others go by their titles
    ("reliability", "What was promised against what happened, on the later holdout"),
    ("contest", "How far the others were behind, on the same rows"),
    ("contributions", "What moves the answers: a dot is an answer, the colour how large the figure is"),
    ("contributions_by_kind", "The same for players who play more or less, in the mean"),
    ("importance", "What the model looks at"),
)
MOST_PLOTS = 6
TO_DECIDE = """### To decide
Move the alias `champion` to the version that should serve from the next night on. The source run has the plots, and
under `tables/` all that was tried and looked at."""


def card_of(run: ModelRun, decision: Decision, run_id: str = "", *, proposed: bool = False) -> str:
    """The version's page, in Markdown, with the decision that was carried out.

    Args:
        run: What is known of the version.
        decision: Whether it serves, and why.
        run_id: MLflow's name of the run that keeps its plots; without it they are not shown.
        proposed: It waits for a person.
    """
    state = "Becomes champion" if decision.promote else "Waits as challenger"
    state = "Waits under the alias `review`" if proposed else state
    limits = "\n".join(f"- {limit}" for limit in run.limits or ("None recorded.",))
    parts = [
        f"{state} when registered: {decision.reason}.",
        f"## {run.question}",
        _moving(run),
        *([doubts_of(run)] if run.rivals else []),
        *([_contest(run)] if run.rivals else []),
        *([_beside(run)] if len(run.gains) > 1 else []),
        *map(_shown, run.shown),
        *([_measures(run)] if run.metrics and not run.shown else []),
        *([_by_kind(run.kinds)] if run.kinds else []),
        _trained_on(run),
        f"### Known limits\n{limits}",
        *([_plots(run, run_id)] if run_id and run.figures else []),
        TO_DECIDE,
    ]
    return "\n\n".join(parts) + "\n"


def _places(widths: Iterable[float], least: int = 3) -> int:
    """Decimals that show the narrowest of some intervals with two digits, 4 at most."""
    known = [width for width in widths if 0 < width < math.inf]
    return min(4, max(least, 1 - math.floor(math.log10(min(known))))) if known else 4


def _whole(cell: str) -> str:
    """A cell that is not broken into lines."""
    return cell.replace(" ", "\u00a0")


def _contest(run: ModelRun) -> str:
    n = _places(rival.behind[2] - rival.behind[1] for rival in run.rivals if rival.behind)
    rows = []
    for rival in sorted(run.rivals, key=lambda r: r.loss):
        called = rival.name.replace("_", " ")
        name = f"**{called}** (chosen)" if rival.name == run.chosen else called
        behind = "{0:+.{3}f} ({1:+.{3}f} to {2:+.{3}f})".format(*rival.behind, n) if rival.behind else ""
        loss = f"{rival.loss:.{n}f}", f"{rival.low:.{n}f} to {rival.high:.{n}f}"
        cells = (*map(_whole, (name, *loss, behind)), rival.does)
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    head = f"| learner | {run.score} | 95 % interval | behind the chosen one | what it is |\n|---|---|---|---|---|\n"
    if run.prefers:
        stays = f"{run.prefers.replace('_', ' ').capitalize()}, which the question prefers,"
        drawn = (
            "by player and by stretch of four weeks; within a single such stretch, by more than the 95 % interval by "
            "player, since what was better in one season need not be in the next (docs/choices.md)"
        )
    else:
        stays, drawn = "The simpler learner", "by player"
    asked = f"{counted(run.rows['test'], 'row')} of {counted(run.players, 'player')}" if run.players else "rows"
    told = (
        f"Asked of all were the same {asked}, later than what they learned from. Log loss is the mean of -ln of the "
        "chance given to what happened; lower is better. How far a learner is behind (below zero: ahead) is told on "
        "the same rows, so it can tell apart what the intervals of each, of players drawn anew, cannot. "
        f"{stays} stays unless another is better by more than the standard error of that, {drawn}."
    )
    return f"### Contest on the later holdout\n{head}" + "\n".join(rows) + f"\n\n{told}"


def _beside(run: ModelRun) -> str:
    """How it does beside the base rate and what serves."""
    n = _places(high - low for _, low, high in run.gains.values())
    rows = [
        f"| {name} |{WIDE}{mean:+.{n}f}{WIDE}| {low:+.{n}f} to {high:+.{n}f} |"
        for name, (mean, low, high) in _gains(run)
    ]
    head = (
        f"### Beside what serves and the base rate\n| beside | {run.score} less by | 95 % interval |\n|---|---|---|\n"
    )
    told = head + "\n".join(rows) + "\n\nAbove zero is better; an interval that holds zero proves no difference."
    if run.beside is None:
        return told
    name, pairs = run.beside
    lines = [f"| {what} |{WIDE}{ours}{WIDE}| {theirs} |" for what, ours, theirs in pairs]
    asked = f"{name.capitalize()} was asked about the rows of the later holdout that it had not learned from, either."
    return f"{told}\n\n| | this one | {name} |\n|---|---|---|\n" + "\n".join(lines) + f"\n\n{asked}"


def _gains(run: ModelRun) -> list[tuple[str, tuple[float, float, float]]]:
    """What serves first."""
    return sorted(run.gains.items(), key=lambda gain: gain[0] == "the base rate")


def _shown(table: Shown) -> str:
    head = [name.replace("_", " ") for name in table.rows.columns]
    lines = [f"| {f'{WIDE}| '.join(head)} |", "|---" * len(head) + "|"]
    lines += [
        "| " + f"{WIDE}| ".join("" if cell is None else str(cell) for cell in row) + " |" for row in table.rows.rows()
    ]
    return f"### {table.title}\n" + "\n".join(lines) + f"\n\n{table.told}"


def _measures(run: ModelRun) -> str:
    rows, notes = [], {**FIGURES, **run.notes}
    for name, measured in run.metrics.items():
        value, *ends = measured if isinstance(measured, tuple) else (measured,)
        known = bool(ends) and all(map(math.isfinite, ends))
        n = _places([ends[1] - ends[0]]) if known else 3 if abs(value) >= 0.01 else 4
        shown = f"{ends[0]:.{n}f} to {ends[1]:.{n}f}" if known else ""
        whole = math.isfinite(value) and value == round(value) and abs(value) >= 1
        told = f"{value:,.0f}" if whole else f"{value:,.{n}f}" if math.isfinite(value) else "not known"
        cells = (name.replace("_", " "), told, _whole(shown), notes.get(name.partition("/")[0], ""))
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    head = "### Figures of the chosen one\n| figure | value | 95 % interval | what it says |\n|---|---|---|---|\n"
    told = "Intervals are of players drawn anew; where there is none, none was worked out."
    if "served" in run.rows:
        told = f"{AS_SERVED} {told}"
    held = [CALIBRATED] if is_calibrated(run.metrics) else []
    return "\n\n".join([head + "\n".join(rows), *held, told])


def _by_kind(kinds: Sequence[OfKind]) -> str:
    head = (
        "### By kind of player and question\n"
        f"| kind | rows{WIDE}| players{WIDE}| promised{WIDE}| happened{WIDE}| log loss{WIDE}| "
        "better than the base rate |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    n = _places((each.happened[2] - each.happened[1] for each in kinds), 2)
    m = _places(each.ahead[2] - each.ahead[1] for each in kinds)
    rows = []
    for each in kinds:
        happened = "{0:.{3}f} ({1:.{3}f} to {2:.{3}f})".format(*each.happened, n) + (" \\*" if each.off else "")
        ahead = "{0:+.{3}f} ({1:+.{3}f} to {2:+.{3}f})".format(*each.ahead, m)
        counts = f"{each.rows:,}", f"{each.players:,}"
        cells = (each.name, *counts, f"{each.promised:.{n}f}", _whole(happened), f"{each.loss:.{m}f}", _whole(ahead))
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    told = ""
    if any(each.off for each in kinds):
        told = (
            "\\* what happened differs from what was promised beyond the noise of these players, row by row: that "
            "says more than the interval of what happened, which also holds that promises differ. Of 20 kinds that are "
            "promised rightly one is marked by chance. "
        )
    told += f"Left out are kinds that came true, and were expected to, fewer than {FEWEST_TOLD:.0f} times."
    return head + "\n".join(rows) + f"\n\n{told}"


def _plots(run: ModelRun, run_id: str) -> str:
    """Pictures of the run, which MLflow's page gets where it gets what is under Artifacts."""
    said = dict(PLOTS)
    names = [name for name, _ in PLOTS if name in run.figures]
    names += [name for name in run.figures if name not in said]
    drawn = [
        f"{said.get(name, '')}\n\n![{name}](get-artifact?path=plots/{name}.png&run_uuid={run_id})".strip()
        for name in names[:MOST_PLOTS]
    ]
    more = len(names) - len(drawn)
    left = [f"{counted(more, 'plot')} more: under `plots/` of the source run."] if more else []
    return "\n\n".join(["### Plots", *drawn, *left])


def _moving(run: ModelRun) -> str:
    """What moving the alias changes: for whom and how much."""
    if run.changes:
        told = run.changes
    elif run.moved is None:
        told = "No version that can answer served this question when it was trained, so nothing can be set beside it."
    else:
        name, moved = run.moved
        told = (
            f"Beside {name}, which served, on the {moved.rows:,} rows of the later holdout: the mean answer goes from "
            f"{moved.before:.3f} to {moved.after:.3f}; an answer moves by {moved.apart:.3f} in the mean, and "
            f"{moved.much:.1%} of them by {MUCH:g} or more; of the tenth with the highest answers "
            f"{moved.stay:.0%} stay the same."
        )
    parts = (run.used_for, told, "It holds from the next night on; what is out stays as it is.")
    return "### What moving the alias changes\n" + " ".join(part for part in parts if part)


def _trained_on(run: ModelRun) -> str:
    window = run.data_window
    told = [said.format(window[name].isoformat()) for name, said in DAYS if name in window]
    if run.shown and not run.rivals:  # nothing is held out
        told = [f"{day:%Y-%m-%d}" for day in (min(window.values()), max(window.values()))]
        told = [" to ".join(told)]
    rows = ", ".join(f"{n:,} {ROWS.get(name, name)}" for name, n in run.rows.items())
    first = "those that were over" if "served" in run.rows else f"the first{' two' if 'calibrate' in run.rows else ''}"
    rows += f".{REFITTED.format(first)}" if "refit" in run.rows else ""
    cost = ""
    if run.cost:
        fit, rows_s, asked = took(run.cost.fit_s), f"{run.cost.rows:,} rows", took(run.cost.answer_s)
        cost = f"\n- Cost: {fit} of processors to fit on {rows_s}, {asked} to answer a million"
    return (
        f"### Trained on\n- Days: {'; '.join(told) or 'not recorded'}\n- Rows: {rows or 'not recorded'}\n"
        f"- App file `{run.app_hash[:12]}`, code `{run.code_version}`{cost}"
    )
