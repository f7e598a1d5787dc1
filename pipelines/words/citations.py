"""Citations: what a badge was given for, in words."""

from collections.abc import Iterable, Iterator

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule, badge_rules, nominate_rules, term_label
from configs.speaking import own_language, speaking, written_in
from configs.voice import Locale, locale_of, primary
from configs.wording import metric_words
from pipelines.words.briefs import BRIEF_KEYS, brief_pieces
from pipelines.words.checks.validate import EVIDENCE_LENGTH
from pipelines.words.numbers import LARGEST, by_value
from pipelines.words.render import amount_text, fill_slots
from pipelines.words.worded import AT_A_TIME
from pipelines.words.writers.source import Offline, Source

SEED = 0
LARGE = 100  # from here on nobody tells a fraction
_AROUND = 26  # characters of a number, the days it was measured over, and what joins it to the next


def write_citations(app: App, awards: pl.DataFrame, source: Source | None = None) -> pl.DataFrame:
    """Say what each badge was given for.

    Args:
        app: Its badges' rules and titles and its metrics' words.
        awards: award_id, player_key, badge_id, evidence (JSON text whose `values` hold a number by metric or
            `last(metric, days)`), and language where players read several; without it the app's own.
        source: Where texts come from; None is the offline writer, which gives the same award the same words.

    Returns:
        award_id, citation; in the order of the input.

    Raises:
        AppFileError: A badge's title leaves no way to cite it.
    """
    source = source or Offline(app, SEED)
    read = pl.col("language") if "language" in awards.columns else pl.lit(own_language(app))
    rows = awards.select("award_id", "player_key", "badge_id", pl.col("evidence").cast(pl.String), language=read)
    shown = list[pl.DataFrame]()

    def wanted() -> Iterator[pl.DataFrame]:
        for some in [*rows.iter_slices(AT_A_TIME)] or [rows]:
            numbered = some.with_row_index("order")
            shown.append(_shown(app, numbered))
            yield source.sign(_wanted(_with_evidence(numbered, shown[-1])))

    briefs, signed = brief_pieces(app, wanted(), ("award_id", "player_key"))
    texts = source.texts(briefs, signed)
    texts = texts.with_columns(said_in=pl.col("language").str.split("-").list.first().str.to_lowercase())
    pieces = [*signed.iter_slices(AT_A_TIME)] or [signed]
    return pl.concat(_cited(some, told, texts) for some, told in zip(pieces, shown, strict=True))


