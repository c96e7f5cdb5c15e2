"""Folds: whole units, even weights, the same for the same seed; tables that do not fit are refused."""

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import letters
from ribolm.errors import DataError, UsageError
from ribolm.labels.folds import Folds, assign_folds, deal_folds, fold_names, read_folds, split_units, write_folds
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.stored_text import stored_letters
from ribolm.sequences.tokenizers import make_tokenizer


def names_table(rows):
    """(chrom, start0, end0, cluster) per row."""
    schema = {"chrom": polars.String, "start0": polars.Int64, "end0": polars.Int64, "cluster": polars.Int64}
    table = polars.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(name=polars.Series([f"s{k}" for k in range(len(rows))], dtype=polars.String))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 600)), min_size=1, max_size=80), st.integers(2, 6))
def test_units_stay_whole_and_folds_differ_by_no_more_than_two_large_units(rows, n_folds):
    unit, weight = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    if len(set(unit.tolist())) < n_folds:
        with pytest.raises(UsageError, match="cannot fill"):
            assign_folds(unit, weight, n_folds, 1)
        return
    fold = assign_folds(unit, weight, n_folds, 1)
    assert all(len(set(fold[unit == u].tolist())) == 1 for u in unit)
    assert set(fold.tolist()) == set(range(n_folds))
    load = np.bincount(fold, weights=weight)
    assert load.max() - load.min() <= 2 * max(weight[unit == u].sum() for u in unit) + n_folds


