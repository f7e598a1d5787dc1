"""Whether a contest's winner should serve: against the base rate, and against the model that serves.

What serves stays unless the winner is better beyond doubt, no worse calibrated, and worse for no kind of players. The
doubt allowed is spent over all tries against one model, so that luck alone promotes hardly ever, however often it is
tried.
"""

import datetime as dt
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.contest.kinds import FEWEST_TOLD, Mask, kinds_of
from models.contest.outcome import MUCH, Decision, Moved
from models.contest.scores import calibration_error, clustered_interval, clustered_mean, log_losses

Answers = Callable[[pl.DataFrame], NDArray[np.float64]]
Gain = tuple[float, float, float]  # a mean, and the low and high of its player-clustered 95 % interval
FEWEST_FAIR = 300
DOUBT = 0.05  # that a model no better than the one that serves is ever promoted over it, however often one is tried
WORSE_CALIBRATED = 0.005
FEWEST_OF_A_KIND = 30  # players


@dataclass(frozen=True)
class Incumbent:
    """The champion of a task.

    Attributes:
        name: For people: `version 3`.
        model: None where it cannot serve any more.
        trained_to: The last day that it knew.
        gone: Why it cannot serve any more, as the end of a sentence about it; empty where it can.
        version: In the registry.
        tries: How often others were compared with it before.
        players: Of how many a night asks it.
        scoring_s: How long that may take, in seconds of the processor.
    """

    name: str
    model: Any
    trained_to: dt.date
    gone: str = ""
    version: int = 0
    tries: int = 0
    players: int = 0
    scoring_s: float = math.inf


@dataclass(frozen=True)
class Against:
    """A contest's winner against the incumbent.

    Attributes:
        name: The incumbent's.
        rows: Rows of the later holdout that the incumbent had not seen either.
        gain: Mean log-loss of the incumbent less the winner's on them; None where there are fewer than FEWEST_FAIR.
        gone: See `Incumbent`.
        doubt: How likely so great a gain is where there is none.
        allowed: How much doubt this try may have.
        calibration: The calibration error of the winner and of the incumbent.
        worse: Kinds of players or questions for which the winner is worse beyond doubt.
        challenges: The incumbent's version, and how often it was compared with others before; None: it was not now.
        seconds: Of the processor, to ask the winner, and the incumbent, of a night's players.
        allowed_s: How long that may take.
        moved: What changes if the winner serves instead; None where the incumbent cannot serve any more.
    """

    name: str
    rows: int
    gain: Gain | None
    gone: str = ""
    doubt: float = 0.0
    allowed: float = DOUBT
    calibration: tuple[float, float] = (0.0, 0.0)
    worse: tuple[str, ...] = ()
    challenges: tuple[int, int] | None = None
    seconds: tuple[float, float] = (0.0, 0.0)
    allowed_s: float = math.inf
    moved: Moved | None = None


def compare(
    incumbent: Incumbent,
    test: pl.DataFrame,
    label: str,
    promised: NDArray[Any],
    seen_by: Callable[[Any, pl.DataFrame], pl.DataFrame],
    winner: Answers,
    kinds: Callable[[pl.DataFrame], Mapping[str, Mask]] = kinds_of,
) -> Against:
    """How the winner of a contest does against the incumbent, on rows whose day the incumbent had not seen.

    Args:
        incumbent: The model that serves.
        test: The contest's later holdout: player_key, base_day, the label and what a model looks at.
        label: The column with what happened, 0 or 1.
        promised: What the winner promised for each row.
        seen_by: (model, rows) to the rows as the model looks at them, in the same order.
        winner: Answers rows as it would serve, having learned from all; `promised` is of before it had.
        kinds: Of players and questions, by name: which rows are of each.
    """
    if incumbent.gone:
        return Against(incumbent.name, 0, None, incumbent.gone)
    theirs, their_s = _timed(incumbent.model.predict, seen_by(incumbent.model, test))
    served, our_s = _timed(winner, test)
    moved = moved_between(theirs, served)
    fair = (test["base_day"] > incumbent.trained_to).to_numpy()
    rows, ours, theirs = test.filter(fair), promised[fair], theirs[fair]
    if rows.height < FEWEST_FAIR:
        return Against(incumbent.name, rows.height, None, moved=moved)
    a_night = incumbent.players / max(test.select("player_key", "base_day").n_unique(), 1)
    y, players = rows[label].to_numpy().astype(float), rows["player_key"].to_numpy()
    gains = log_losses(y, theirs) - log_losses(y, ours)
    return Against(
        name=incumbent.name,
        rows=rows.height,
        gain=with_interval(gains, players),
        doubt=chance_of_gain(gains, players),
        allowed=allowed_doubt(incumbent.tries + 1),
        calibration=(calibration_error(y, ours), calibration_error(y, theirs)),
        worse=worse_kinds(gains, players, {name: here for name, here in kinds(rows).items() if _told_by(y[here])}),
        challenges=(incumbent.version, incumbent.tries),
        seconds=(our_s * a_night, their_s * a_night),
        allowed_s=incumbent.scoring_s,
        moved=moved,
    )


def _told_by(y: NDArray[np.float64]) -> bool:
    """Whether outcomes tell models apart: where all but a few are alike, levels that are hardly others seem certain."""
    return bool(min(y.sum(), len(y) - y.sum()) >= FEWEST_TOLD)


