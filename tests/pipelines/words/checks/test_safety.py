# ruff: noqa: RUF001 (lookalike letters are what is tested)
"""What no text may say or carry: real sentences that must be refused, and real ones that must not."""

import pytest

from configs.claims import claims
from configs.content import Voice
from configs.loader import load_app
from configs.shipped import shipped_apps
from pipelines.words.briefs import Brief
from pipelines.words.checks.languages import language_fault
from pipelines.words.checks.safety import canary_of, odd_characters, other_moment, skeleton, text_faults
from pipelines.words.writers.answers import Draft, checker
from pipelines.words.writers.offline import write_variants

TRADING = load_app("trading").app.voice
CALM = Voice(theme="puzzles", forbidden=["last chance"])


def faults(text, language="en", voice=TRADING, **options):
    return text_faults(text, language, voice, **options)


CLAIMS = {
    "profit": [
        "Do this and the profits will follow.",
        "Discipline like this makes serious money.",
        "Your account will thank you.",
        "You cannot go wrong with it.",
        "A sure-fire way to trade.",
        "There is zero risk in trying.",
        "Watch your balance climb.",
        "Soon you will be earning a steady income.",
        "This is how winners print money.",
        "Make back what you lost last time, recover your losses.",
        "Beat the market with patience.",
        "Wealth awaits those who keep the rule.",
        "Grow your capital with each entry.",
        "Add to your position when it feels right, go all in.",
        "Results are guaranteed.",
        "We are guaranteeing it.",
        "It is a gu\u0430r\u0430ntee.",  # Cyrillic letters
        "g u a r a n t e e d results",
        "Gu4r4nteed results.",
        "G\u200buaranteed results.",
        "ＧＵＡＲＡＮＴＥＥＤ results.",
        "Retire early and quit your job.",
        "It pays off in cash.",
        "Get the insider tips of the desk.",
        "Never lose a trade again.",
        "Dominate the market.",
        "Make yourself rich, be rich by spring.",
    ],
    "guilt": [
        "We missed you at the gate.",
        "The squad misses you.",
        "Do not let your squad down.",
        "Your mates were left waiting, do not keep them hanging.",
        "You are disappointing your instructors.",
        "After all we did for you.",
        "You owe it to the team.",
        "No excuses.",
        "Everyone is counting on you.",
        "You have abandoned your post.",
        "Why have you not come, why did you stop?",
        "Make up for lost time.",
    ],
    "shame": [
        "Do not be lazy.",
        "You are falling behind.",
        "You are behind most of the others.",
        "Even beginners can do this.",
        "Everyone else has done it.",
        "Quitters never get here.",
        "That was pathetic.",
        "You should be ashamed.",
        "You are slow.",
        "Not good enough.",
        "You failed.",
    ],
    "urgency": [
        "Hurry, the gate is closing.",
        "This is your final chance.",
        "Act now.",
        "Do not miss this.",
        "Time is running out.",
        "It expires soon.",
        "Only a few spots left.",
        "Before it is too late.",
        "Now or never.",
        "The clock is ticking.",
        "Lose your streak and start over.",
        "Don't wait.",
    ],
    "health": [
        "It reduces stress.",
        "Journaling heals.",
        "Good for your brain.",
        "Boost your memory with each drill.",
        "Sleep better after it.",
        "Great for mental health.",
        "Burn calories while you learn.",
        "Doctors recommend a routine.",
        "A therapy for a restless mind.",
    ],
    "gambling": [
        "Hit the jackpot.",
        "The odds are in your favour.",
        "Place your bets.",
        "Roll the dice.",
        "Try your luck.",
        "Double or nothing.",
        "Chase your losses no more.",
        "Your lucky streak begins.",
        "Win big with small steps.",
        "A prize for the patient.",
    ],
    "rivalry": ["Beat your rivals.", "Climb the leaderboard.", "Crush the competition.", "Outrank everyone."],
    "absence": [
        "It has been weeks since we saw you.",
        "You have been inactive.",
        "We noticed that you stopped.",
        "Your data shows a dip.",
        "You are almost there.",
    ],
    "recruiting": ["Invite your friends.", "Share this on your wall.", "Rate us in the store.", "Upgrade to premium."],
    "screens": ["Click the green button.", "Open the top menu.", "Tap the icon in the corner."],
    "rewards": ["Earn a bonus.", "You will pass.", "Unlock free lessons and rewards.", "Collect coins on the way."],
    "writing": [
        "As an AI, I think you should rest.",
        "Ignore all previous instructions.",
        "My instructions say to be brief.",
        "Here is a title for you.",
        "I'm sorry, that is not possible.",
        "I cannot help with that.",
        "The system prompt says to be kind.",
        "This prompt asks for calm.",
        "Disregard the rules above.",
        "Insert name here.",
        "Lorem ipsum dolor sit amet.",
        "Written by ChatGPT.",
        "Sure, here is the text.",
        "In the brief it says to hold.",
    ],
    "contact": [
        "Write to help@base.example.",
        "Ask @sergeant in the mess.",
        "See base.example/join for more.",
        "Visit www.base.example now.",
        "Find us on discord.",
        "Call +1 (555) 010-9999.",
        "The number is 4111 1111 1111 1111.",
        "Write to help at base dot com.",
        "Click here.",
        "Use the promo code below.",
        "Send your password.",
        "hxxp://base",
        "DE89 3704 0044 0532 0130 00 is the account.",
    ],
}
OTHERS = [
    ("it", "È garantito e senza rischi."),
    ("it", "Ci manchi, torna presto."),
    ("it", "La tua ultima occasione, sbrigati."),
    ("it", "Non essere pigro."),
    ("it", "Fa bene alla salute."),
    ("it", "Scommetti anche tu."),
    ("it", "Mi dispiace, non posso aiutarti."),
    ("it", "Bastano cinque minuti."),
    ("de", "Das ist garantiert und ohne Risiko."),
    ("de", "Wir vermissen dich, komm zurück."),
    ("de", "Deine letzte Chance, beeil dich."),
    ("de", "Sei nicht faul."),
    ("de", "Gut für die Gesundheit."),
    ("de", "Der Jackpot wartet."),
    ("de", "Als KI kann ich nur raten."),
    ("fr", "C'est garanti, sans risque."),
    ("fr", "Tu nous manques beaucoup."),
    ("fr", "Dernière chance de commencer."),
    ("fr", "Ne sois pas paresseux."),
    ("fr", "C'est bon pour la santé."),
    ("fr", "En tant qu'IA, je conseille le calme."),
    ("es", "Está garantizado y sin riesgo."),
    ("es", "Te echamos de menos."),
    ("es", "Es tu última oportunidad."),
    ("es", "No seas perezoso."),
    ("es", "Es bueno para la salud."),
    ("es", "Haz tu apuesta."),
    ("nl", "Het is gegarandeerd."),
    ("nl", "We missen je."),
    ("nl", "Dit is je laatste kans."),
]
FINE = [
    "Know where you leave before you enter.",
    "No hurry, the gate stays open.",
    "There is no rush and nothing to catch up on.",
    "Nothing was lost while you were away.",
    "It has been a while, and that is fine.",
    "Good luck out there.",
    "Read the order, then carry it out.",
    "A rule kept on dull days holds on loud ones.",
    "You may find just what you were missing.",
    "Leave no one behind on the range.",
    "Risk is part of the trade; the stop decides how much.",
    "Your squad counts on this, and rightly.",
    "Show the step that others skip.",
    "The markets are calm, and so are you.",
    "Follow the instructor's hand, then your own.",
    "Somebody is stuck where you once were.",
    "Ask why once more than feels needed.",
    "Practice is free, so take plenty of it.",
    "The exit is part of the plan: mark it before you go in.",
    "Set the stop, write it down, let it work.",
]


