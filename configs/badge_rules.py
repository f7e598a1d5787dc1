"""An app's badges with their rules read: what each rests on, and which version of it is in force."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from configs.app import App
from configs.awarded import Badge, Judged
from configs.errors import AppFileError
from configs.expressions import Rule, Term, parse_rule


@dataclass(frozen=True)
class BadgeRule:
    """A badge and its parsed rule: the one that earns it, or of a judged badge the one that nominates for it.

    Attributes:
        version: 12 hex digits of the rule's text, of the criteria of a judged badge, and of the metrics that the rule
            rests on; part of every award's evidence.
    """

    badge_id: str
    badge: Badge
    rule: Rule
    version: str

    @property
    def judged(self) -> Judged:
        """How the badge is judged.

        Raises:
            ValueError: The badge is earned by rule.
        """
        if self.badge.judged is None:
            raise ValueError(f"{self.badge_id} is earned by rule and not judged")
        return self.badge.judged


def badge_rules(app: App) -> tuple[BadgeRule, ...]:
    """Read the rule of every badge that is earned by rule, in the order of the app's file.

    Raises:
        AppFileError: A rule cannot be read, names an unknown metric or uses what is not allowed.
    """
    return tuple(_read(app, badge_id, badge) for badge_id, badge in app.badges.items() if not badge.judged)


def nominate_rules(app: App) -> tuple[BadgeRule, ...]:
    """Read the nominating rule of every judged badge, in the order of the app's file.

    Raises:
        AppFileError: A rule cannot be read, names an unknown metric or uses what is not allowed.
    """
    return tuple(_read(app, badge_id, badge) for badge_id, badge in app.badges.items() if badge.judged)


def terms_of(rules: Iterable[BadgeRule]) -> tuple[Term, ...]:
    """The numbers that these rules rest on, each once, in a fixed order."""
    terms = {term.column: term for rule in rules for term in rule.rule.terms}
    return tuple(terms[column] for column in sorted(terms))


def term_label(term: Term) -> str:
    """How a term is written in an app file: `answers` or `last(answers, 7)`."""
    return term.metric if term.days is None else f"last({term.metric}, {term.days})"


def _read(app: App, badge_id: str, badge: Badge) -> BadgeRule:
    try:
        rule = parse_rule(badge.condition, app.metrics)
    except ValueError as error:
        key = "judged.nominate_when" if badge.judged else "when"
        raise AppFileError(
            f"badges.{badge_id}.{key} of '{app.app}': {error}.", "Mend the rule in the app file."
        ) from None
    metrics = [app.metrics[term.metric].model_dump_json(exclude=_WORDS) for term in rule.terms]
    meaning = [badge.condition, *([badge.judged.criteria] if badge.judged else []), *metrics]
    return BadgeRule(badge_id, badge, rule, hashlib.sha256("\n".join(meaning).encode()).hexdigest()[:12])


_WORDS = {"label", "unit", "plural", "task"}
