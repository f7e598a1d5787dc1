"""xAPI statements as a store gives them: who acts, when, by which verb, and which of them were taken back."""

from dataclasses import replace

from configs.errors import NightquestError
from pipelines.newapp.guess import Guess
from pipelines.newapp.sample import Column, Table

NAMES = {"object.id": ("activity",)}


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


def voided(table: Table) -> str:
    """Leaves out statements that void others, and those that were voided in what has been delivered."""
    if table.column("id") is None:
        return "(r.\"verb\" ->> '/id') NOT LIKE '%/voided'"
    void = "(v.\"verb\" ->> '/id') LIKE '%/voided'"
    return (
        "(r.\"verb\" ->> '/id') NOT LIKE '%/voided'\n"
        f"  AND NOT EXISTS (SELECT 1 FROM {table.name} AS v WHERE {void} AND (v.\"object\" ->> '/id') = r.id)"
    )


def why_left_of_statements(column: Column, table: Table) -> str:
    """Of a statement only its result and which activity it is about are figures; the rest names and explains."""
    kept = column.name == "object.id" or (column.name.startswith("result.") and column.words[-1] not in {"min", "max"})
    return "names and circumstances" if is_xapi(table) and not kept else ""
