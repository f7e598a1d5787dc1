"""What players are told of events and numbers: label, unit and task, in English that holds for what is counted."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.nouns import names_several, plural_of, singular_of
from pipelines.newapp import vocabulary as known

if TYPE_CHECKING:
    from pipelines.newapp.sample import Table

# What is done with a thing that is counted: instruction, and what was done to it.
_DONE = {
    **dict.fromkeys(
        ("purchase", "sale", "transaction", "booking", "reservation", "donation", "payment"), ("Make", "made")
    ),
    **dict.fromkeys(("visit", "submission", "attempt", "reading", "measurement", "deposit"), ("Make", "made")),
    **dict.fromkeys(("workout", "exercise", "session", "training"), ("Finish", "finished")),
    **dict.fromkeys(
        ("lesson", "course", "module", "level", "quest", "task", "activity", "quiz"), ("Complete", "completed")
    ),
    **dict.fromkeys(("test", "exam", "survey", "unit", "chapter", "mission", "assignment"), ("Complete", "completed")),
    **dict.fromkeys(("game", "match", "round", "song", "track"), ("Play", "played")),
    **dict.fromkeys(("post", "comment", "review", "note", "entry"), ("Write", "written")),
    **dict.fromkeys(("observation", "sighting"), ("Report", "reported")),
    **dict.fromkeys(("video", "film", "movie", "episode"), ("Watch", "watched")),
    **dict.fromkeys(("book", "article", "page"), ("Read", "read")),
    **dict.fromkeys(("ride", "run", "walk", "hike", "swim", "trip", "flight"), ("Finish", "finished")),
    **dict.fromkeys(("meeting", "rehearsal", "class", "concert", "lecture"), ("Attend", "attended")),
    **dict.fromkeys(("battle", "duel"), ("Fight", "fought")),
    "fight": ("Finish", "finished"),
    "harvest": ("Bring in", "brought in"),
    "order": ("Place", "placed"),
    "shift": ("Work", "worked"),
    "message": ("Send", "sent"),
    "answer": ("Give", "given"),
    "question": ("Ask", "asked"),
    "loan": ("Borrow", "borrowed"),
    "rental": ("Make", "made"),
    "donut": ("Buy", "bought"),
    "puzzle": ("Solve", "solved"),
    "meal": ("Log", "logged"),
    "photo": ("Share", "shared"),
}
# Verbs that can be asked for, by any of their forms.
_VERBS = {
    "complete": "completed",
    "finish": "finished",
    "solve": "solved",
    "answer": "answered",
    "ask": "asked",
    "attempt": "attempted",
    "play": "played",
    "watch": "watched",
    "view": "viewed",
    "read": "read",
    "experience": "experienced",
    "pass": "passed",
    "win": "won",
    "earn": "earned",
    "collect": "collected",
    "post": "posted",
    "publish": "published",
    "share": "shared",
    "submit": "submitted",
    "create": "created",
    "upload": "uploaded",
    "buy": "bought",
    "purchase": "purchased",
    "order": "ordered",
    "learn": "learned",
    "practice": "practised",
    "review": "reviewed",
    "visit": "visited",
    "write": "written",
    "send": "sent",
    "master": "mastered",
    "borrow": "borrowed",
    "help": "helped",
}
_PAST = {past: base for base, past in _VERBS.items()} | {"practiced": "practice", "logged": "log", "begun": "begin"}
_PAST |= {done: task.lower() for task, done in _DONE.values() if " " not in done}
_SMALL = known.words_in("in to on at out up off down of for from with by into over")
_INFERRED = (
    (known.MONEY | known.QUANTITY, "purchase", "it has amounts"),
    (frozenset({*known.DISTANCE, "heart", "bpm", "calories", "pace"}), "workout", "it has distances or a heart rate"),
    (known.POINTS | known.SCORE, "game", "it has scores"),
    (frozenset({"door", "gate", "turnstile", "entrance", "tuer", "porte", "puerta"}), "visit", "it has doors"),
    (frozenset({"url", "page", "path", "referrer"}), "visit", "it has pages"),
)
SHOP, GYM, SCHOOL, GAME = (
    "a friendly corner shop",
    "a gym that is open to everyone",
    "a quiet place to learn",
    "a game among friends",
)
_THEMES = (
    (frozenset({"purchase", "sale", "transaction", "order", "payment", "rental"}), SHOP, "customer"),
    (frozenset({"workout", "exercise", "training", "run", "ride", "walk", "swim", "hike"}), GYM, "athlete"),
    (
        frozenset(
            {
                "lesson",
                "course",
                "module",
                "answered",
                "attempted",
                "experienced",
                "launched",
                "initialized",
                "quiz",
                "exam",
            }
        ),
        SCHOOL,
        "learner",
    ),
    (frozenset({"game", "match", "round", "level", "quest", "battle", "fight", "duel"}), GAME, "player"),
    (frozenset({"book", "loan", "article", "page"}), "a library with its lights on", "reader"),
)
UNTOLD = "action"  # what a row is called where nothing says what is done
_DATED = re.compile(r"^([a-z]{3,})\d+$")
_KINDS = {SHOP: "shop", GYM: "fitness", SCHOOL: "learning", GAME: "game"}


@dataclass(frozen=True)
class Words:
    """How a metric is said; without a task it is never asked for."""

    label: str
    unit: str = ""
    task: str = ""
    note: str = ""


THINGS = Words("things done", "thing", "Get {goal} done")  # of whatever kind, also where nothing tells of which


def named_for(table: "Table") -> str:
    """The thing that is known to be done of which a file's name tells: 'message' of messages_export; else empty."""
    own = _file_words(table)
    thing = _by_file(own, _column_words(table)) if own else ""
    return thing if thing in _DONE else ""


