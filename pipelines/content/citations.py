"""Citations: what a badge was given for, in words."""

import polars as pl

from configs.app import App
from configs.voice import Locale, voice_defaults
from pipelines.badges.rules import BadgeRule, badge_rules, term_label
from pipelines.content.briefs import Brief
from pipelines.content.offline import LANGUAGE, write_briefs
from pipelines.content.render import LARGEST, amount_text, by_value, fill_slots
from pipelines.content.validate import EVIDENCE_LENGTH
from pipelines.content.wording import metric_words

TEXTS = 24
SEED = 0
_AROUND = 26  # characters of a number, the days it was measured over, and what joins it to the next


def write_citations(app: App, awards: pl.DataFrame) -> pl.DataFrame:
    """Say what each badge was given for. The same award gets the same words.

    Args:
        app: Its badges' rules and titles and its metrics' words.
        awards: award_id, badge_id, evidence (JSON text whose `values` hold a number by metric or `last(metric, days)`).

    Returns:
        award_id, citation; in the order of the input.

    Raises:
        AppFileError: A badge's title leaves no way to cite it.
    """
    locale = voice_defaults().locale(LANGUAGE)
    rows = awards.select("award_id", "badge_id", pl.col("evidence").cast(pl.String)).with_row_index("order")
    cited = [_cite(app, rule, rows.filter(pl.col("badge_id") == rule.badge_id), locale) for rule in badge_rules(app)]
    found = pl.concat([rows.select("order", "award_id", citation=pl.lit(None, pl.String)).clear(), *cited])
    return rows.join(found.select("order", "citation"), on="order", how="left").select("award_id", "citation")


def _cite(app: App, rule: BadgeRule, rows: pl.DataFrame, locale: Locale) -> pl.DataFrame:
    """order, award_id, citation of one badge's awards."""
    rows = rows.with_columns(shown=_evidence(app, rule, locale))
    texts = write_briefs(app, [_brief(rule, occasion) for occasion in ("shown", "none")], seed=SEED)
    occasion = pl.when(pl.col("shown").is_null()).then(pl.lit("none")).otherwise(pl.lit("shown"))
    turn = pl.col("award_id").str.head(8).str.to_integer(base=16, strict=False).fill_null(0)
    sizes = dict(texts.select("brief_id", "n").unique().iter_rows())
    chosen = rows.with_columns(brief=pl.format(rule.badge_id + "/{}", occasion)).with_columns(
        template=pl.format("{}/{}", "brief", turn % pl.col("brief").replace_strict(sizes, return_dtype=pl.Int64))
    )
    templates = texts.select("text", template=pl.format("{}/{}", "brief_id", "index"))
    filled = fill_slots(chosen, templates, {"evidence": pl.col("shown")}, on="template")
    return filled.select("order", "award_id", citation="text")


def _brief(rule: BadgeRule, occasion: str) -> Brief:
    return Brief(
        brief_id=f"{rule.badge_id}/{occasion}",
        content_type="badge_citation",
        persona="",
        metric=rule.badge_id,
        difficulty="",
        language=LANGUAGE,
        occasion=occasion,
        variants=TEXTS,
    )


def _evidence(app: App, rule: BadgeRule, locale: Locale) -> pl.Expr:
    """The rule's numbers in words: '15 drills within 7 days and 5 journal entries'; null when there is none to tell."""
    texts, room = [], EVIDENCE_LENGTH
    for term in sorted(rule.rule.terms, key=lambda term: rule.badge.when.find(term_label(term))):
        words = metric_words(app, term.metric)
        room -= len(words.many) + _AROUND if words else 0
        if words is None or room < 0:
            break
        value = pl.col("evidence").str.json_path_match(f"$.values['{term_label(term)}']").cast(pl.Float64, strict=False)
        amount = amount_text(app, pl.lit(term.metric), value, locale)
        if term.days:
            past = locale.past_day if term.days == 1 else locale.past.replace("{n}", str(term.days))
            amount = by_value(past, "{a}", amount)
        tells = value.is_finite() & (value > 0) & (value < LARGEST)
        texts.append(pl.when(tells).then(amount))
    if not texts:
        return pl.lit(None, dtype=pl.String)
    told = _enumerated(pl.concat_list(texts).list.drop_nulls(), locale)
    return pl.when(told.str.len_chars() <= EVIDENCE_LENGTH).then(told)


def _enumerated(texts: pl.Expr, locale: Locale) -> pl.Expr:
    """A list of texts as one: 'a, b and c'; null for none."""
    first, last = texts.list.head(texts.list.len() - 1).list.join(", "), texts.list.last()
    several = by_value(locale.joined.replace("{b}", ""), "{a}", first) + last
    return pl.when(texts.list.len() > 1).then(several).otherwise(last)
