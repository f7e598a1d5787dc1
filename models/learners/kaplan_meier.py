"""Kaplan and Meier's survival curve for players who are alike in how much they play."""

from typing import ClassVar

from models.statistics.rates import Rates


class KaplanMeier(Rates):
    """The share of those who left, by days with play of the last four weeks."""

    name: ClassVar[str] = "kaplan_meier"
    does: ClassVar[str] = "Kaplan-Meier curves by days with play of the last four weeks"
    suits: ClassVar[frozenset[str]] = frozenset({"churn"})
    by: ClassVar[str] = "active_days_28"
