"""What a contest comes to: who was in it, what a model costs, what changes if it serves, and whether it should."""

from dataclasses import dataclass

MUCH = 0.1  # an answer that moves so far moves much


@dataclass(frozen=True)
class Decision:
    """Whether the new version should serve, and why, in a sentence."""

    promote: bool
    reason: str


@dataclass(frozen=True)
class Rival:
    """A learner's loss on the later holdout with its 95 % interval; lower is better.

    Attributes:
        does: What it does, as the end of a sentence that begins with its name; empty where that is not said.
        behind: Mean loss more than the chosen one on the same rows, with its interval; None when not measured. It
            tells apart rivals whose own intervals overlap only because players differ.
    """

    name: str
    loss: float
    low: float
    high: float
    behind: tuple[float, float, float] | None = None
    does: str = ""


@dataclass(frozen=True)
class Moved:
    """What changes for players where one model takes the place of another: their answers to the same rows.

    Attributes:
        rows: Of the later holdout.
        before: The mean answer of what serves.
        after: That of the other.
        apart: How far answers move in the mean, up or down.
        much: The share that moves by MUCH or more.
        stay: The share of the tenth with the highest answers that is in it before and after.
    """

    rows: int
    before: float
    after: float
    apart: float
    much: float
    stay: float


@dataclass(frozen=True)
class Cost:
    """Seconds of processors that a model takes: to be fitted on its rows, and to answer a million.

    Attributes:
        fit_s: Of the fit on all rows.
        rows: How many these were.
        answer_s: For a million rows, told by those of the later holdout.
    """

    fit_s: float
    rows: int
    answer_s: float
