"""The command that says how strong players are: those of the home, rows given by hand, files. Heavy imports wait."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.command import DEFAULT, Common, cli, end_warned


@cli.command(sort_key=6)
def analyze(
    app: str,
    user: str | None = None,
    /,
    *,
    csv: Path | None = None,
    given: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    cohort: str = "",
    to: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Say how strong players are among comparable ones, what is next for them, and tell them so.

    Example: nightquest analyze fitness 17
    Example: nightquest analyze fitness --csv players.csv --to analysed.csv
    Example: nightquest analyze fitness --given score=150000 --given age=25.5 --given startSpeed=5 --given duration=10

    Of each: the cluster with its probabilities, the percentiles of comparable players, the next target, and a message.
    Columns of a file are called like the metrics of `segments` or the properties that these are of (`check` names the
    metrics), in any spelling: best_score or score, start_speed or startSpeed. Its kind of play stands in the
    properties of `cohorts`, or in `cohort`; without it a row is judged among all players. A bad row is told and the
    rest goes on. Neither a player nor rows: what judges, with its targets.

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
        csv: A file of rows, however long; JSON and Parquet are read too.
        given: One row by hand, as NAME=VALUE.
        cohort: The kind of play of rows that name none, as `show` writes it: 'DualFlow/expert/10 min'.
        to: Write what is told of a file's rows here: .csv, or JSON lines.
    """
    from configs.errors import NightquestError
    from configs.loader import load_app
    from flows.cli.analyze_view import analysis_view, info_view, tell_file
    from flows.cli.console import emit
    from flows.cli.preflight import check_data
    from flows.cli.terms import Terms
    from flows.clock import clock

    if sum((user is not None, csv is not None, bool(given))) > 1:
        raise NightquestError("A player, --csv and --given were named together.", "Take one of them.")
    if wrong := [one for one in given if "=" not in one]:
        raise NightquestError(f"'{wrong[0]}' says no value.", "Write it as NAME=VALUE, like score=150000.")
    row = dict(one.split("=", 1) for one in given)
    if len(row) < len(given):
        raise NightquestError("A name was given twice.", "Give each --given NAME=VALUE once.")
    loaded, settings = load_app(app), common.settings
    check_data(settings, loaded)
    from pipelines.review.analyze import analyze_given, analyze_player, model_info, open_judge

    with open_judge(settings, loaded, clock()) as opened:
        if csv is not None:
            end_warned(warned=tell_file(opened.judge, csv, cohort, to, as_json=common.json) > 0)
        elif user is None and not given:
            info = model_info(opened.judge)
            emit(info, common.json, lambda: info_view(info))
        else:
            rows = analyze_given(opened.judge, row, cohort) if user is None else analyze_player(opened, user)
            told = {"app": loaded.app.app, "user_id": user, "analyses": rows}
            emit(told, common.json, lambda: analysis_view(rows, Terms.of(loaded.app)))
