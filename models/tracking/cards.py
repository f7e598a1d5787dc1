"""The page of a version from which a reviewer decides, in Markdown as MLflow shows it."""

import math
from collections.abc import Mapping, Sequence

from models.contest.kinds import OfKind
from models.contest.outcome import MUCH, Decision
from models.contest.scores import Measured
from models.tracking.pages import ModelRun, Shown

WIDE = " &emsp; "  # MLflow's page sets table cells without space between them
FIGURES = {  # what figures say that every contest has
    "log_loss": "lower is better",
    "log_loss_gain_over_base_rate": "how much less than what saying the same of everybody costs",
    "auc": "how well answers rank: 0.5 is guessing, 1 is without fault",
    "brier": "mean squared error of the chances; lower is better",
    "calibration_error": "how far what was promised lies from what happened, in the mean",
    "calibration_floor": "as much of it as chance alone makes of a faultless model and as many rows",
}
DAYS = (  # names of `data_window`, and what is said of them
    ("first", "looks back from days since {}"),
    ("calibrate_from", "trains on those before {}"),
    ("test_from", "calibrates on those before {}"),
    ("last", "is compared on the others, to {}"),
    ("labels_to", "knows what happened to {}"),
)

COMPARED = "what was promised against what was kept, what the model looks at and how the rivals did"
TO_DECIDE = """### To decide
Open the source run: its plots show {}. Then move the alias `champion` to the version that should serve from the next
night on."""


def card_of(run: ModelRun, decision: Decision, *, proposed: bool = False) -> str:
    """The version's page, in Markdown, with the decision that was carried out; `proposed`: it waits for a person."""
    state = "becomes champion" if decision.promote else "waits as challenger"
    state = "waits under the alias `review`" if proposed else state
    limits = "\n".join(f"- {limit}" for limit in run.limits or ("None recorded.",))
    parts = [
        f"At registration it **{state}**: {decision.reason}.",
        f"## {run.question}",
        _moving(run),
        *([_contest(run)] if run.rivals else []),
        *([_beside(run)] if run.gains else []),
        *map(_shown, run.shown),
        *([_measures(run.metrics, {**FIGURES, **run.notes})] if run.metrics and not run.shown else []),
        *([_by_kind(run.kinds)] if run.kinds else []),
        _trained_on(run),
        f"### Known limits\n{limits}",
        TO_DECIDE.format(COMPARED if run.rivals else "what came of the fit"),
    ]
    return "\n\n".join(parts) + "\n"


def _contest(run: ModelRun) -> str:
    rows = []
    for rival in sorted(run.rivals, key=lambda r: r.loss):
        called = rival.name.replace("_", " ")
        name = f"**{called}** (chosen)" if rival.name == run.chosen else called
        behind = "{:+.4f} ({:+.4f} to {:+.4f})".format(*rival.behind) if rival.behind else ""
        rows.append(f"| {name} |{WIDE}{rival.loss:.4f}{WIDE}| {rival.low:.4f} to {rival.high:.4f}{WIDE}| {behind} |")
    head = f"| learner | {run.score} | 95 % interval | behind the chosen one |\n|---|---|---|---|\n"
    if run.prefers:
        stays = f"{run.prefers.replace('_', ' ').capitalize()}, which the question prefers,"
        drawn = (
            "by player and by stretch of four weeks. Within a single such stretch it stays whatever the others show, "
            "since what was better in one season need not be in the next (docs/evidence.md)"
        )
    else:
        stays, drawn = "The simpler learner", "by player"
    told = (
        "Lower is better. The last column compares on the same rows, so it can tell apart what the intervals cannot. "
        f"{stays} stays unless another is better by more than the standard error of that, {drawn}."
    )
    return f"### Contest on the later holdout\n{head}" + "\n".join(rows) + f"\n\n{told}"


def _beside(run: ModelRun) -> str:
    """How it does beside the base rate and what serves."""
    rows = [
        f"| {name} |{WIDE}{mean:+.4f}{WIDE}| {low:+.4f} to {high:+.4f} |" for name, (mean, low, high) in _gains(run)
    ]
    head = (
        f"### Beside what serves and the base rate\n| beside | {run.score} less by | 95 % interval |\n|---|---|---|\n"
    )
    told = head + "\n".join(rows) + "\n\nAbove zero is better; an interval that holds zero proves no difference."
    if run.beside is None:
        return told
    name, pairs = run.beside
    lines = [f"| {what} |{WIDE}{ours}{WIDE}| {theirs} |" for what, ours, theirs in pairs]
    return f"{told}\n\n| | this one | {name} |\n|---|---|---|\n" + "\n".join(lines)


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


def _measures(metrics: Mapping[str, Measured], notes: Mapping[str, str]) -> str:
    rows = []
    for name, measured in metrics.items():
        value, *ends = measured if isinstance(measured, tuple) else (measured,)
        shown = f"{ends[0]:.4f} to {ends[1]:.4f}" if ends and all(map(math.isfinite, ends)) else ""
        told = f"{value:,.0f}" if value == round(value) and abs(value) >= 1 else f"{value:,.4f}"
        cells = (name.replace("_", " "), told, shown, notes.get(name.partition("/")[0], ""))
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    head = "### Figures of the chosen one\n| figure | value | 95 % interval | what it says |\n|---|---|---|---|\n"
    return head + "\n".join(rows)


def _by_kind(kinds: Sequence[OfKind]) -> str:
    head = (
        "### By kind of player and question\n"
        "| kind | rows | promised | happened | log loss | better than the base rate |\n|---|---|---|---|---|---|\n"
    )
    rows = []
    for each in kinds:
        happened = "{:.3f} ({:.3f} to {:.3f})".format(*each.happened) + (" \\*" if each.off else "")
        ahead = "{:+.4f} ({:+.4f} to {:+.4f})".format(*each.ahead)
        cells = (each.name, f"{each.rows:,}", f"{each.promised:.3f}", happened, f"{each.loss:.4f}", ahead)
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    told = "\\* what happened differs from what was promised beyond the noise of these players."
    return head + "\n".join(rows) + (f"\n\n{told}" if any(each.off for each in kinds) else "")


def _moving(run: ModelRun) -> str:
    """What moving the alias changes: for whom and how much."""
    if run.moved is None and not run.rivals:
        told = "Its answers were not set beside those of what serves: compare the plots of both versions' runs."
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
    rows = ", ".join(f"{name} {n:,}" for name, n in run.rows.items())
    cost = ""
    if run.cost:
        fit, rows_s, asked = f"{run.cost.fit_s:.1f} s", f"{run.cost.rows:,} rows", f"{run.cost.answer_s:.1f} s"
        cost = f"\n- Cost: {fit} of processors to fit on {rows_s}, {asked} to answer a million"
    return (
        f"### Trained on\n- Days: {'; '.join(told) or 'not recorded'}\n- Rows: {rows or 'not recorded'}\n"
        f"- App file `{run.app_hash[:12]}`, code `{run.code_version}`{cost}"
    )
