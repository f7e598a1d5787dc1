"""The arms of a night: ways of writing its words, which providers each asks in turn, and who is in which arm."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from configs.content import Content, Experiment
from configs.errors import NightquestError
from configs.kinds import Writer
from configs.settings import PREFIX
from data.warehouse import Warehouse
from models.language.providers import provider_names
from pipelines.known import Known

PROMPT = "production"  # alias of the prompts that serve
BY_HALVES = "auto"  # the experiment of an app that names none and has two keys or more
AUTO, BOTH, OFFLINE = "auto", "both", "offline"
REWARDS = "rewards"  # stands for the provider in the arms of an experiment with tables of rewards
Goal = Literal["completion", "rating", "return"]


@dataclass(frozen=True)
class Arm:
    """One way of writing.

    Attributes:
        provider: Who writes; `both` are the first two providers with a key, and a judge picks.
        prompt: Alias of the prompts in the prompt registry.
        weight: Its share of the players, against the other arms' weights.
        fallback: Who is asked in turn for what `provider` could not write; `offline`, which always can, is last.
        two: Who they are when both write.
    """

    name: str
    provider: Writer
    prompt: str = PROMPT
    weight: float = 1.0
    fallback: tuple[Writer, ...] = ("offline",)
    two: tuple[str, ...] = ()

    @property
    def writers(self) -> tuple[str, ...]:
        """Who is asked first."""
        return self.two if self.provider == BOTH else (self.provider,)


@dataclass(frozen=True)
class Trial:
    """The arms of a night.

    Attributes:
        experiment: Its name; empty when there is one way of writing and nothing to compare.
        arms: The first is what the others are compared with.
        goal: What decides between them.
        policy: Whether weights stay or follow what has worked.
        notes: What a person should know: a provider without a key, an arm left out.
    """

    experiment: str
    arms: tuple[Arm, ...]
    goal: Goal = "completion"
    policy: Literal["fixed", "thompson"] = "fixed"
    notes: tuple[str, ...] = ()

    @property
    def propensities(self) -> dict[str, float]:
        """The chance of each arm, by name; their sum is 1."""
        total = sum(arm.weight for arm in self.arms)
        return {arm.name: arm.weight / total for arm in self.arms}

    def weighed(self, weights: Mapping[str, float]) -> "Trial":
        """The same arms with other weights."""
        return replace(self, arms=tuple(replace(arm, weight=weights[arm.name]) for arm in self.arms))


@dataclass(frozen=True)
class AvailableProviders:
    """Who could write tonight.

    Attributes:
        able: The providers that have a key and can be used, in the order in which they stand in for each other.
        faults: Why those that have a key cannot be used, a sentence with a remedy each.
    """

    able: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, provider: Writer) -> list[str]:
        """The providers of which one, or all, would be needed for this way of writing."""
        if provider == BOTH:
            return [] if len(self.able) > 1 else [name for name in provider_names() if name not in self.able]
        return [provider] if provider not in {OFFLINE, *self.able} else []

    def why_not(self, provider: Writer) -> str:
        """Why what is lacking is."""
        lacking = self.lacking(provider)
        told = [self.faults[name] for name in lacking if name in self.faults]
        if keys := [f"{PREFIX}{name.upper()}_API_KEY" for name in lacking if name not in self.faults]:
            joint = " and " if len(keys) + len(self.able) <= 2 else " or "
            told.append(f"{provider} needs {joint.join(keys)}, which {'are' if len(keys) > 1 else 'is'} not set.")
        return " ".join(told)


def strangers(content: Content, wished: Writer | None = None) -> dict[str, str]:
    """Who is named and is no writer, by where: 'fault; remedy'.

    Args:
        content: The app's section.
        wished: Who is to write this time; then nobody else counts.
    """
    arms = content.experiment.arms if content.experiment else {}
    named = {"content.provider": content.provider}
    named |= {f"content.experiment.arms.{name}.provider": arm.provider for name, arm in arms.items()}
    known = (OFFLINE, *provider_names(), BOTH)
    return {
        key: f"'{name}' is no writer; use {', '.join([AUTO, *known] if key == 'content.provider' else known)}"
        for key, name in (named if wished is None else {"--provider": wished}).items()
        if name not in known and (key, name) != ("content.provider", AUTO)
    }


def choose_arms(content: Content, available: AvailableProviders, *, provider: Writer | None = None) -> Trial:
    """The arms of a night.

    An arm whose provider has no key cannot be what it says, so it is left out and its players go to the other arms.

    Args:
        content: The app's section: its experiment, else its provider.
        available: Who could write.
        provider: Who writes this time, whatever the app file says; there is no experiment then.

    Raises:
        NightquestError: `provider` was asked for and cannot write, or somebody is named who is no writer.
    """
    for where, told in strangers(content, provider).items():
        fault, _, remedy = told.partition("; ")
        raise NightquestError(f"{where}: {fault}.", f"{remedy.capitalize()}.")
    if provider is not None:
        _require(provider, available)
        return Trial("", (_arm(provider, provider, available),))
    if content.experiment is not None:
        return _experiment(content.experiment, available)
    if content.provider != AUTO:
        return _single(content.provider, available)
    notes = tuple(available.faults.values())
    if len(available.able) > 1:
        return Trial(BY_HALVES, tuple(_arm(name, name, available) for name in available.able), notes=notes)
    name = next(iter(available.able), OFFLINE)
    return Trial("", (_arm(name, name, available),), notes=notes)


def assign_arms(warehouse: Warehouse, players: pl.DataFrame, trial: Trial) -> pl.DataFrame:
    """Put every player into an arm by hash of experiment, arm and user_id (weighted rendezvous hashing).

    While weights stay a player stays, on any machine. When they move, an arm that gains gives nobody away: with two
    arms, or one arm that changes, no more players move than must. Thaler and Ravishankar (1998, IEEE/ACM Trans. Netw.
    6, 1), with weights as rates of exponential times.

    Args:
        warehouse: Any; nothing is read from it or written.
        players: player_key, user_id.
        trial: Its arms and their weights.

    Returns:
        player_key, arm and propensity (the chance with which the player came to be in this arm), by player_key.
    """
    arms = pl.DataFrame([(arm.name, float(arm.weight)) for arm in trial.arms], _ARMS, orient="row")
    with warehouse.lend(arms=arms, players=players.select("player_key", "user_id")):
        return warehouse.frame(warehouse.fixed("experiments/experiment_assign"), {"experiment": trial.experiment})


def write_down(known: Known, trial: Trial, assigned: pl.DataFrame) -> None:
    """Keep who was in which arm and the chance of it, without which nothing can be compared later.

    Args:
        known: What the night may see.
        trial: A trial without a name is not kept.
        assigned: From `assign_arms`, for the players who get something this night.
    """
    if not trial.experiment:
        return
    stamp = {"as_of": known.as_of, "revision": known.night.revision, "experiment": trial.experiment}
    columns = {name: pl.lit(value) for name, value in stamp.items()}
    chance = trial.propensities
    rows = [
        {"arm": arm.name, "place": i, "provider": arm.provider, "prompt": arm.prompt, "propensity": chance[arm.name]}
        for i, arm in enumerate(trial.arms)
    ]
    with known.warehouse.transaction():
        known.warehouse.append("experiment_arms", pl.DataFrame(rows).with_columns(**columns), on_conflict_skip=True)
        known.warehouse.append(
            "assignments",
            assigned.select("player_key", "arm", "propensity").with_columns(**columns),
            on_conflict_skip=True,
        )


_ARMS = {"arm": pl.String, "weight": pl.Float64}


def _experiment(experiment: Experiment, available: AvailableProviders) -> Trial:
    arms = tuple(
        _arm(name, arm.provider, available, prompt=arm.prompt, weight=arm.weight)
        for name, arm in experiment.arms.items()
        if not available.lacking(arm.provider)
    )
    notes = tuple(
        f"The arm '{name}' of the experiment '{experiment.name}' is left out: {available.why_not(arm.provider)}"
        for name, arm in experiment.arms.items()
        if available.lacking(arm.provider)
    )
    if len(arms) > 1:
        return Trial(experiment.name, arms, experiment.goal, experiment.policy, notes)
    if arms:
        return Trial("", arms, notes=(*notes, "One arm is left, so there is nothing to compare."))
    return Trial("", (_arm(OFFLINE, OFFLINE, available),), notes=notes)


def _single(provider: Writer, available: AvailableProviders) -> Trial:
    """One arm; without its key the next best, and a note."""
    if not available.lacking(provider):
        return Trial("", (_arm(provider, provider, available),))
    left = next(iter(available.able), OFFLINE)
    why = available.why_not(provider)
    return Trial("", (_arm(left, left, available),), notes=(f"{why} This night is written by {left}.",))


def _arm(name: str, provider: Writer, available: AvailableProviders, *, prompt: str = PROMPT, weight: float = 1) -> Arm:
    others = tuple(other for other in available.able if other != provider) if provider in available.able else ()
    return Arm(
        name, provider, prompt, float(weight), (*others, OFFLINE), available.able[:2] if provider == BOTH else ()
    )


def _require(provider: Writer, available: AvailableProviders) -> None:
    lacking = available.lacking(provider)
    if not lacking:
        return
    if told := [available.faults[name] for name in lacking if name in available.faults]:
        raise NightquestError(" ".join(told))
    raise NightquestError(
        f"There is no key for {' and '.join(lacking)}.",
        " ".join(f"Set {PREFIX}{name.upper()}_API_KEY." for name in lacking)
        + " Without a key the words can be written with --provider offline.",
    )
