"""The commands that look and those that serve. Heavy imports wait for the command that needs them."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.command import DEFAULT, Common, check_each, cli


@cli.command(sort_key=2)
def check(app: str, /, *, sql: bool = False, preview: bool = False, common: Common = DEFAULT) -> None:
    """Check an app file: every problem with its line, key and remedy; or how it reads, and what may not be meant.

    Example: nightquest check trading --sql
    Example: nightquest check my_app.yaml --preview

    Args:
        app: A shipped app's name, or the path of an app file.
        sql: Show the SQL that is generated from it.
        preview: Show which badges it would grant if it went live today: how many, to whom, for how much XP.
    """
    from rich.console import Group

    from flows.cli.check import check_app, describe, generated_sql, summary
    from flows.cli.console import emit
    from flows.cli.lint_view import advice_text, foresee_app, foreseen_view
    from flows.cli.preflight import check_data, check_sinks

    loaded = check_app(common.settings.home, app)
    check_sinks(common.settings)
    facts = describe(loaded)
    if preview:
        check_data(common.settings, loaded)
        seen = foresee_app(common.settings, loaded.app)
        advice = [*facts["advice"], *seen.advice]
        told = {**facts, "advice": advice, "preview": seen}
        emit(told, common.json, lambda: Group(foreseen_view(seen), "", advice_text(advice)))
        return
    if sql:
        facts["sql"] = generated_sql(loaded.app)
        emit(facts, common.json, lambda: "\n\n".join(facts["sql"].values()))
        return
    emit(facts, common.json, lambda: f"{summary(facts)}\n\n{advice_text(facts['advice'])}")


@cli.command(sort_key=6)
def show(app: str, user: str, /, *, why: bool = False, as_of: dt.date | None = None, common: Common = DEFAULT) -> None:
    """Show what a published night holds for one player.

    Example: nightquest show trading recruit-000007
    Example: nightquest show trading recruit-000007 --as-of 2024-03-01

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
        why: Show where each text comes from (brief, prompt, raw answer and scores), and why models expect what they do.
        as_of: The day that the night serves; the newest night by default.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.render import names_of, prestige_of, render_player
    from pipelines.publish.show import gather_player

    if why:
        from flows.cli.why import explain, scores_of, why_view

        name = load_app(app).app.app
        reasons = explain(common.settings, name, user, as_of)
        emit(reasons, common.json, lambda: why_view(reasons, scores_of(common.settings, name, user, as_of)))
        return
    loaded = load_app(app).app
    view = gather_player(common.settings.home, loaded.app, user, as_of)
    emit(view.as_dict(), common.json, lambda: render_player(view, names_of(loaded), prestige_of(loaded)))


@cli.command(sort_key=6)
def bundle(app: str, user: str | None = None, /, *, as_of: dt.date | None = None, common: Common = DEFAULT) -> None:
    """Print what a player's screen needs of a published night as one line of JSON; of all players, a line each.

    Example: nightquest bundle trading recruit-000007
    Example: nightquest bundle trading --as-of 2024-03-01

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it; everybody by default.
        as_of: The day that the night serves; the newest night by default.
    """
    from configs.loader import load_app
    from flows.cli.console import emit_lines
    from pipelines.publish.bundles import every_bundle, player_bundle
    from pipelines.publish.published import read_night

    night = read_night(common.settings.home, load_app(app).app.app, as_of)
    emit_lines(every_bundle(night) if user is None else [player_bundle(night, user)])


@cli.command(sort_key=6)
def explain(app: str, user: str, /, *, task: str = "churn", common: Common = DEFAULT) -> None:
    """Explain what a model says of one player: how likely, why, what would have changed it, and what it looks at.

    Example: nightquest explain trading recruit-000007 --task churn
    Example: nightquest explain trading recruit-000007 --task badge_odds

    The player is seen as the newest night that went out saw them.

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
        task: The learned question: churn, engagement, badge_odds, plays, attainment (of the night's challenges),
            or another whose answers have reasons.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.preflight import check_data

    loaded, settings = load_app(app), common.settings
    check_data(settings, loaded)
    from flows.cli.explain_view import explanation_view
    from flows.clock import clock
    from pipelines.review.explain import explain_score

    told = explain_score(settings, loaded, user, task, clock())
    emit(told, common.json, lambda: explanation_view(told))


@cli.command(sort_key=6)
def models(app: str, /, *, common: Common = DEFAULT) -> None:
    """Show who serves each learned question, since when, against whom it won, and who waits.

    Example: nightquest models trading

    It ends with 1 when the model registry is lost or damaged.

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.models_view import leaderboard_view
    from flows.clock import clock
    from pipelines.pins import next_served_day
    from pipelines.review.leaderboard import read_leaderboard

    loaded, settings = load_app(app).app, common.settings
    board = read_leaderboard(settings, loaded, next_served_day(loaded, clock(), settings.day_grace))
    emit(board, common.json, lambda: leaderboard_view(board))
    if board.fault:
        raise SystemExit(1)


