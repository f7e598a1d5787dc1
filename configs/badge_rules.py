"""An app's badges with their rules read: what each rests on, and which version of it is in force."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from configs.app import App
from configs.badges import Badge, Judged
from configs.errors import AppFileError
from configs.expressions import Rule, Term, parse_rule
from configs.metrics import METRIC_WORDS


@dataclass(frozen=True)
class BadgeRule:
    """A badge and its parsed rule: the one that earns it, or of a judged badge the one that nominates for it.

    Attributes:
        version: 12 hex digits of the rule's text, of the criteria of a judged badge, of the metrics that the rule
            rests on, and of what it requires, its season and how it repeats; part of every award's evidence.
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

    @property
    def per(self) -> int | None:
        """Earned again with each so many more of `counted`."""
        return self.badge.repeat.by_number if self.badge.repeat else None

    @property
    def counted(self) -> Term:
        """What `per` counts.

        Raises:
            ValueError: It is not earned again by number.
        """
        if self.badge.repeat is None or self.badge.repeat.of is None:
            raise ValueError(f"{self.badge_id} is not earned again with so many more")
        return Term(self.badge.repeat.of, None)

    @property
    def period(self) -> str:
        """The span in each of which it can be earned again; empty for none."""
        return self.badge.period


def badge_rules(app: App) -> tuple[BadgeRule, ...]:
    """Read the rule of every badge that is earned by rule, in the order of the app's file.

    Raises:
        AppFileError: A rule cannot be read, names an unknown metric or uses what is not allowed.
    """
    return tuple(_read(app, badge_id, badge) for badge_id, badge in app.badges.items() if badge.when)


def nominate_rules(app: App) -> tuple[BadgeRule, ...]:
    """Read the nominating rule of every judged badge, in the order of the app's file.

    Raises:
        AppFileError: A rule cannot be read, names an unknown metric or uses what is not allowed.
    """
    return tuple(_read(app, badge_id, badge) for badge_id, badge in app.badges.items() if badge.judged)


def earnable_rules(app: App) -> tuple[BadgeRule, ...]:
    """The rules that badges can be earned by now: of those that are open."""
    return tuple(rule for rule in badge_rules(app) if rule.badge.state == "open")


def once_rules(app: App) -> tuple[BadgeRule, ...]:
    """Those of `earnable_rules` whose badges are earned once: of which one can ask whether and when it will be."""
    return tuple(rule for rule in earnable_rules(app) if not rule.badge.repeat)


def open_nominate_rules(app: App) -> tuple[BadgeRule, ...]:
    """The nominating rules of the judged badges that are open."""
    return tuple(rule for rule in nominate_rules(app) if rule.badge.state == "open")


def in_levels(rules: Iterable[BadgeRule]) -> tuple[tuple[BadgeRule, ...], ...]:
    """Rules in the order in which they can be looked at: each after those among them that its badge requires."""
    left = {rule.badge_id: rule for rule in rules}
    levels = []
    while left:
        ready = tuple(rule for rule in left.values() if not left.keys() & {*rule.badge.requires})
        if not ready:
            raise ValueError(f"badges require each other: {', '.join(left)}")
        levels.append(ready)
        left = {name: rule for name, rule in left.items() if rule not in ready}
    return tuple(levels)


def terms_of(rules: Iterable[BadgeRule]) -> tuple[Term, ...]:
    """The numbers that these rules rest on, each once, in a fixed order."""
    terms = {term.column: term for rule in rules for term in rule.rule.terms}
    return tuple(terms[column] for column in sorted(terms))


def events_counted(app: App, rule: BadgeRule, *also: str) -> list[str]:
    """The events that the metrics of a rule count, each once; `also` of other metrics."""
    metrics = [*(term.metric for term in rule.rule.terms), *also]
    return list(dict.fromkeys(event for name in metrics for event in app.metrics[name].events or app.active_events))


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
    metrics = [app.metrics[term.metric].model_dump_json(exclude=METRIC_WORDS) for term in rule.terms]
    meaning = [badge.condition, *([badge.judged.criteria] if badge.judged else []), *metrics]
    if app.streaks_meaning and any(app.metrics[term.metric].aggregation.runs for term in rule.terms):
        meaning.append(app.streaks_meaning)
    bounds = badge.model_dump(mode="json", include=_BOUNDS, exclude_defaults=True)
    meaning += [json.dumps(bounds, sort_keys=True)] if bounds else []
    version = hashlib.sha256("\n".join(meaning).encode()).hexdigest()[:12]
    found = BadgeRule(badge_id, badge, rule.within(badge.span) if badge.span else rule, version)
    return replace(found, rule=found.rule.resting_on(found.counted)) if found.per else found


_BOUNDS = {"requires", "repeat", "season"}
