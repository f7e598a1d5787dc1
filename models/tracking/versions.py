"""The registered versions of an app's models as a table, each with the contest that it won."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from models.tracking.pages import ModelRun
from models.tracking.which_serves import FIRST_NIGHT, TRAINED_TO, Candidate

PROMOTION = "promotion"  # tag of a registered model: automatic or manual
UNSEEN = "mlflow.nightquest."  # MLflow's pages leave out tags that begin with "mlflow."
CONTEST = "contest"  # tag of a version: the contest as JSON, see `contest_json`
VERSIONS: dict[str, pl.DataType] = {
    "task": pl.String(),
    "version": pl.Int64(),
    "aliases": pl.String(),
    "promotion": pl.String(),
    TRAINED_TO: pl.String(),
    FIRST_NIGHT: pl.String(),
    "app_hash": pl.String(),
    "reason": pl.String(),
    "registered_at": pl.Datetime("ms", "UTC"),
    CONTEST: pl.String(),
}


def told_in(tags: Mapping[str, str], name: str) -> str:
    """A version's tag, empty without: one that MLflow's pages leave out or, in older stores, one that they show."""
    return tags.get(f"{UNSEEN}{name}") or tags.get(name, "")


def contest_json(run: ModelRun) -> str:
    """Who won by what score, each rival's loss with its interval and how far behind it was, and the gains."""
    rivals = [
        {"learner": each.name, "loss": each.loss, "low": each.low, "high": each.high, "behind": each.behind}
        for each in sorted(run.rivals, key=lambda rival: rival.loss)
    ]
    which = " (the winner as it would have served)" if "served" in run.rows else ""
    gains = [{"over": f"{name}{which}", "gain": list(gain)} for name, gain in run.gains.items()]
    return json.dumps({"chosen": run.chosen, "score": run.score, "rivals": rivals, "gains": gains})


def contest_of(text: str) -> dict[str, Any]:
    """What `contest_json` gave; nothing where that was not kept, or a person wrote something else."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def models_of(client: Any, app: str) -> list[Any]:
    """The registered models of an app, in one query."""
    found = client.search_registered_models(filter_string=f"name LIKE '{app}.%'", max_results=1000)
    return [model for model in found if model.name.startswith(f"{app}.")]  # in LIKE _ matches any character


def registered_versions(client: Any, app: str) -> pl.DataFrame:
    """Every registered version of an app's models, newest first within a task; columns VERSIONS.

    Args:
        client: MLflow's, of the store to look into.
        app: The app's name.
    """
    rows = [row for model in models_of(client, app) for row in _versions(client, model.name)]
    table = pl.DataFrame(rows, schema=VERSIONS).with_columns(pl.col("task").str.strip_prefix(f"{app}."))
    return table.sort("task", "version", descending=[False, True])


def _versions(client: Any, name: str) -> Iterator[dict[str, Any]]:
    model = client.get_registered_model(name)
    for version in client.search_model_versions(f"name = '{name}'"):
        held = sorted(alias for alias, holder in model.aliases.items() if str(holder) == str(version.version))
        number = int(version.version)
        days = Candidate.of(number, version.tags)
        tags = {tag: told_in(version.tags, tag) for tag in ("app_hash", "reason", CONTEST)}
        yield tags | {
            TRAINED_TO: days.trained_to.isoformat() if days.trained_to else "",
            FIRST_NIGHT: days.first_night.isoformat() if days.first_night else "",
            "task": name,
            "version": number,
            "aliases": ", ".join(held),
            "promotion": model.tags.get(PROMOTION, "automatic"),
            "registered_at": dt.datetime.fromtimestamp(version.creation_timestamp / 1000, dt.UTC),
        }
