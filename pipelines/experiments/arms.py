"""Ways of writing a night's words: the arms there are, whom each asks in turn, and who is in which arm."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from configs.errors import NightquestError
from configs.kinds import Writer
from configs.language import VENDORS, Vendor
from configs.written import Content, Experiment
from data.warehouse import Warehouse
from pipelines.known import Known

PROMPT = "production"  # alias of the prompts that serve
BY_HALVES = "auto"  # the experiment of an app that names none and has two keys
Goal = Literal["completion", "rating", "return"]


@dataclass(frozen=True)
class Arm:
    """One way of writing.

    Attributes:
        provider: Who writes; `both` writes with both providers and a judge picks.
        prompt: Alias of the prompts in the prompt registry.
        weight: Its share of the players, against the other arms' weights.
        fallback: Who is asked in turn for what `provider` could not write; `offline`, which always can, is last.
    """

    name: str
    provider: Writer
    prompt: str = PROMPT
    weight: float = 1.0
    fallback: tuple[Writer, ...] = ("offline",)

    @property
    def writers(self) -> tuple[Writer, ...]:
        """Who is asked first."""
        return VENDORS if self.provider == "both" else (self.provider,)


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


def choose_arms(content: Content, keys: Collection[Vendor], *, provider: Writer | None = None) -> Trial:
    """The arms of a night.

    An arm whose provider has no key cannot be what it says, so it is left out and its players go to the other arms.

    Args:
        content: The app's section: its experiment, else its provider.
        keys: The providers that have a key.
        provider: Who writes this time, whatever the app file says; there is no experiment then.

    Raises:
        NightquestError: `provider` was asked for and has no key.
    """
    if provider is not None:
        _require_keys(provider, keys)
        return Trial("", (_arm(provider, provider, keys),))
    if content.experiment is not None:
        return _experiment(content.experiment, keys)
    if content.provider != "auto":
        return _single(content.provider, keys)
    have = [vendor for vendor in VENDORS if vendor in keys]
    if len(have) > 1:
        return Trial(BY_HALVES, tuple(_arm(vendor, vendor, keys) for vendor in have))
    return _single(have[0] if have else "offline", keys)


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


def _experiment(experiment: Experiment, keys: Collection[Vendor]) -> Trial:
    arms = tuple(
        _arm(name, arm.provider, keys, prompt=arm.prompt, weight=arm.weight)
        for name, arm in experiment.arms.items()
        if not _missing(arm.provider, keys)
    )
    notes = tuple(
        f"The arm '{name}' of the experiment '{experiment.name}' is left out: {_no_key(arm.provider, keys)}"
        for name, arm in experiment.arms.items()
        if _missing(arm.provider, keys)
    )
    if len(arms) > 1:
        return Trial(experiment.name, arms, experiment.goal, experiment.policy, notes)
    if arms:
        return Trial("", arms, notes=(*notes, "One arm is left, so there is nothing to compare."))
    return Trial("", (_arm("offline", "offline", keys),), notes=notes)


def _single(provider: Writer, keys: Collection[Vendor]) -> Trial:
    """One arm; without its key the next best, and a note."""
    missing = _missing(provider, keys)
    if not missing:
        return Trial("", (_arm(provider, provider, keys),))
    left: Writer = next((vendor for vendor in VENDORS if vendor in keys), "offline")
    return Trial("", (_arm(left, left, keys),), notes=(f"{_no_key(provider, keys)} This night is written by {left}.",))


def _arm(name: str, provider: Writer, keys: Collection[Vendor], *, prompt: str = PROMPT, weight: float = 1) -> Arm:
    others: tuple[Writer, ...] = ()
    if provider in VENDORS:
        others = tuple(vendor for vendor in VENDORS if vendor in keys and vendor != provider)
    return Arm(name, provider, prompt, float(weight), (*others, "offline"))


def _missing(provider: Writer, keys: Collection[Vendor]) -> list[Vendor]:
    return [vendor for vendor in VENDORS if provider in {vendor, "both"} and vendor not in keys]


def _no_key(provider: Writer, keys: Collection[Vendor]) -> str:
    missing = _missing(provider, keys)
    names = " and ".join(f"NIGHTQUEST_{vendor.upper()}_API_KEY" for vendor in missing)
    return f"{provider} needs {names}, which {'are' if len(missing) > 1 else 'is'} not set."


def _require_keys(provider: Writer, keys: Collection[Vendor]) -> None:
    if missing := _missing(provider, keys):
        raise NightquestError(
            f"There is no key for {' and '.join(missing)}.",
            " ".join(f"Set NIGHTQUEST_{vendor.upper()}_API_KEY." for vendor in missing)
            + " Without a key the words can be written with --provider offline.",
        )