@cli.command(sort_key=6)
def policies(app: str, /, *, common: Common = DEFAULT) -> None:
    """Show what other ways to choose recommendations would have brought, from choices whose chances were published.

    Example: nightquest policies trading

    What was recommended first on each night, with which chance, and what the player did then, tells it by weighing:
    inverse propensity scores, self-normalised, clipped, and doubly robust.

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.preflight import check_data

    loaded, settings = load_app(app), common.settings
    check_data(settings, loaded)
    from flows.cli.policies_view import policies_view
    from pipelines.review.policies import judge_policies

    told = judge_policies(settings, loaded)
    emit(told, common.json, lambda: policies_view(told))


@cli.command(sort_key=6)
def held(
    app: str,
    /,
    *,
    badge: str | None = None,
    user: str | None = None,
    page: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    decide: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Show the nominees for judged badges that a person must decide on, and take decisions on any badge from a file.

    Example: nightquest held trading --badge cool_head --page 2
    Example: nightquest held trading --decide decisions.csv

    A wrong row of the file is told with its line and reason, and the others are taken. If all are wrong it ends with 2.

    Args:
        app: A shipped app's name, or the path of an app file.
        badge: Only nominees for this badge.
        user: Only this player, by the id that the app's own data has.
        page: Which page of the nominees.
        limit: Nominees on a page: 10, or all with --json.
        decide: CSV or JSON Lines: user_id, badge_id, decision (award or refuse), and maybe reason, citation and by.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.held import PER_PAGE, decide_held, gather_held
    from flows.cli.held_view import decisions_view, held_view

    loaded = load_app(app)
    if decide is not None:
        result = decide_held(common.settings, loaded, decide)
        emit(result, common.json, lambda: decisions_view(result))
        if result.wrong and not result.taken + result.known:
            raise SystemExit(2)
        return
    size = limit or (None if common.json and page == 1 else PER_PAGE)
    report = gather_held(common.settings.home, loaded.app, badge, user, page=page, limit=size)
    emit(report, common.json, lambda: held_view(report))


@cli.command(sort_key=7)
def status(*, common: Common = DEFAULT) -> None:
    """Show what is there: each app's data and newest night, who works on it, what is wrong, and whether `serve` runs.

    Example: nightquest status --json

    It ends with 1 when something is wrong; `nightquest doctor` looks deeper.
    """
    from flows.cli.console import emit
    from flows.cli.status import gather_status, status_view

    result = gather_status(common.settings)
    emit(result, common.json, lambda: status_view(result))
    if result.every_fault:
        raise SystemExit(1)


@cli.command(sort_key=7)
def doctor(*apps: str, mend: bool = False, common: Common = DEFAULT) -> None:
    """Find what is wrong: nights, pointers, warehouses, the model registry, destinations, what a dead `serve` left.

    Example: nightquest doctor --mend

    Every file is read, and each destination and each server that a named app pulls from is asked whether it would do.
    Nothing is changed unless you say --mend, which never removes data. It ends with 1 while
    something is wrong.

    Args:
        apps: Shipped apps, or paths of app files; none is all that have data or nights.
        mend: Set right what can be without losing anything: pointers, and what a dead `serve` left.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.doctor import diagnosis_view, examine

    result = examine(common.settings, [load_app(app) for app in apps], mend=mend)
    emit(result, common.json, lambda: diagnosis_view(result))
    if result.faults:
        raise SystemExit(1)


@cli.command(sort_key=6)
def badges(app: str, /, *, common: Common = DEFAULT) -> None:
    """Show how an app's badges do: who has them, and how holders play before and after, beside comparable players.

    Example: nightquest badges trading

    What differs goes with a badge; it need not come from it.

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    from configs.loader import load_app
    from flows.cli.badges_view import badges_view, gather_badges
    from flows.cli.console import emit
    from flows.cli.preflight import check_data

    loaded = load_app(app)
    check_data(common.settings, loaded)
    found = gather_badges(common.settings, loaded)
    emit(found, common.json, lambda: badges_view(loaded.app.title, found))


@cli.command(sort_key=11)
def compare_awards(
    app: str,
    file: Path,
    /,
    *,
    as_of: dt.date | None = None,
    markdown: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Compare an app's badge rules with the badges that were really given, by user and badge.

    Example: nightquest compare-awards stackexchange given_badges.parquet

    Nothing is awarded. Badges are matched by title, and a day counts as the same when it is at most one off.

    Args:
        app: A shipped app's name, or the path of an app file.
        file: Parquet, CSV or JSON Lines with user_id, badge and awarded_at.
        as_of: Compare what was given before this day; everything known when left out.
        markdown: Print a Markdown table, for a document.
    """
    from flows.cli.console import emit, progress
    from flows.cli.preflight import check_data
    from flows.progress import reporting_to

    check_each([app], lambda loaded: check_data(common.settings, loaded))
    from flows.cli.compare_awards import compare, comparison_view
    from pipelines.replay.compare_awards import render_comparison_markdown

    with progress(common.json, common.verbose) as reporter, reporting_to(reporter):
        table = compare(common.settings, app, file, as_of)
    if markdown and not common.json:
        print(render_comparison_markdown(table), end="")  # noqa: T201
    else:
        emit(table, common.json, lambda: comparison_view(app, table))


@cli.command(sort_key=8)
def serve(*apps: str, common: Common = DEFAULT) -> None:
    """Start Prefect, MLflow and every schedule: nights two hours after the app's day begins, training on Mondays.

    Example: nightquest serve trading

    Args:
        apps: Which apps to schedule; none is every shipped app that has data.
    """
    from flows.server.serve import serve as run

    run(common.settings, apps, lambda text: print(text, flush=True), verbose=common.verbose)  # noqa: T201