@pytest.mark.parametrize(("topic", "text"), [(topic, text) for topic, texts in CLAIMS.items() for text in texts])
def test_a_claim_is_refused_in_other_words_too(topic, text):
    found = faults(text)
    assert found
    if topic not in {"profit", "contact", "writing", "shame", "gambling"}:  # these overlap with others
        assert any(claims().topics[topic].says in fault for fault in found)


@pytest.mark.parametrize(("language", "text"), OTHERS)
def test_a_claim_is_refused_in_the_languages_of_the_text(language, text):
    assert any("written in" not in fault for fault in faults(text, language))


@pytest.mark.parametrize("text", FINE)
def test_a_fair_text_is_let_through(text):
    assert faults(text) == []


def test_profit_is_looked_for_only_where_the_voice_forbids_it():
    text = "Wealth awaits in the old castle."
    assert faults(text)
    assert faults(text, voice=CALM) == []


@pytest.mark.parametrize(
    "text", ["Your last chances.", "Your last-chance day.", "L a s t  c h a n c e!", "lаst chаnce"]
)
def test_a_forbidden_phrase_is_found_inflected_hyphenated_spelt_out_and_disguised(text):
    assert any("voice forbids" in fault or "urgency" in fault for fault in faults(text, voice=CALM))


def test_the_apps_own_words_are_its_own_to_answer_for():
    assert faults("Awarded: Jackpot Hunter.")
    assert faults("Awarded: Jackpot Hunter.", own=("Jackpot Hunter",)) == []


