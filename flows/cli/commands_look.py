"""The commands that look and those that serve. Heavy imports wait for the command that needs them."""

import datetime as dt

from flows.cli.command import DEFAULT, Common, cli


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
    from configs.speaking import speaking
    from flows.cli.console import emit
    from flows.cli.player_view import player_view
    from flows.cli.terms import Terms, names_of
    from pipelines.publish.show import gather_player

    loaded = load_app(app).app
    if why:
        from flows.cli.why import explain, scores_of, why_view

        reasons = explain(common.settings, loaded.app, user, as_of)
        scores, since = scores_of(common.settings, loaded.app, user, as_of)
        emit(reasons, common.json, lambda: why_view(reasons, scores, names_of(loaded), since))
        return
    view = gather_player(common.settings.home, loaded.app, user, as_of)
    reads = (view.profile or {}).get("language")
    said = (speaking(loaded, reads) if reads else None) or loaded
    emit(view.as_dict(), common.json, lambda: player_view(view, Terms.of(said)))


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
def explain(
    app: str, user: str, /, *, task: str = "churn", second_opinion: bool = False, common: Common = DEFAULT
) -> None:
    """Explain what a model says of one player: how likely, why, what would have changed it, and what it looks at.

    Example: nightquest explain trading recruit-000007 --task churn
    Example: nightquest explain trading recruit-000007 --task badge_odds --second-opinion

    The player is seen as the newest night that went out saw them.

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
        task: The learned question: churn, engagement, badge_odds, plays, attainment (of the night's challenges),
            or another whose answers have reasons.
        second_opinion: Ask also what a line fitted to the model's answers around the player says (LIME), how closely
            it follows the model, and where it differs from the reasons.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.preflight import check_data

    loaded, settings = load_app(app), common.settings
    check_data(settings, loaded)
    from flows.cli.explain_view import explanation_view
    from flows.cli.terms import names_of
    from flows.clock import clock
    from pipelines.review.explain import explain_score

    told = explain_score(settings, loaded, user, task, clock(), second_opinion=second_opinion)
    emit(told, common.json, lambda: explanation_view(told, names_of(loaded.app)))


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


@cli.command(sort_key=7)
def status(*, common: Common = DEFAULT) -> None:
    """Show what is there: each app's data and newest night, who works on it, what is wrong, and whether `serve` runs.

    Example: nightquest status --json

    It ends with 1 when something is wrong; `nightquest doctor` looks deeper.
    """
    from flows.cli.console import emit
    from flows.cli.status import gather_status
    from flows.cli.status_view import status_view

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


@cli.command(sort_key=8)
def serve(*apps: str, common: Common = DEFAULT) -> None:
    """Start Prefect, MLflow and every schedule: nights two hours after the app's day begins, training on Mondays.

    Example: nightquest serve trading

    Args:
        apps: Which apps to schedule; none is every shipped app that has data.
    """
    from flows.server.serve import serve as run

    run(common.settings, apps, lambda text: print(text, flush=True), verbose=common.verbose)  # noqa: T201