def is_done(kind: str) -> bool:
    """Whether a kind of event is a thing or a verb that is done by itself: 'concert', 'answered'."""
    last = kind.rsplit("_", maxsplit=1)[-1]
    return singular_of(last) in _DONE or last in _PAST or last in _VERBS


def _file_words(table: "Table") -> list[str]:
    # sales97, orders2024
    plain = (_DATED.sub(r"\1", word) for word in table.name.removeprefix("raw_").split("_"))
    return [word for word in plain if word not in known.LOGS and not word.isdigit()]


def _column_words(table: "Table") -> set[str]:
    return {word for column in table.columns for word in column.words}


def named_event(table: "Table") -> tuple[str, str]:
    """What a row of a table without kinds of events is called, and why."""
    own = _file_words(table)
    if abroad := next(filter(None, map(_elsewhere, own)), ""):
        return abroad, "the file is named for it"
    columns = _column_words(table)
    if own and (thing := _by_file(own, columns)):
        return thing, "the file is named for it"
    if table.wide and table.columns[-1].form.kind == "text":
        return "meeting", "it has a column for each day, as attendance is kept"
    if record := sorted(columns & known.RECORD & _DONE.keys()):
        return record[0], f"its columns speak of each {record[0]}"
    for marks, name, why in _INFERRED:
        if marks & columns:
            return name, f"{why}, and the file's name says nothing"
    return UNTOLD, "the file's name says nothing"


def _by_file(own: list[str], columns: set[str]) -> str:
    """What is done by the words of a file's name: plays are of what a column is named for, such as an episode."""
    one = singular_of(own[-1])
    if one == "play" and (thing := next((thing for thing in known.PLAYED if thing in columns), "")):
        return f"{thing}_played"
    if one in _DONE:
        return one
    return "_".join([*own[:-1], one]) if names_several(own[-1]) and len(one) > 2 else ""


def _elsewhere(word: str) -> str:
    """What is done by a word of another language, also at the end of a German compound: 'Chorproben' are rehearsals."""
    ends = (word[at:] for at in [0, *range(4, len(word) - 4)])
    return next((known.DONE_ELSEWHERE[end] for end in ends if end in known.DONE_ELSEWHERE), "")