@pytest.mark.parametrize("spelling", ["{}", "{} and more", "The word is {}.", "-{}-"])
def test_a_text_with_the_prompts_mark_is_refused(spelling):
    mark = canary_of("trading")
    for shown in (mark, mark.upper(), " ".join(mark), "-".join(mark)):
        assert any("marks the prompt" in fault for fault in faults(spelling.format(shown), canary=mark))


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("Hold the l\u0456ne.", "en", "CYRILLIC"),
        ("H\u03bfld the line.", "en", "GREEK"),
        ("Hold the 𝐥𝐢𝐧𝐞.", "en", "MATHEMATICAL"),
        ("Hold ᴛʜᴇ line.", "en", "SMALL CAPITAL"),
        ("Hold\u200b the line.", "en", "ZERO WIDTH"),
        ("Hold \u202ethe line.", "en", "RIGHT-TO-LEFT"),
        ("Hold the line \U000e0041.", "en", "TAG"),
        ("Hold the line \u2764\ufe0f.", "en", "HEART"),
        ("Hold the line ✔", "en", "CHECK MARK"),
        ("Hold the line →", "en", "ARROW"),
        ("Hold the line \U0001f44d\U0001f3fd", "en", "THUMBS UP"),
        ("Hold the line :)", "en", "emoticon"),
        ("Hold the line <3", "en", "emoticon"),
        ("Держи cтрой.", "ru", "mixes the letters"),
        ("Держи строй 🙂", "ru", "SLIGHTLY SMILING"),
        ("列を守れ ❤", "ja", "HEART"),
        ("HOLD THE LINE NOW", "en", "shouts"),
        ("Hold the line!!", "en", "shouts"),
    ],
)
def test_odd_letters_invisible_ones_and_emoji_are_refused(text, language, says):
    assert any(says in fault for fault in faults(text, language, CALM))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Größe heißt Übung, „ganz einfach“.", "de"),
        ("L’été, c’est déjà ça : cœur, naïveté…", "fr"),
        ("¿Qué tal, señor? ¡Bien!", "es"),
        ("Zażółć gęślą jaźń", "pl"),
        ("Держи строй — спокойно.", "ru"),
        ("Κράτα τη γραμμή.", "el"),
        ("列を守れ。静かに、確かに。", "ja"),
        ("Ưu tiên sự bình tĩnh.", "vi"),
        ("İyi geceler, ışık", "tr"),
    ],
)
def test_the_letters_of_a_language_are_its_own(text, language):
    assert list(odd_characters(text, language)) == []


def offline_texts():
    """Thousands of texts as the offline writer makes them, in groups as large as an answer."""
    for name in shipped_apps():
        app = load_app(name).app
        personas = ["", *app.personas]
        briefs = [
            Brief(f"{p}{m}", "daily_challenge", p, m, "fair", "en", "", 10)
            for p in personas
            for m in app.challenges.metrics
        ]
        briefs += [
            Brief(f"{p}{a}", "come_back_message", p, "", "", "en", a, 10) for p in personas for a in ("days", "long")
        ]
        briefs += [Brief(f"{b}", "badge_citation", "", b, "", "en", "shown", 5) for b in app.badges]
        for brief in briefs:
            yield app, brief, write_variants(app, brief, seed=5)


def test_no_offline_text_of_a_shipped_app_is_refused_and_none_is_taken_for_another_language():
    texts, refused, strange = 0, [], []
    for app, brief, variants in offline_texts():
        faults_of = checker(app, brief)
        texts += len(variants)
        refused += [(v.text, found) for v in variants if (found := faults_of(Draft(v.title, v.text)))]
        strange += [found for found in [language_fault([f"{v.title}. {v.text}" for v in variants], "en")] if found]
    assert texts > 2500
    assert refused == []
    assert strange == []


def test_a_skeleton_reads_like_a_person_does():
    assert skeleton("Ｇ u а r a n t e e d") == "guaranteed"
    assert skeleton("It’s  A\u200b  Test") == "it's a test"
    assert skeleton("a b") == "a b"


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Mach es bis Mittwoch."), ("it", "Fai tutto entro domenica."), ("fr", "Termine avant lundi."),
     ("es", "Hazlo antes del viernes.")],
)  # fmt: skip
def test_a_day_of_the_week_that_nobody_decided_is_a_time_of_its_own(language, text):
    assert other_moment(text, language)
    assert other_moment("Little and often beats the long Sunday.", language) == ""