def test_the_seed_decides():
    unit, weight = np.arange(40), np.full(40, 100)
    same = [assign_folds(unit, weight, 5, seed).tolist() for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


def test_one_fold_is_tested_the_next_is_dev_and_the_others_train():
    folds = Folds(np.array([0, 1, 2, 3, 1]), np.arange(5))
    train, dev, test = folds.split(3)
    assert (train.tolist(), dev.tolist(), test.tolist()) == ([1, 2, 4], [0], [3])
    with pytest.raises(UsageError, match="--fold 4 does not exist"):
        folds.split(4)
    with pytest.raises(UsageError, match="leave none to train on"):
        Folds(np.array([0, 1]), np.arange(2)).split(0)


def test_genes_stay_together_and_rows_without_a_gene_stay_with_those_they_overlap():
    table = names_table(
        [("c1", 0, 10, 7), ("c1", 90, 99, 7), ("c1", 0, 10, None), ("c1", 5, 20, None), ("c1", 20, 30, None),
         ("c2", 5, 20, None), (None, None, None, None)]
    )  # fmt: skip
    unit = split_units(table, "gene")
    assert unit[0] == unit[1] and unit[2] == unit[3]
    assert len(set(unit.tolist())) == 5
    by_contig = split_units(table, "chromosome")
    assert len(set(by_contig[:5].tolist())) == 1 and len(set(by_contig.tolist())) == 3
    with pytest.raises(UsageError, match="--by peak is not known"):
        split_units(table, "peak")


def test_a_table_comes_back_as_it_was_written(tmp_path):
    table = names_table([("c1", 0, 10, 1), ("c1", 20, 30, 2), (None, None, None, None)])
    folds = Folds(np.array([1, 0, 2]), np.array([4, 5, 6]))
    write_folds(tmp_path / "folds.tsv", table, folds)
    found = read_folds(tmp_path / "folds.tsv")
    assert found.fold.tolist() == [1, 0, 2] and found.unit.tolist() == [4, 5, 6] and found.n_folds == 3


def test_a_table_says_what_it_was_dealt_by_and_an_older_one_is_read_without(tmp_path):
    labels = [float(k % 2) for k in range(12)]
    texts = [format(k, "04b").replace("0", "A").replace("1", "C") for k in range(12)]
    store = store_of(tmp_path / "store", texts, labels=labels)
    for by in ("gene", "random"):
        deal_folds(store, tmp_path / f"{by}.tsv", by, 3, 1)
        assert read_folds(tmp_path / f"{by}.tsv", TokenStore.open(store)).by == by
    text = (tmp_path / "gene.tsv").read_text()
    (tmp_path / "old.tsv").write_text("".join(f"{line.rpartition(chr(9))[0]}\n" for line in text.splitlines()))
    folds = read_folds(tmp_path / "old.tsv", TokenStore.open(store))
    assert folds.by == "" and folds.split_words == "3 folds of whole units of the table of folds"
    assert read_folds(tmp_path / "gene.tsv").split_words == "3 folds of whole clusters of overlapping genes"
    assert read_folds(tmp_path / "random.tsv").split_words == "3 folds of single sequences"


def test_a_fold_without_rows_is_told_beside_those_that_have_some(tmp_path):
    (tmp_path / "folds.tsv").write_text("name\tfold\na\t0\nb\t\nc\t1\n")
    with pytest.raises(DataError, match=r"no row is in fold 7. Give one of 0, 1\."):
        fold_names(tmp_path / "folds.tsv", 7)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is empty"),
        ("row\tcluster\tfold\tby\n0\t1\t0\tgene\n1\t2\t1\trandom\n", "line 3, column 'by': 'random' is not 'gene'"),
        ("row\tcluster\tfold\tby\n0\t1\t0\tpeak\n1\t2\t1\tpeak\n", "line 2, column 'by': 'peak' is not 'gene, "),
        ("row\tfold\n0\t0\n", "no column 'cluster'"),
        ("row\tcluster\tfold\n0\tx\t0\n", "folds.tsv line 2, column 'cluster': 'x' is no whole number"),
        ("row\tcluster\tfold\n0\t1\t0\n1\t1\t0\t9\n", "folds.tsv line 3: has 4 columns, the header 3"),
        ("row\tcluster\tfold\n0\t1\t0\n", "1 rows, but the store has 2"),
        ("row\tcluster\tfold\n1\t1\t0\n0\t1\t0\n", "line 2, column 'row': '1' is not 0: rows are 0, 1, 2"),
        ("row\tcluster\tfold\n0\t1\t0\n1\t1\t1\n", "cluster 1 lies in two folds"),
        ("row\tcluster\tfold\n0\t1\t0\n1\t2\t-1\n", "line 3, column 'fold': '-1' is below 0"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, words):
    (tmp_path / "folds.tsv").write_text(text)
    store = TokenStore.open(store_of(tmp_path / "store", ["ACGT", "ACGG"]))
    with pytest.raises(DataError, match=words):
        read_folds(tmp_path / "folds.tsv", store)


def test_a_table_of_another_store_of_the_same_size_is_refused(tmp_path):
    genes = store_of(tmp_path / "gene", ["ACGT" * 5 + base for base in "ACGTN"])
    between = store_of(tmp_path / "intergene", ["CCGT" * 5 + base for base in "ACGTN"], prefix="t")
    deal_folds(genes, tmp_path / "gene.tsv", "random", 3, 1)
    assert read_folds(tmp_path / "gene.tsv", TokenStore.open(genes)).n_folds == 3
    with pytest.raises(DataError, match=r"gene.tsv line 2, column 'name': 's0' is not 't0', row 0 of intergene"):
        read_folds(tmp_path / "gene.tsv", TokenStore.open(between))
    text = (tmp_path / "gene.tsv").read_text().replace("name", "called")  # a table by hand need not name its rows
    (tmp_path / "nameless.tsv").write_text(text)
    assert read_folds(tmp_path / "nameless.tsv", TokenStore.open(between)).n_folds == 3


def test_a_store_without_sequences_has_a_table_without_rows(tmp_path):
    with StoreWriter(tmp_path / "store", make_tokenizer("nucleotide")):
        pass
    deal_folds(tmp_path / "store", tmp_path / "folds.tsv", "gene", 3, 1)
    folds = read_folds(tmp_path / "folds.tsv", TokenStore.open(tmp_path / "store"))
    assert folds.n_folds == 0 and len(folds.unit) == 0


def store_of(folder, texts, kind="nucleotide", labels=None, prefix="s"):
    tokenizer = make_tokenizer(kind)
    spec = {"polya": LabelSpec("sequence")} if labels else {}
    with StoreWriter(folder, tokenizer, spec) as writer:
        for k, text in enumerate(texts):
            writer.add(tokenizer.encode(letters(text)), f"{prefix}{k}", None, {"polya": labels[k]} if labels else None)
    return folder


@pytest.mark.parametrize("kind", ["nucleotide", "chunk", "kmer"])
def test_similar_sequences_stay_in_one_fold_whatever_the_tokenizer(tmp_path, kind):
    random = np.random.default_rng(8)
    texts = ["".join(random.choice(list("ACGT"), 101)) for _ in range(12)]
    texts += [texts[k][30:] + "".join(random.choice(list("ACGT"), 30)) for k in range(4)]  # shares 71 bases
    altered = texts[5][:50] + ("A" if texts[5][50] != "A" else "C") + texts[5][51:]  # one letter changed
    store = store_of(tmp_path / "store", [*texts, altered], kind)
    assert stored_letters(TokenStore.open(store))[0][:80].tobytes() == texts[0][:80].encode()
    told = deal_folds(store, tmp_path / "folds.tsv", "similarity", 3, 1)
    folds = read_folds(tmp_path / "folds.tsv", TokenStore.open(store))
    assert "12 families" in told and len(set(folds.unit.tolist())) == 12
    assert folds.unit[:4].tolist() == folds.unit[12:16].tolist() and folds.unit[5] == folds.unit[16]


def test_random_folds_of_yes_no_labels_keep_equal_sequences_together(tmp_path, capsys):
    texts = [format(k % 30, "05b").replace("0", "A").replace("1", "C") for k in range(60)]
    store = store_of(tmp_path / "store", texts, labels=[float(k % 2) for k in range(60)])
    deal_folds(store, tmp_path / "folds.tsv", "random", 3, 1)
    folds = read_folds(tmp_path / "folds.tsv", TokenStore.open(store))
    assert np.array_equal(folds.fold[:30], folds.fold[30:]) and folds.unit[30:].tolist() == list(range(30))
    assert np.bincount(folds.fold).tolist() == [20] * 3 and "30 repeated sequences stay" in capsys.readouterr().err


def test_random_folds_hold_the_same_share_of_each_label_and_say_what_they_are(tmp_path, capsys):
    labels = [float(k % 5 == 0) for k in range(50)]
    texts = [format(k, "06b").replace("0", "A").replace("1", "C") for k in range(50)]
    store = store_of(tmp_path / "store", texts, labels=labels)
    deal_folds(store, tmp_path / "folds.tsv", "random", 5, 1)
    assert "lie on both sides" in capsys.readouterr().err
    fold = read_folds(tmp_path / "folds.tsv", TokenStore.open(store)).fold
    assert np.bincount(fold).tolist() == [10] * 5
    assert np.bincount(fold, weights=labels).tolist() == [2] * 5
    with pytest.raises(UsageError, match="--by peak is not known"):
        deal_folds(store, tmp_path / "folds.tsv", "peak", 5, 1)
