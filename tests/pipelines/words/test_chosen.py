import pytest

from pipelines.words.chosen import how_chosen


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "Passed every check."),
        ({"written": "plain"}, "The app's plain sentence, as no other might go out."),
        ({"asked_again": True, "reason": "title is empty"}, "Passed when asked again, after: title is empty."),
        ({"instead_of": "openai", "reason": "refused"}, "Written in place of openai, because: refused."),
        ({"judged": {"by": "alone", "won": True}}, "Passed every check. It had no opponent."),
        (
            {"judged": {"by": "judge", "judge": "anthropic/haiku", "why": "clearer task"}},
            "Passed every check. The judge anthropic/haiku named it in both orders: clearer task.",
        ),
        ({"judged": {"by": "margin", "score": 0.9}}, "Passed every check. Clearly ahead by the rules, with 0.9."),
    ],
)
def test_why_a_text_serves_is_told_in_words(metadata, said):
    assert how_chosen(metadata) == said
