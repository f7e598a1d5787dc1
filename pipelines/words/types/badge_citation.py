"""Citations: what a badge was given for. Badges are always cited (pipelines/words/citations.py)."""

from itertools import product

from pipelines.words.content_type import ContentType, Form

OCCASIONS = ("shown", "none")

TYPE = ContentType(
    table="badges",
    form=Form("citation", title=False, slots=(("evidence",),)),
    starts=(None, "citation"),
    plain_title="",
    plain={"": "{badge}, {tier}.", "shown": "{badge}, {tier}, for {{evidence}}."},
    briefs=lambda app: product(app.badges, OCCASIONS),
    occasions=OCCASIONS,
    about="badge",
    own_phrases=False,
)
