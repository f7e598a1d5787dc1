"""The commands about badges: who awaits a decision, how badges do, rules against what was given. Heavy imports wait."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.command import DEFAULT, Common, check_each, cli, end_warned


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

    A wrong row of the file is told with its line and reason, and the others are taken: it ends with 4, or with 2 if
    all are wrong.

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
        end_warned(warned=bool(result.wrong))
        return
    size = limit or (None if common.json and page == 1 else PER_PAGE)
    report = gather_held(common.settings.home, loaded.app, badge, user, page=page, limit=size)
    emit(report, common.json, lambda: held_view(report))


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
