import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.words.writers.grammar import Grammar, tidy

names = st.sampled_from(["a", "b", "c", "d"])
phrases = st.lists(st.one_of(st.sampled_from(["x", "y "]), names.map(lambda n: f"#{n}#")), min_size=1, max_size=3)


def draw(seed=0):
    return random.Random(seed)  # noqa: S311 (variety, not secrecy)


@given(st.dictionaries(names, st.lists(phrases.map("".join), max_size=3)))
def test_whatever_the_symbols_say_a_walk_ends_without_a_reference(symbols):
    grammar = Grammar(symbols, {})
    for name in symbols:
        if name in grammar:
            assert "#" not in grammar.expand(name, draw())
        else:
            with pytest.raises(KeyError):
                grammar.expand(name, draw())


def test_a_phrase_that_leads_nowhere_is_left_out():
    grammar = Grammar({"a": ["good", "#gone#"]}, {})
    assert {grammar.expand("a", draw(i)) for i in range(20)} == {"good"}


def test_a_fact_is_never_read_as_grammar():
    grammar = Grammar({"a": ["do #task#"], "evil": ["no"]}, {"task": "#evil# {x}"})
    assert grammar.expand("a", draw()) == "do #evil# {x}"


def test_the_number_of_texts_is_counted():
    grammar = Grammar({"a": ["#b# #c#", "z"], "b": ["1", "2"], "c": ["1", "2", "3"]}, {})
    assert (grammar.size("a"), grammar.size("gone")) == (7, 0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("go on . now", "Go on. Now"),
        ("a  hour of a answer", "An hour of an answer"),
        ("an unique one, an useful one", "A unique one, a useful one"),
        ("A orange. A uniform.", "An orange. A uniform."),
        ("done.. and, well", "Done. And, well"),
        ("Plan A is best", "Plan A is best"),
    ],
)
def test_seams_are_mended(raw, text):
    assert tidy(raw) == text
