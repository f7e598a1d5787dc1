"""What a badge still asks for, in the app's language: SQL expressions that build the text from named numbers."""

import re
from collections.abc import Mapping
from functools import reduce
from typing import Any

from sqlglot import exp

from configs.app import App
from configs.expressions import Term
from configs.nouns import is_currency, minutes_of
from configs.spans import period_of
from configs.speaking import own_language
from configs.voice import locale_of
from configs.wording import MetricWords, metric_words

_NAMED: Mapping[type[exp.Expression], str] = {
    exp.GT: "above",
    exp.GTE: "least",
    exp.LT: "below",
    exp.LTE: "most",
    exp.EQ: "exactly",
    exp.NEQ: "other",
}
_BETWEEN = "chr(31)"  # parts, until the last of them is known


def text_sql(value: str) -> str:
    """A text as SQL has it."""
    return exp.Literal.string(value).sql(dialect="duckdb")


class Words:
    """The sentences of one app, in its own language; every method gives SQL for a text."""

    def __init__(self, app: App, terms: Mapping[str, Term]) -> None:
        self._app, self._terms, self._locale = app, terms, locale_of(own_language(app))

    def more(self, term: Term, missing: str) -> str:
        """So many more of what is counted: '3 more answers given within 7 days'."""
        words = metric_words(self._app, term.metric)
        if words is not None and minutes_of(words.unit) == 1:  # of which people name no parts
            missing = f"CASE WHEN {missing} >= 1 THEN ceil(round({missing}, 6)) ELSE {missing} END"
        number = self._number(missing)
        if words is None or not words.unit:
            name = self._name(term)
            return _filled(self._within(term, self._locale.missing.more_of, name), n=number, a=text_sql(name))
        named = (words.one, words.many) if words.measure == "total" else (words.unit, words.plural)
        if _is_sign(words.unit):  # '$570 more spent'
            spent = named[1].removeprefix(words.unit).strip()
            template = self._within(term, self._locale.missing.more, spent)
            template = template if spent else template.replace("{a}", "").strip()
            return _filled(template, n=self._money(words.unit, missing), a=text_sql(spent))
        return _filled(self._within(term, self._locale.missing.more, named[1]), n=number, a=_noun(*named, missing))

    def level(self, term: Term, kind: type[exp.Expression], goal: str, now: str) -> str:
        """What a number is to come to, and what it is: 'your best score at 8 points or more (now 6)'."""
        words, grows = metric_words(self._app, term.metric), self._app.metrics[term.metric].aggregation.grows
        said = self._locale.missing
        if grows and words and words.unit and (template := _of(said.counts, kind)):
            within = self._within(term, template, words.plural)
            asked = _filled(within, n=self._number(goal), a=_noun(words.unit, words.plural, goal))
            if issubclass(kind, exp.LTE | exp.EQ):
                none = _filled(self._within(term, said.counts["none"], words.plural), a=text_sql(words.plural))
                asked = f"CASE WHEN {goal} = 0 THEN {none} ELSE {asked} END"
            value = self._number(now)
        else:
            template = _of(said.levels, kind) or "{a}"
            asked = _filled(template, n=self._measured(words, goal, unit=True), a=text_sql(self._over(term)))
            value = self._measured(words, now, unit=False)
        return f"coalesce({_filled(said.now, a=asked, n=value)}, {asked})"

    def shown(self, term: Term, number: str) -> str:
        """The number that is told of a metric: a share in hundredths."""
        return f"(100 * {number})" if self._is_share(metric_words(self._app, term.metric)) else number

    def readable(self, node: exp.Expression) -> str:
        """A condition between metrics in their words: 'trades over 28 days equal to stop-losses set over 28 days'."""
        template = _of(self._locale.missing.compared, type(node)) if type(node) in _NAMED else None
        if template and isinstance(node, exp.Binary):
            return template.replace("{a}", self._plain(node.this)).replace("{b}", self._plain(node.expression))
        return self._plain(node)

    def all_of(self, parts: list[str]) -> str:
        """Those of some texts that are not null: 'a, b and c'; null without any."""
        joint = text_sql(self._locale.joined.replace("{a}", "").replace("{b}", ""))
        listed = f"concat_ws({_BETWEEN}, {', '.join(parts)})"
        ended = f"regexp_replace({listed}, {_BETWEEN} || '([^' || {_BETWEEN} || ']*)$', {joint} || '\\1')"
        return f"nullif(replace({ended}, {_BETWEEN}, ', '), '')"

    def _plain(self, node: exp.Expression) -> str:
        names = {name: exp.Var(this=self._over(term)) for name, term in self._terms.items()}
        told = node.transform(lambda n: names[n.name].copy() if isinstance(n, exp.Column) else n).sql(dialect="duckdb")
        signs = self._locale.missing.signs
        return reduce(lambda text, sign: text.replace(f" {sign} ", f" {signs[sign]} "), signs, told)

    def _name(self, term: Term) -> str:
        return self._app.called(term.metric)

    def _over(self, term: Term) -> str:
        """A metric and the days over which it counts: 'trades over 28 days'."""
        if term.days:
            locale = self._locale
            days = locale.span.replace("{n}", str(term.days)) if term.days > 1 else locale.past_day.replace("{a}", "")
            return f"{self._name(term)} {days.strip()}"
        span = period_of(term.span)
        return self._this(span).replace("{a}", self._name(term)) if span else self._name(term)

    def _within(self, term: Term, template: str, named: str) -> str:
        """A template with that it is counted in a row, where its name does not say so, and within which days."""
        locale = self._locale
        if self._app.metrics[term.metric].aggregation.runs:  # a run that is long enough may begin before the days
            tail = locale.missing.in_a_row.replace("{a}", "")
            template += "" if named.endswith(tail) else tail
        elif term.days:
            frame = locale.past.replace("{n}", str(term.days)) if term.days > 1 else locale.past_day
            return frame.replace("{a}", template)
        span = period_of(term.span)
        return self._this(span).replace("{a}", template) if span else template

    def _this(self, span: str) -> str:
        spans: Mapping[Any, str] = self._locale.missing.this
        return spans.get(span) or spans["season"]

    @staticmethod
    def _is_share(words: MetricWords | None) -> bool:
        return words is not None and words.measure == "share"

    def _measured(self, words: MetricWords | None, number: str, *, unit: bool) -> str:
        """A number as its metric is measured: '88.5%', '250,000 points'; what it is now without the noun."""
        if self._is_share(words):
            return _filled(self._locale.percent, n=self._number(number))
        told = self._number(number)
        if words is None or not words.unit or words.measure != "level":
            return told
        if _is_sign(words.unit):
            return self._money(words.unit, number)
        if words.unit[:1] in "%°":
            return f"{told} || {text_sql(words.unit)}"
        return f"{told} || ' ' || {_noun(words.unit, words.plural, number)}" if unit else told

    def _money(self, sign: str, sql: str) -> str:
        """An amount with the sign of its currency: '$570', '€12.50'; '12,50 €' in German."""
        number = self._number(sql)
        tenths = text_sql(f"({re.escape(self._locale.decimal)}\\d)$")
        return _filled(self._locale.money, n=f"regexp_replace({number}, {tenths}, '\\10')", a=text_sql(sign))

    def _number(self, sql: str) -> str:
        """A number as the language writes it: thousands apart, no decimals where there are none."""
        written = f"regexp_replace(format('{{:,.2f}}', ({sql})::DOUBLE), '\\.?0+$', '')"
        marks = self._locale.thousands + self._locale.decimal
        return written if marks == ",." else f"translate({written}, ',.', {text_sql(marks)})"


def _is_sign(unit: str) -> bool:
    """Whether it is a sign of money, not its name."""
    return is_currency(unit) and len(unit) == 1


def _noun(one: str, many: str, count: str) -> str:
    return text_sql(one) if one == many else f"CASE WHEN {count} = 1 THEN {text_sql(one)} ELSE {text_sql(many)} END"


def _filled(template: str, **values: str) -> str:
    """A template with SQL texts in its slots."""
    cut = re.split(r"\{(\w)\}", template)
    parts = [f"({values[piece]})" if i % 2 else text_sql(piece) for i, piece in enumerate(cut) if piece]
    return f"({' || '.join(parts)})"


def _of(templates: Mapping[Any, str], kind: type[exp.Expression]) -> str | None:
    """The template of a comparison, if there is one."""
    return templates.get(_NAMED[kind])
