"""The map of technique families: what comes with ribolm, what a user may write, what is refused."""

import pytest

from ribolm.errors import DataError
from ribolm.labels.families import read_families


def test_only_the_two_mazf_methods_share_a_family(families):
    names = list(families.technique.values())
    assert families.of(["MAZTER-seq", "m6A-REF-seq"]) == ("MazF",)
    assert len(families.of(names)) == len(names) - 1
    assert {"m6A-CLIP-seq", "PA-m6A-seq", "m6A-seq (improved)", "miCLIP", "miCLIP2", "meCLIP", "m6ACE", "m6A-label-seq",
            "m6A-SAC-seq", "DART-seq", "MAZTER-seq", "m6A-REF-seq", "GLORI"} <= set(names)  # fmt: skip


def test_names_are_found_whatever_their_case_and_told_when_misspelt(families):
    assert families.check(" miclip ", "t.bed") == "miCLIP"
    with pytest.raises(DataError, match=r"t.bed: technique 'miCLIPP' is unknown. Did you mean 'miCLIP'"):
        families.check("miCLIPP", "t.bed")
    with pytest.raises(DataError, match="Add a line for it"):
        families.check("zzz", "t.bed")


def test_a_users_map_may_join_what_it_likes(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("Technique\tFamily\nmiCLIP\tCLIP\nmiCLIP2\tCLIP\nGLORI\tGLORI\n")
    assert read_families(path).of(["miCLIP", "miCLIP2", "GLORI"]) == ("CLIP", "GLORI")


@pytest.mark.parametrize(
    "text, words",
    [
        ("technique\tprinciple\na\tb\n", "no column 'family'"),
        ("technique\tfamily\na\tx\nA\ty\n", "second family of A"),
        ("technique\tfamily\na\t\n", "is empty"),
    ],
)
def test_a_map_that_is_not_clear_is_refused(tmp_path, text, words):
    (tmp_path / "f.tsv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_families(tmp_path / "f.tsv")
