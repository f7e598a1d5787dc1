"""What words have cost."""

from dataclasses import asdict
from typing import Any

from configs.settings import Settings
from flows.clock import clock
from models.language.ledger import Run, open_ledger


def read_spending(settings: Settings, app: str | None) -> dict[str, Any]:
    """What was spent: this month, night by night, and what is still out."""
    with open_ledger(settings.home, clock) as ledger:
        return {
            "month_usd": ledger.spent_in_month(),
            "max_cost_usd_per_month": settings.max_cost_usd_per_month,
            "max_cost_usd": settings.max_cost_usd,
            "nights": [
                {"app": name, "night": night} | asdict(ledger.report(Run(name, night, ""), whole_night=True))
                for name, night in ledger.nights(app)
            ],
        }
