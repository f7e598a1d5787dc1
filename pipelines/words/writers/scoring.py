"""What rules see in a text that may go out, so that two of a kind can be told apart without asking anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from configs.app import App
from configs.wording import metric_words
from pipelines.words.briefs import Brief
from pipelines.words.checks.repeats import repeated_word, stems
from pipelines.words.writers.answers import Draft, checker
from pipelines.words.writers.offline import Variant

WEIGHTS: Mapping[str, float] = {"faults": -1.0, "repeats": -0.3, "theme": 0.25, "length": 0.25, "variety": 0.5}
FITTING = (60, 180)  # characters of a text that is neither curt nor long-winded
_THEME_WORDS = 3  # more of the app's own words make a text no better


@dataclass(frozen=True)
class Scored:
    """A text with what the rules see in it.

    Attributes:
        rules: By name of WEIGHTS. faults: how many checks it fails. repeats: 1 when two sentences share a word that
            carries meaning. theme: use of the app's and the persona's own words, up to 1. length: 1 from 60 to 180
            characters, falling to 0. variety: 1 less the largest overlap of meaning words with another text.
    """

    variant: Variant
    rules: Mapping[str, float]

    @property
    def score(self) -> float:
        """The rules' weighted sum, 1 at most."""
        return sum(WEIGHTS[name] * value for name, value in self.rules.items())


def rank_texts(app: App, brief: Brief, own: Sequence[Variant], others: Sequence[Variant]) -> list[Scored]:
    """Texts scored beside others of the same brief, best first."""
    persona, words = app.personas.get(brief.persona), metric_words(app, brief.metric)
    voice = stems(f"{app.voice.theme} {app.voice.tone} {app.voice.player} {persona.psychology if persona else ''}")
    faults_of, many = checker(app, brief), words.many if words else ""
    said = {one.variant: stems(f"{one.title} {one.text}") for one in [*others, *own]}

    def score(one: Variant) -> Scored:
        mine = said[one.variant]
        shared = [_overlap(mine, theirs) for other, theirs in said.items() if other != one.variant]
        rules = {
            "faults": float(len(faults_of(Draft(one.title, one.text)))),
            "repeats": float(bool(repeated_word(one.title, one.text, many))),
            "theme": min(1.0, len(mine & voice) / _THEME_WORDS),
            "length": _fit(len(one.text)),
            "variety": 1 - max(shared, default=0.0),
        }
        return Scored(one, rules)

    return sorted(map(score, own), key=lambda scored: (-scored.score, scored.variant.variant))


def _fit(length: int) -> float:
    low, high = FITTING
    if length < low:
        return length / low
    return 1.0 if length <= high else max(0.0, 1 - (length - high) / (high - low))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index."""
    return len(one & other) / len(one | other) if one | other else 0.0
