"""Texts of other languages: told from each other, with the numbers and times of each found."""

import pytest

from configs.content import Voice
from pipelines.words.checks.languages import language_fault, other_language
from pipelines.words.checks.safety import other_moment, text_faults

CALM = Voice(theme="puzzles", forbidden=["last chance"])


def faults(text, language="en", voice=CALM, **options):
    return text_faults(text, language, voice, **options)


NOT_ENGLISH = {
    "de": [
        "Ein ruhiger Abend ist ein guter Anfang. Nimm dir das Heft und schreib auf, was du gesehen hast.",
        "Der Posten ist besetzt, die Lampe brennt. Schau in Ruhe nach dem Rechten und geh dann schlafen.",
        "Wer die Regel an stillen Tagen hält, kann ihr an lauten vertrauen.",
        "Setze zuerst die Grenze, dann den Schritt. So bleibt der Kopf frei für das Wesentliche.",
        "Manchmal reicht ein kurzer Blick in die Notizen, um den Faden wieder aufzunehmen.",
    ],
    "fr": [
        "Le soir est calme et la carte est ouverte sur la table. Prends le temps de relire tes notes.",
        "Une règle tenue les jours tranquilles tient aussi les jours de tempête.",
        "Commence par ce que tu connais le mieux, puis avance d'un pas.",
        "Ta place est toujours là, sans retard à rattraper ni compte à rendre.",
        "Pose la limite avant d'entrer, et laisse-la travailler pour toi.",
    ],
    "es": [
        "La noche está tranquila y el mapa sigue abierto sobre la mesa. Lee tus notas con calma.",
        "Una regla que se cumple en los días tranquilos aguanta también en los difíciles.",
        "Empieza por lo que mejor conoces y avanza un paso más.",
        "Tu sitio sigue aquí, sin prisas y sin cuentas pendientes.",
        "Marca la salida antes de entrar y deja que haga su trabajo.",
    ],
    "nl": [
        "De avond is rustig en de kaart ligt nog open op tafel. Lees je aantekeningen op je gemak.",
        "Een regel die op stille dagen geldt, houdt ook stand op drukke dagen.",
        "Begin met wat je het beste kent en zet dan een stap verder.",
        "Je plek is er nog, zonder haast en zonder achterstand.",
        "Zet eerst de grens en dan de stap, zo blijft je hoofd vrij.",
    ],
}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Schaffe zwei davon.", "de"),
        ("Noch fünfzehn Schritte.", "de"),
        ("Die Hälfte genügt.", "de"),
        ("Ein Dutzend genügt.", "de"),
        ("Einundzwanzig Karten.", "de"),
        ("Fais deux pas.", "fr"),
        ("Une vingtaine, quatre-vingts, une douzaine.", "fr"),
        ("Da tres pasos.", "es"),
        ("La mitad basta.", "es"),
        ("Zet drie stappen.", "nl"),
    ],
)
def test_numbers_are_found_as_words_in_other_languages(text, language):
    assert any("number of its own" in fault for fault in faults(text, language, CALM))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ein ruhiger Schritt genügt.", "de"),
        ("Achte auf den Weg.", "de"),
        ("Un pas suffit.", "fr"),
        ("Un paso basta.", "es"),
        ("Een stap is genoeg.", "nl"),
    ],
)
def test_articles_are_no_numbers(text, language):
    assert faults(text, language, CALM) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [("Fang heute an.", "de"), ("Commence aujourd'hui.", "fr"), ("Empieza hoy.", "es"), ("Begin vandaag.", "nl")],
)
def test_times_are_found_in_other_languages(text, language):
    assert other_moment(text, language)
    assert other_moment(text, "en") == ""


@pytest.mark.parametrize(("language", "texts"), NOT_ENGLISH.items())
def test_an_answer_in_another_language_is_found(language, texts):
    assert language_fault(texts, "en") == f"is written in '{language}' instead of 'en'"
    assert language_fault(texts, language) == ""
    assert language_fault(texts, f"{language}-XX") == ""
    for other in NOT_ENGLISH.keys() - {language}:
        assert language_fault(texts, other)


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in NOT_ENGLISH.items() for text in texts])
def test_a_single_text_in_another_language_is_found(language, text):
    assert other_language(text, "en") == language
    assert other_language(text, language) == ""


def test_too_little_text_and_unknown_languages_are_not_judged():
    assert language_fault(["Guten Abend"], "en") == ""
    assert language_fault([""], "en") == ""
    assert language_fault(["{goal_1} {window}"] * 20, "en") == ""
    assert language_fault(NOT_ENGLISH["de"], "tlh") == ""
