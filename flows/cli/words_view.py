"""How the commands about words draw their results."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.nouns import counted
from flows.cli.drawing import Grid, figures_table, literal, note

if TYPE_CHECKING:
    from pipelines.night.preview import Priced


def prices_view(prices: Sequence["Priced"]) -> RenderableType:
    """What each night would ask, and for how much."""
    return Group(*(_price(price) for price in prices))


def texts_view(user: str, texts: Sequence[Mapping[str, Any]]) -> RenderableType:
    """One player's texts, each with who wrote it."""
    return Group(Text(f"Written for {user}, not issued", style="bold"), *(_text(text) for text in texts))


def spending_view(result: Mapping[str, Any]) -> RenderableType:
    """The month, and a line a night."""
    month = f"${result['month_usd']:.4f} of ${result['max_cost_usd_per_month']:.2f} this month (UTC)"
    table = _table(
        *("Night by night", "app", "night", "answered", "no answer", "in flight", "cost", "may be billed too"),
        *("killed", "resent"),
    )
    for night in result["nights"]:
        table.add_row(
            night["app"],
            night["night"],
            f"{night['answered']:,}",
            f"{night['calls'] - night['answered'] - night['in_flight']:,}",
            f"{night['in_flight']:,}",
            _usd(night["cost_usd"]),
            _usd(night["reserved_usd"]),
            str(night["in_flight_at_kill"]),
            str(night["resent"]),
        )
    return Group(Text(month, style="bold"), table)


def collected_view(result: Mapping[str, Any]) -> RenderableType:
    """What batches have brought; what did not happen is left out."""
    happened = {name: value for name, value in result.items() if value}
    return figures_table("Collected", happened) if happened else Text("No batch is out: there is nothing to collect.")


def submitted_view(app: str, result: Mapping[str, Any]) -> RenderableType:
    """What was sent ahead, and what reads it."""
    told = f"The night reads what has come back by then; this fetches it before: {command('collect')}"
    if not result["requests"]:
        told = "No brief lacks texts: there is nothing to send."
    elif not result["batches"]:
        told = (
            "Nothing was sent: each request was asked before, could cost more than is left "
            f"(see: {command('spending')}), or its provider did not take the batch. The night asks live for what is "
            "missing."
        )
    notes = (note(told) for told in result["notes"])
    return Group(figures_table(f"Sent ahead for {app}", result), *notes, note(told, "dim"))


def prompts_view(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Every prompt with what its file says and what serves."""
    table = _table("Prompts", "prompt", "file", "serves", "version in MLflow")
    for row in rows:
        differs = row["file"] != row["serves"]
        serves = Text(row["serves"] + (" (not the file's)" if differs else ""), style="yellow" if differs else "")
        version = "from the file" if row["registry_version"] is None else str(row["registry_version"])
        table.add_row(row["prompt"], row["file"], serves, version)
    return table


def _price(price: "Priced") -> RenderableType:
    table = _table(f"The night of {price.as_of} would ask", "model", "for", "requests", "known", "likely", "at most")
    for row in price.rows.iter_rows(named=True):
        table.add_row(
            f"{row['provider']} {row['model']}",
            row["purpose"],
            f"{row['requests']:,}",
            f"{row['answered_before']:,}",
            _usd(row["likely_usd"]),
            _usd(row["at_most_usd"]),
        )
    likely, most = (float(price.rows[name].sum()) for name in ("likely_usd", "at_most_usd"))
    asked = f"Without texts: {counted(price.lacking, 'brief')}. Likely {_usd(likely)}, at most {_usd(most)}."
    spent = f"The night may cost {_usd(price.budget_usd)}, of which {_usd(price.spent_usd)} is spent or reserved."
    lines = [asked, f"{spent} The month has {_usd(price.month_usd)} left."]
    return Group(table, *map(Text, lines), *(note(told) for told in price.notes))


def _text(text: Mapping[str, Any]) -> RenderableType:
    told = json.loads(text["metadata"] or "{}")
    how = ", ".join(f"{name} {value}" for name, value in told.items() if name not in {"language", "judged"})
    who = f"{text['content_type']}, {text['ai_provider']} {text['model']}, prompt {text['prompt_version']}; {how}"
    body = Group(literal(text["text"]), literal(who, "dim"))
    return Panel(body, title=literal(text["title"] or "", "bold"), title_align="left")


def _table(title: str, *names: str) -> Table:
    numbers = {
        "requests",
        "known",
        "likely",
        "at most",
        "answered",
        "no answer",
        "in flight",
        "cost",
        "may be billed too",
        "killed",
        "resent",
    }
    table = Grid(title=title, title_justify="left", title_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=name == "night")
    return table


def _usd(value: float) -> str:
    return f"${value:,.4f}" if abs(value) < 1 else f"${value:,.2f}"