def event_words(name: str) -> Words:
    """How one kind of event is counted: 'level_completed' is levels completed, 'purchase' purchases made."""
    if name == UNTOLD:
        return THINGS
    parts = name.split("_")
    return _by_verb(parts) or _by_noun(parts)


def _by_verb(parts: list[str]) -> Words | None:
    if parts[-1] in _PAST:
        return _verb(_PAST[parts[-1]], parts[-1], parts[:-1])
    if parts[0] in _PAST and len(parts) > 1:
        return _verb(_PAST[parts[0]], parts[0], parts[1:])
    if parts[0] in _VERBS and not parts[-1].endswith("ed") and (len(parts) > 1 or parts[0] not in _DONE):
        return _verb(parts[0], _VERBS[parts[0]], parts[1:])
    return None


def _by_noun(parts: list[str]) -> Words:
    noun, said = singular_of(parts[-1]), " ".join(parts)
    if noun == "loan":  # who takes out a loan in English goes to a bank
        unit = " ".join(parts[:-1]) or "item"
        return Words(f"{plural_of(unit)} borrowed", unit, "Borrow {goal}")
    if noun in _DONE:
        unit = " ".join([*parts[:-1], noun])
        task, done = _DONE[noun]
        return Words(f"{plural_of(unit)} {done}", unit, f"{task} {{goal}}")
    if _SMALL & set(parts) or parts[-1].endswith("ed") or not said.isascii():
        return _bare(parts)
    unit = " ".join([*parts[:-1], noun])
    asked = len(parts) == 1 and noun not in known.LEVEL  # of a weight taken nobody is asked to reach three
    return Words(plural_of(unit), unit, "Reach {goal}" if asked else "")


def _bare(parts: list[str]) -> Words:
    """Of what is no thing that is counted: 'add-to-cart events'."""
    return Words(f"{'-'.join(parts)} events", "event")


def _verb(base: str, past: str, noun: list[str]) -> Words:
    if _SMALL & set(noun):
        return _bare([base, *noun])
    unit = " ".join([*noun[:-1], singular_of(noun[-1])]) if noun else "activity"
    return Words(f"{plural_of(unit)} {past}", unit, f"{base.capitalize()} {{goal}}")


def number_words(words: tuple[str, ...], sign: str, event: str) -> tuple[str, Words]:
    """How a number is aggregated, and said: ('sum', 'items bought')."""
    if len(words) > 1 and words[0] in {"n", "no", "num", "number"}:
        words = tuple(word for word in words[1:] if word != "of") or words
    own = set(words)
    found = (
        _result(words, own, sign)
        or _price(own, sign)
        or _extent(words, own, sign)
        or (_quantity(words, event) if own & known.QUANTITY else None)
    )
    if found is None and names_several(words[-1]) and words[-1].isascii():
        one = singular_of(words[-1])
        unit = " ".join([*words[:-1], one.upper() if one in known.INITIALS else one])
        if event in known.BUYING and one in known.GOODS:
            return "sum", Words(f"{plural_of(unit)} bought", unit, "Buy {goal}")
        found = "sum", Words(plural_of(unit), unit, "Reach {goal}" if one in known.DONE_BY_ONESELF else "")
    return found or ("mean", _average(words, ""))


def _result(words: tuple[str, ...], own: set[str], sign: str) -> tuple[str, Words] | None:
    if sign in {"second", "minute", "hour"}:
        return "sum", Words("time spent", sign, "Keep at it for {goal}")
    if sign in {"metre", "km", "mile"} and not own & known.LEVEL:
        return "sum", Words("distance covered", sign, "Cover {goal}")
    if sign in known.MEASURES.values() and sign not in {"point", "kcal", "cal"}:
        return "mean", _average(words, sign)
    return ("mean", Words("average score")) if "scaled" in own else None


