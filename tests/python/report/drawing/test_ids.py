"""Ids of sections and files of pictures: plain names as they are, different names apart."""

import re

import pytest

from ribolm.report.drawing.multiqc import Section, slug


def test_plain_names_are_their_own_id() -> None:
    assert slug("hg_38") == "hg_38" and slug(slug("hg.38")) == slug("hg.38")
    assert Section("motif_logos", "ribolm_motif", "", "").id == "ribolm_motif_logos"


@pytest.mark.parametrize("names", [("hg.38", "hg_38", "hg-38"), ("Human", "human", "_human"), ("µ", "λ", "…")])
def test_different_names_have_different_ids(names: tuple[str, ...]) -> None:
    slugs = {slug(name) for name in names}
    assert len(slugs) == len(names) and all(re.fullmatch("[a-z0-9_]+", text) for text in slugs)
