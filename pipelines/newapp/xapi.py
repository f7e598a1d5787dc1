"""xAPI statements as a store gives them: who acts, when, by which verb, and which of them take others back."""

from dataclasses import dataclass, replace

from configs.errors import NightquestError
from pipelines.newapp.guess import Guess
from pipelines.newapp.sample import Column, Table

NAMES = {"object.id": ("activity",)}


@dataclass(frozen=True)
class Voiding:
    """Statements that take others back, as SQL over a table `r`: the condition, and the id of what each takes back."""

    condition: str
    target: str


def is_xapi(table: Table) -> bool:
    """Whether they are xAPI statements."""
    names = {column.name for column in table.columns}
    return "verb.id" in names and "object.id" in names and any(name.startswith("actor.") for name in names)


def who_when_what(table: Table, told: list[Guess]) -> tuple[Column, Column, Column]:
    """Who acts, when, and the verb.

    Raises:
        NightquestError: The statements lack an identified actor or a timestamp.
    """
    by_name = {column.name: column for column in table.columns}
    ids = [
        c for n in ("actor.account.name", "actor.mbox", "actor.mbox_sha1sum", "actor.openid") if (c := by_name.get(n))
    ]
    when = by_name.get("timestamp") or by_name.get("stored")
    if not ids or when is None:
        raise NightquestError(
            f"The statements of {table.files[0]} lack an identified actor or a timestamp.", "xAPI needs both."
        )
    who = replace(ids[0], sql=f"coalesce({', '.join(c.sql for c in ids)})" if len(ids) > 1 else ids[0].sql)
    if when.name == "timestamp" and (stored := by_name.get("stored")):
        read = f"coalesce({when.form.sql}, {stored.form.sql})"
        when = replace(when, form=replace(when.form, sql=read))
    told.append(Guess("layout", "xAPI statements", "each has an actor, a verb and an object"))
    told.append(Guess("player", ", ".join(c.name for c in ids), "who acts"))
    told.append(Guess("moment", when.name, when.form.told))
    told.append(Guess("kind of event", "verb.id", f"{by_name['verb.id'].distinct} verbs"))
    return who, when, by_name["verb.id"]


def statement_id(table: Table, told: list[Guess]) -> Column | None:
    """What tells statements apart, and those sent again from new ones."""
    found = table.column("id")
    told.append(Guess("event id", found.name if found else "none", "the id that xAPI gives each statement"))
    return found


def voiding(table: Table) -> Voiding | None:
    """Which statements void others, and which others; None without the ids by which they would be told."""
    if table.column("id") is None:
        return None
    return Voiding("(r.\"verb\" ->> '/id') LIKE '%/voided'", "r.\"object\" ->> '/id'")


def why_left_of_statements(column: Column, table: Table) -> str:
    """Of a statement only its result and which activity it is about are figures; the rest names and explains."""
    kept = column.name == "object.id" or (column.name.startswith("result.") and column.words[-1] not in {"min", "max"})
    return "names and circumstances" if is_xapi(table) and not kept else ""