def moved_between(before: NDArray[Any], after: NDArray[Any]) -> Moved:
    """What changes where one model takes the place of another, from the answers of both, shape (n,), n > 0."""
    tenth = max(len(before) // 10, 1)
    highest = [set(np.argsort(-answers, kind="stable")[:tenth].tolist()) for answers in (before, after)]
    moves = np.abs(after - before)
    return Moved(
        rows=len(before),
        before=float(before.mean()),
        after=float(after.mean()),
        apart=float(moves.mean()),
        much=float((moves >= MUCH).mean()),
        stay=len(highest[0] & highest[1]) / tenth,
    )


def _timed(answers: Answers, rows: pl.DataFrame) -> tuple[NDArray[np.float64], float]:
    """The answers, and the seconds of the processor that they took: others at work on the machine do not count."""
    begun = time.process_time()
    told = answers(rows)
    return told, time.process_time() - begun


def allowed_doubt(tries: int) -> float:
    """What of DOUBT the nth try against one model may spend: DOUBT * 6 / (pi n)^2, which adds up to DOUBT over all.

    Union bound over a sequence of tests, as in alpha spending (Lan and DeMets 1983, Biometrika 70, 659).
    """
    return DOUBT * 6 / (math.pi * tries) ** 2


def chance_of_gain(gains: NDArray[np.float64], players: NDArray[np.int64]) -> float:
    """How likely so great a mean is where there is none, one-sided: a t-test of means clustered by player.

    The tail matters far beyond what a bootstrap can tell (Cameron and Miller 2015, J. Hum. Resources 50, 317).
    """
    from scipy.special import stdtr  # noqa: PLC0415 (its import takes most of a second, and few commands compare)

    mean, error, clusters = clustered_mean(gains, players)
    if clusters < 2 or error == 0:
        return 0.0 if clusters >= 2 and mean > 0 else 1.0
    return float(stdtr(clusters - 1, -mean / error))


def worse_kinds(
    gains: NDArray[np.float64], players: NDArray[np.int64], kinds: Mapping[str, NDArray[np.bool_]]
) -> tuple[str, ...]:
    """The kinds for which gains are below zero beyond doubt, all of them together (Holm 1979, Scand. J. Stat. 6, 65).

    Kinds with too few players to tell are left out.
    """
    large = {name: here for name, here in kinds.items() if len(np.unique(players[here])) >= FEWEST_OF_A_KIND}
    chances = {name: chance_of_gain(-gains[here], players[here]) for name, here in large.items()}
    worse: list[str] = []
    for place, name in enumerate(sorted(chances, key=lambda each: chances[each])):
        if chances[name] > DOUBT / (len(chances) - place):
            break
        worse.append(name)
    return tuple(worse)


def better_than_guessing(gain: Gain, against: Against | None) -> Decision:
    """Promote what beats the base rate beyond the noise of the later holdout's players, and what serves beyond doubt.

    What serves stays as long as too few days have passed to compare the two on days that neither has seen.
    """
    _, low, _ = gain
    told = f"{_better_by(gain, 'the base rate')} on the later holdout"
    if low <= 0:
        return Decision(promote=False, reason=f"not beyond noise: {told}")
    if against is None:
        return Decision(promote=True, reason=told)
    if against.gone:
        return Decision(promote=True, reason=f"{told}; {against.name}, which served, {against.gone}")
    if against.gain is None:
        seen = (
            f"all but {against.rows} of these rows, too few to compare"
            if against.rows
            else "all of these rows, so that none compares them"
        )
        few = f"{against.name} serves on: it has seen {seen}"
        return Decision(promote=False, reason=f"{few}; {told}")
    stays = _stays(against, against.gain)
    rival = f"{_better_by(against.gain, against.name)} on {against.rows:,} rows"
    doubt = f"as good by luck alone in {100 * against.doubt:.2g} % of cases ({100 * against.allowed:.2g} % are allowed)"
    return Decision(promote=not stays, reason=f"{stays}{rival} that neither had seen, {doubt}; {told}")


def _better_by(gain: Gain, other: str) -> str:
    """By how much log-loss is better than another's, or worse."""
    mean, low, high = gain
    if mean >= 0:
        return f"log-loss {mean:+.4f} better than {other} ({low:+.4f} to {high:+.4f})"
    return f"log-loss {-mean:.4f} worse than {other} (better by {low:+.4f} to {high:+.4f})"


def _stays(against: Against, gain: Gain) -> str:
    """Why what serves stays, as the beginning of a sentence; empty where it does not."""
    ours, theirs = against.calibration
    if gain[2] < 0:
        return f"{against.name} is better: "
    if against.doubt > against.allowed or gain[1] <= 0:
        return f"{against.name} serves on, as nothing is better beyond doubt: "
    if ours > theirs + WORSE_CALIBRATED:
        return f"{against.name} serves on, as it is better calibrated ({theirs:.4f}, not {ours:.4f}): "
    if against.seconds[0] > max(against.allowed_s, against.seconds[1]):
        slow, may = against.seconds[0], against.allowed_s
        return (
            f"{against.name} serves on, as this one takes {slow:.1f} s to ask of all players, allowed is {may:.1f} s: "
        )
    if against.worse:
        return f"{against.name} serves on, as it is better for {' and '.join(map(repr, against.worse))}: "
    return ""


def with_interval(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> Gain:
    """The mean of values, with its 95 % interval when whole clusters are drawn with replacement."""
    low, high = clustered_interval(values, clusters)
    return float(values.mean()), float(low), float(high)
