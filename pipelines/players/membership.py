"""Which personas and styles a player belongs to: shares that add up to 1, and the one that counts for the player."""

import math
from collections.abc import Mapping

import polars as pl

from configs.personas import Style
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.luck import lot

PERSONA, STYLE = "persona", "style"
# Two kinds whose fits differ by so much are e times as likely, one as the other. Of 500 simulated learners, whose
# personas are known, the log loss is 1.04 with it, 1.09 with 0.25 and 1.11 with 0.625.
SOFTNESS = 0.4
# Whoever counts as one kind counts as another when the other's share exceeds the one's by so much. Of the same learners
# 1.6 % change in a night with it, 3.0 % with half of it, 7.3 % without, and as many count as what they are.
MARGIN = 0.2
HELD = {"player_key": pl.Int64, "kind": pl.String, "name": pl.String}


def memberships_before(known: Known) -> pl.DataFrame:
    """player_key, kind, name: what players counted as after the last night before this one.

    Only nights that began before this one count, so that a rerun, or a late night, finds what it found or would have.
    """
    pins = {"as_of": known.as_of, "started_at": known.night.started_at}
    return known.frame(known.fixed("players/memberships_before"), pins)


def write_memberships(known: Known, profiles: Frame) -> None:
    """Keep what players count as from this night on, a row where that has changed.

    Args:
        known: What the night may see.
        profiles: player_key, persona and style (null: the app has none).
    """
    kinds = {PERSONA: known.app.personas, STYLE: known.app.profile.styles}
    rows = [
        profiles.select("player_key", kind=pl.lit(kind), name=pl.col(kind)).drop_nulls()
        for kind, some in kinds.items()
        if some
    ]
    if not rows:
        return
    stamp = {"as_of": known.as_of, "revision": known.night.revision}
    with known.lend(counted=pl.concat(rows)):
        changed = known.frame(known.fixed("players/memberships_changed"), stamp)
    known.warehouse.append("memberships", changed, on_conflict_skip=True)


def belong(kinds: Mapping[str, Style], traits: pl.DataFrame, held: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """How far each player belongs to each kind, and the one that the player counts as.

    fit = sum of trait times weight over the Euclidean norm of the weights, so that a kind with many traits has no start
    on the others; the shares are exp(fit / SOFTNESS), scaled to add up to 1 (a softmax, as of a mixture whose kinds are
    equally common). Who counted as a kind goes on to, until another's share exceeds its by MARGIN; who did not, counts
    as the one with the largest share, ties falling to a hash of player and kind.

    Args:
        kinds: The app's, at least one.
        traits: player_key and each trait, -1 to 1.
        held: player_key, name: what players counted as so far.
        seed: Of ties.

    Returns:
        player_key, counts_as, shares (Struct, a field for each kind, to six decimals); in the order of `traits`.
    """
    fits = traits.select("player_key", *(_fit(kind).alias(name) for name, kind in kinds.items()))
    top = pl.max_horizontal(*kinds)
    weights = {name: ((pl.col(name) - top) / SOFTNESS).exp() for name in kinds}
    shares = fits.select("player_key", **{name: w / pl.sum_horizontal(weights.values()) for name, w in weights.items()})
    by_kind = shares.unpivot(index="player_key", variable_name="name", value_name="share")
    by_kind = by_kind.join(held.select("player_key", "name", held=True), on=["player_key", "name"], how="left")
    lead = pl.col("share").round(9) + pl.when("held").then(MARGIN).otherwise(0.0)
    best = (
        by_kind.with_columns(lead=lead, tie=lot("player_key", "name", seed=seed))
        .sort("player_key", "lead", "tie", "name", descending=[False, True, False, False])
        .unique("player_key", keep="first", maintain_order=True)
        .select("player_key", counts_as="name")
    )
    told = shares.select("player_key", shares=pl.struct(pl.col(name).round(6) for name in kinds))
    return (
        traits.select("player_key")
        .join(best, on="player_key", how="left", maintain_order="left")
        .join(told, on="player_key", how="left", maintain_order="left")
    )


def _fit(kind: Style) -> pl.Expr:
    norm = max(math.hypot(*kind.traits.values()), 1e-9)
    return (sum((pl.col(t) * w for t, w in kind.traits.items()), start=pl.lit(0.0)) / norm).round(9)
