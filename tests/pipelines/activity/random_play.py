"""Random play of a few players, for hypothesis."""

from hypothesis import strategies as st

from tests.factories import event

events = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.floats(0, 12, allow_nan=False),
        st.sampled_from(["solve", "liked"]),
        st.integers(0, 9),
        st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=25,
)


def row(player: int, at: float, name: str, number: int, key: str) -> dict[str, object]:
    if name == "liked":
        return event(player, at, name, delta=number % 3 - 1, post_id=key)
    return event(player, at, name, points=number, topic=key)