def _price(own: set[str], sign: str) -> tuple[str, Words] | None:
    if not own & known.MONEY:
        return None
    unit, note = _currency(own, sign)
    if "price" in own and not own & {"total", "sum"}:
        return "mean", Words("average price", unit, "", note)
    return "sum", Words("money spent", unit, "", note)


def _extent(words: tuple[str, ...], own: set[str], sign: str) -> tuple[str, Words] | None:
    """Distance, duration, level, points or score."""
    if found := next((known.DISTANCE[word] for word in words if word in known.DISTANCE), None):
        return "sum", Words("distance covered", found[0], "Cover {goal}", found[1])
    if found := next((known.DURATION[word] for word in words if word in known.DURATION), None):
        return "sum", Words("time spent", found[0], "Keep at it for {goal}", found[1])
    if own & known.DAMAGE and not own & known.NOT_DEALT:
        return "sum", Words("points of damage dealt", "damage point", "Deal {goal}")
    if own & known.LEVEL:
        return "mean", _average(words, sign if sign == "%" else "")
    if own & known.POINTS:
        unit = singular_of(min(own & known.POINTS))
        unit = {"pt": "point", "punkte": "point", "punto": "point", "xp": "XP"}.get(unit, unit)
        return "sum", Words(f"{plural_of(unit)} collected", unit, "Collect {goal}")
    return ("max", Words("best score", "point", "Score {goal} in one go")) if own & known.SCORE else None


def _average(words: tuple[str, ...], unit: str) -> Words:
    """What only varies, with its unit where the name ends in one: 'mean_rt_ms'."""
    if not unit and len(words) > 1 and words[-1] in known.UNITS:
        words, unit = words[:-1], words[-1]
    said = [word for word in words if word not in {"avg", "average", "mean", "pct"}]
    return Words(f"average {' '.join(said) or 'level'}", unit)


def _quantity(words: tuple[str, ...], event: str) -> tuple[str, Words]:
    things = [word for word in words if word not in known.QUANTITY | {"of", "number", "num", "n"}]
    unit = " ".join([*things[:-1], singular_of(things[-1])]) if things else "item"
    if event in known.BUYING:
        return "sum", Words(f"{plural_of(unit)} bought", unit, "Buy {goal}")
    return "sum", Words(plural_of(unit), unit, "Reach {goal}")


def _currency(own: set[str], sign: str) -> tuple[str, str]:
    found = next((known.CURRENCIES[word] for word in sorted(own) if word in known.CURRENCIES), sign)
    return (found, "") if found else ("unit of money", "which currency? Put $, € or EUR here")


def ended_words(event: str, ending: str) -> Words:
    """How one kind of event is counted by how it ended: 'battles won', 'sessions completed', 'sessions begun'."""
    *first, last = event.split("_")
    if last in _PAST and first:
        *first, last = first
    unit = " ".join([*first, singular_of(last)])
    return Words(f"{plural_of(unit)} {ending}", unit, f"{_PAST[ending].capitalize()} {{goal}}")


def thing_words(words: tuple[str, ...]) -> Words:
    """How different values of a text are counted: 'different products'."""
    parts = [word for word in words if word not in known.ID] or list(words)
    unit = " ".join([*parts[:-1], singular_of(parts[-1])])
    return Words(
        f"different {plural_of(unit)}",
        f"different {unit}",
        "Try {goal}" if parts[-1] in known.TRIED or unit in known.TRIED else "",
    )


def voice_of(events: list[str]) -> dict[str, str]:
    """The world that the words come from, the kind of app as far as it shows, and what a member is called."""
    own = {part for event in events for part in (event, *event.split("_"), singular_of(event.split("_")[-1]))}
    theme, player = next(
        ((theme, player) for marks, theme, player in _THEMES if marks & own), ("a friendly club", "member")
    )
    return {"theme": theme, **({"kind": _KINDS[theme]} if theme in _KINDS else {}), "player": player}