def _with_evidence(rows: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Numbered rows with the evidence in the language that is tried first; null where there is none worth telling."""
    told = shown.unique("order", keep="first").select("order", "shown")
    return rows.join(told, on="order", how="left", maintain_order="left")


def _cited(signed: pl.DataFrame, shown: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """award_id and citation of some awards, whose rows `shown` numbers."""
    turn = pl.col("award_id").str.head(8).str.to_integer(base=16, strict=False).fill_null(0)
    chosen = _with_evidence(signed.with_row_index("order"), shown)
    chosen = chosen.join(texts.select("brief_id", "n").unique(), on="brief_id", how="left", maintain_order="left")
    chosen = chosen.with_columns(template=pl.format("{}/{}", "brief_id", turn % pl.col("n")))
    templates = texts.select("text", "said_in", template=pl.format("{}/{}", "brief_id", "index"))
    chosen = chosen.join(templates.drop("text"), on="template", how="left", maintain_order="left")
    chosen = chosen.join(shown.rename({"shown": "as_said"}), on=["order", "said_in"], how="left", maintain_order="left")
    evidence = pl.coalesce("as_said", "shown")
    filled = fill_slots(chosen, templates.drop("said_in"), {"evidence": evidence}, on="template")
    return filled.select("award_id", citation="text")


def _shown(app: App, rows: pl.DataFrame) -> pl.DataFrame:
    """order, said_in, shown: the evidence in the language that each player reads, and in that of the offline writer."""
    rules = (*badge_rules(app), *nominate_rules(app))
    found = []
    for tag in rows["language"].unique().sort():
        mine = rows.filter(pl.col("language") == tag)
        for language in dict.fromkeys((written_in(app, tag), primary(tag))):
            said = speaking(app, language) or app
            terms = mine.join(_terms(said, rules), on="badge_id", how="inner", maintain_order="left")
            told = _evidence(said, terms, locale_of(language))
            found.append(told.select("order", "shown", said_in=pl.lit(language)))
    return pl.concat(found or [pl.DataFrame(schema={"order": pl.UInt32, "shown": pl.String, "said_in": pl.String})])


def _wanted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the BRIEF_KEYS of their citations: one brief for each badge, with and without evidence."""
    given = {
        "content_type": pl.lit("badge_citation"),
        "metric": pl.col("badge_id"),
        "language": pl.col("language"),
        "occasion": pl.when(pl.col("shown").is_null()).then(pl.lit("none")).otherwise(pl.lit("shown")),
    }
    return rows.with_columns(given.get(name, pl.lit("")).alias(name) for name in BRIEF_KEYS)


_WITHIN = {"day": 1, "week": 7}  # spans that are as long as they say


def _terms(app: App, rules: Iterable[BadgeRule]) -> pl.DataFrame:
    """badge_id, metric, days (null: lifetime) and path in the evidence of each term that there is room for."""
    rows = []
    for rule in rules:
        room = EVIDENCE_LENGTH
        for term in sorted(rule.rule.terms, key=lambda term: rule.rule.text.find(term_label(term))):
            words = metric_words(app, term.metric)
            room -= len(words.many) + _AROUND if words else 0
            if room >= 0:
                rows.append(
                    (rule.badge_id, term.metric, term.days or _WITHIN.get(term.span), f"$.values['{term_label(term)}']")
                )
    schema = {"badge_id": pl.String, "metric": pl.String, "days": pl.Int64, "path": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _evidence(app: App, told: pl.DataFrame, locale: Locale) -> pl.DataFrame:
    """order, shown: the numbers of each award in words: '15 drills finished within 7 days and 5 journal entries'.

    Awards without a number worth telling have no row.
    """
    value = pl.col("evidence").str.json_path_match(pl.col("path")).cast(pl.Float64, strict=False)
    told = told.with_columns(value=value).filter(
        pl.col("value").is_finite() & (pl.col("value") > 0) & (pl.col("value") < LARGEST)
    )
    size = pl.col("value").abs()
    mean = pl.col("metric").is_in([name for name, one in app.metrics.items() if one.agg == "mean"])
    rounded = pl.when(size >= 100).then(pl.col("value").round()).when(size >= 10).then(pl.col("value").round(1))
    lower = pl.col("metric").is_in([name for name, one in app.metrics.items() if one.better == "lower"])
    whole = pl.when(lower).then(pl.col("value").ceil()).otherwise(pl.col("value").floor())
    large = pl.when(size >= LARGE).then(whole).otherwise("value")  # '326 minutes', and nothing that was not reached
    told = told.with_columns(value=pl.when(mean).then(rounded.otherwise("value")).otherwise(large))
    told = told.with_columns(
        amount=amount_text(app, pl.col("metric"), pl.col("value"), locale, reached=True), within=_within(app, locale)
    )
    followed = pl.col("within") == pl.col("within").shift(-1).over("order")
    text = pl.col("amount") + pl.when(followed.fill_null(value=False)).then(pl.lit("")).otherwise("within")
    lists = (
        told.with_columns(text=text)
        .group_by("order", maintain_order=True)
        .agg("text")
        .with_columns(
            first=pl.col("text").list.head(pl.col("text").list.len() - 1).list.join(", "),
            last=pl.col("text").list.last(),
        )
    )
    several = by_value(locale.joined.replace("{b}", ""), "{a}", pl.col("first")) + pl.col("last")
    shown = pl.when(pl.col("first") == "").then("last").otherwise(several)
    return lists.select("order", shown=shown).filter(pl.col("shown").str.len_chars() <= EVIDENCE_LENGTH)


def _within(app: App, locale: Locale) -> pl.Expr:
    """The days that a number was measured over, as they stand behind it: ' within 7 days', ' out of 28' for days."""
    days, number = pl.col("days"), pl.col("days").cast(pl.String)
    counts_days = pl.col("metric").is_in([name for name, one in app.metrics.items() if one.agg == "days"])
    runs = pl.col("metric").is_in([name for name, one in app.metrics.items() if one.aggregation.runs])
    return (
        pl.when(days.is_null() | (runs & (pl.col("value") > days)))  # a run may have begun before them
        .then(pl.lit(""))
        .when(days == 1)
        .then(pl.lit(locale.past_day.replace("{a}", "")))
        .when(counts_days)
        .then(by_value(f" {locale.of_days}", "{n}", number))
        .otherwise(by_value(locale.past.replace("{a}", ""), "{n}", number))
    )
