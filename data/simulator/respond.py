"""Play the day that an app's newest night serves, with players who answer what it asks.

    python -m data.simulator.respond learning FOLDER --home .nightquest --effects effects.yaml

FOLDER is that of `python -m data.simulator.learning` (or `.fitness`). The day's files come to FOLDER/days/<day>/, what
is true of it to FOLDER/truth/, and `nightquest ingest` takes the former: docs/simulator.md.
"""

import argparse
import datetime as dt
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from configs.commands import command, remember_home
from configs.errors import NightquestError
from data.simulator.response import NOTHING_SEEN, Effects, read_night, read_suits, respond, with_likes
from data.simulator.worlds import WORLDS


def play_day(app: str, folder: Path, home: Path, effects: Effects, *, seed: int = 1) -> tuple[dt.date, list[Path]]:
    """Play the day of the newest night and write what became of it.

    Returns:
        The day, and the files that an ingest takes.

    Raises:
        NightquestError: No night is out, or the day was played already.
    """
    try:
        day, asked = read_night(home, app)
    except FileNotFoundError as error:
        raise NightquestError(
            f"No night of '{app}' is out under {home}.", f"Run: {command('nightly', app=app)}"
        ) from error
    seen_files = sorted((folder / "truth").glob("seen-*.parquet"))
    if (folder / "truth" / f"seen-{day}.parquet") in seen_files:
        raise NightquestError(f"The day {day} has been played already.", "Ingest its files, and run the next night.")
    seen = pl.concat([NOTHING_SEEN, *(pl.read_parquet(path, columns=["content_id"]) for path in seen_files)])
    world = WORLDS[app](read_truth(folder, app, liking=bool(effects.likes or effects.rating_likes), seed=seed))
    played = respond(world, asked, day, effects, seed=seed, seen=seen, suits=read_suits(home, app))
    place = folder / "days" / str(day)
    place.mkdir(parents=True, exist_ok=True)
    said = place / f"events-said-{day}.parquet"
    played.said.write_parquet(said)
    files = [*world.write(played.acts, place, day), said]
    played.truth.write_parquet(folder / "truth" / f"seen-{day}.parquet")
    return day, files


def read_truth(folder: Path, app: str, *, liking: bool = False, seed: int = 1) -> pl.DataFrame:
    """Who the players are; with `liked`, the metric that each likes, where they like anything."""
    truth = pl.read_parquet(folder / "truth" / "truth.parquet")
    return with_likes(truth, sorted(WORLDS[app](truth).counts), seed=seed) if liking else truth


def read_effects(path: Path | None) -> Effects:
    """Effects from a YAML file with some of their names; none is planted without.

    Raises:
        NightquestError: The file has a key that is no effect.
    """
    said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path else {}
    names = [each.name for each in fields(Effects)]
    if unknown := sorted(set(said) - set(names)):
        raise NightquestError(f"{path}: '{unknown[0]}' is no effect.", f"Use {', '.join(names)}.")
    return Effects(**said)


def main() -> None:
    """Play one day."""
    parser = argparse.ArgumentParser(prog="python -m data.simulator.respond", description=__doc__)
    parser.add_argument("app", choices=sorted(WORLDS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, default=Path(".nightquest"), help="where the night is published")
    parser.add_argument("--effects", type=Path, help="a YAML file of what is planted")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    remember_home(wanted.home)
    try:
        _, files = play_day(wanted.app, wanted.folder, wanted.home, read_effects(wanted.effects), seed=wanted.seed)
    except NightquestError as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write("".join(f"{path}\n" for path in files))


if __name__ == "__main__":
    main()
