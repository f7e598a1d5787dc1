"""One shop's purchases, and a school's xAPI statements, written as systems export them, from a seed."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

LAST_DAY = dt.date(1998, 6, 30)
Rows = list[tuple[str, dt.datetime, int, float]]


def purchases(people: int = 60, days: int = 120, seed: int = 3) -> Rows:
    """(customer, when, quantity, amount), by time: some come weekly, most now and then."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(1.2, 0.06, people)
    came = np.argwhere(rng.random((people, days)) < pace[:, None])
    first = dt.datetime.combine(LAST_DAY - dt.timedelta(days=days - 1), dt.time())
    rows = [
        (
            f"{who + 1:05}",
            first + dt.timedelta(days=int(day), minutes=int(rng.integers(8 * 60, 20 * 60))),
            int(quantity := rng.geometric(0.5)),
            round(float(quantity * rng.lognormal(2.5, 0.3)), 2),
        )
        for who, day in came
    ]
    return sorted(rows, key=lambda row: row[1])


def cdnow(folder: Path, rows: Rows) -> Path:
    """A CSV with a header, dates as one number."""
    lines = [f"{who},{when:%Y%m%d},{n},{amount:.2f}" for who, when, n, amount in rows]
    return _write(folder / "cdnow_purchases.csv", "customer id,date,quantity,amount", lines)


def cdnow_bare(folder: Path, rows: Rows) -> Path:
    """The same as the well-known file has it: columns at fixed places, no header."""
    lines = [f" {who} {when:%Y%m%d} {n:2} {amount:7.2f}" for who, when, n, amount in rows]
    return _write(folder / "CDNOW_master.txt", "", lines)


def excel(folder: Path, rows: Rows) -> Path:
    """What a German Excel saves: semicolons, cp1252, days first, a decimal comma and marks of thousands."""
    german = str.maketrans(",.", ".,")
    lines = [
        f"{who};Mühle {'ABC'[n % 3]};{when:%d.%m.%Y %H:%M};{n};{f'{amount:,.2f}'.translate(german)} €"
        for who, when, n, amount in rows
    ]
    path = folder / "Verkaeufe.csv"
    path.write_bytes("\r\n".join(["Kundennummer;Geschäft;Kaufdatum;Menge;Betrag", *lines, ""]).encode("cp1252"))
    return path


def lines(folder: Path, rows: Rows) -> Path:
    """JSON lines with documents within."""
    kinds = ("add_to_cart", "order_placed", "product_view")
    return _write(
        folder / "tracking.jsonl",
        "",
        [
            json.dumps(
                {
                    "_id": f"t{nth}",
                    "user": {"id": who, "email": f"{who}@shop.example"},
                    "action": kinds[nth % 3],
                    "ts": int(when.replace(tzinfo=dt.UTC).timestamp() * 1000),
                    "payload": {"total": amount} if nth % 3 == 1 else {"item_id": f"sku-{n}"},
                }
            )
            for nth, (who, when, n, amount) in enumerate(rows)
        ],
    )


def array(folder: Path, rows: Rows) -> Path:
    """One array of objects over many lines, times with an offset."""
    documents = [
        {"orderId": nth, "buyer": who, "createdAt": f"{when:%Y-%m-%dT%H:%M:%S}+02:00", "items": n, "isGift": n > 3}
        for nth, (who, when, n, _) in enumerate(rows)
    ]
    return _write(folder / "orders.json", json.dumps(documents, indent=2), [])


def statements(folder: Path, rows: Rows) -> Path:
    """xAPI statements as a store gives them, some of them voided later."""
    verbs = ("completed", "answered", "experienced")
    found = [_statement(nth, row, verbs[nth % 3]) for nth, row in enumerate(rows)]
    for nth in range(0, len(rows), 40):
        void = _statement(len(found), rows[nth], "voided")
        found.append(void | {"object": {"objectType": "StatementRef", "id": found[nth]["id"]}})
    return _write(folder / "statements.json", json.dumps(found, indent=1), [])


def _statement(nth: int, row: tuple[str, dt.datetime, int, float], verb: str) -> dict[str, object]:
    who, when, n, amount = row
    result = {"score": {"scaled": round(amount % 1, 2), "raw": n}, "success": n > 1, "duration": f"PT{n}M{nth % 60}S"}
    return {
        "id": f"7ccd3322-e1a5-411a-a67d-6a735c{nth:06x}",
        "actor": {"objectType": "Agent", "mbox": f"mailto:{who}@school.example", "name": f"Learner {who}"},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"en-US": verb}},
        "object": {"id": f"http://school.example/units/{n}", "definition": {"name": {"en-US": f"Unit {n}"}}},
        "timestamp": f"{when:%Y-%m-%dT%H:%M:%S}.000Z",
        "stored": f"{when:%Y-%m-%dT%H:%M:%S}.500Z",
        "version": "1.0.3",
        **({"result": result} if verb == "answered" else {}),
    }


EXPORTS: dict[str, Callable[[Path, Rows], Path]] = {
    "purchase log": cdnow,
    "columns at fixed places": cdnow_bare,
    "Excel": excel,
    "JSON lines": lines,
    "JSON array": array,
    "xAPI": statements,
}


def _write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([*([header] if header else []), *rows, ""]), encoding="utf-8")
    return path
