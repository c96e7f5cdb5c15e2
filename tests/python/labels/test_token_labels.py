"""Labels per token on both strands, across introns and in overlapping tiles; what cannot be labelled is refused."""

import numpy as np
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.errors import DataError
from ribolm.labels.folds import deal_folds, read_folds
from ribolm.labels.token_labels import label_tokens
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

PLACES = [
    ("c1", "+", ((100, 160), (300, 340)), "G1", "1"),
    ("c1", "+", ((140, 160), (300, 380)), "G1", "1"),
    ("c1", "-", ((100, 160), (300, 340)), "G2", "2"),
    ("c2", "-", ((1060, 1140),), "G3", "3"),
]


def make_store(folder, world, tokenizer=None, places=PLACES, labels=None):
    tokenizer = tokenizer or make_tokenizer("nucleotide")
    with StoreWriter(folder, tokenizer, labels) as writer:
        for k, (chrom, strand, blocks, gene, cluster) in enumerate(places):
            text = letters("".join(world.letters[chrom][a:b] for a, b in blocks))
            text = reverse_complement(text) if strand == "-" else text
            place = Place(chrom, strand, blocks, gene, cluster)
            more = {task: np.ones(1, dtype=np.float32) for task in labels or {}}
            writer.add(tokenizer.encode(text), f"s{k}", place, more)
    return TokenStore.open(folder)


def genome_places(chrom, strand, blocks, *_):
    found = [p for a, b in blocks for p in range(a, b)]
    return found if strand == "+" else found[::-1]


def bed(path, sites):
    path.write_text("".join(f"{c}\t{p}\t{p + 1}\tx\t1\t{s}\n" for c, p, s in sites))
    return path


@pytest.mark.parametrize("kind", ["nucleotide", "kmer"])
def test_each_token_is_known_unknown_or_certainly_none(tmp_path, world, kind):
    tokenizer = make_tokenizer(kind, k=3) if kind == "kmer" else make_tokenizer(kind)
    store = make_store(tmp_path / "s", world, tokenizer)
    chosen = [("c1", p, "+") for p in world.adenosines("c1", "+") if p in (*range(105, 158), *range(305, 330))][::3]
    chosen += [("c1", p, "-") for p in world.adenosines("c1", "-") if 300 <= p < 335][::2]
    counts = label_tokens(store, bed(tmp_path / "x.bed", [*chosen, ("c2", 3, "+")]), "m6a", tmp_path / "o")
    labelled = TokenStore.open(tmp_path / "o", verify=True)
    assert labelled.label_spec("m6a") == LabelSpec("token", 1, ("m6a",))
    found = np.asarray(labelled.label("m6a"))
    at = 0
    for chrom, strand, blocks, *_ in PLACES:
        for position0 in genome_places(chrom, strand, blocks):
            base = world.letters[chrom][position0]
            if base == "N" or tokenizer.middle_letters()[labelled.tokens[at]] == ord("N"):
                assert np.isnan(found[at])
            elif base != ("A" if strand == "+" else "T"):
                assert found[at] == 0
            elif (chrom, position0, strand) in chosen:
                assert found[at] == 1
            else:
                assert np.isnan(found[at])
            at += 1
    assert at == len(found) == counts.tokens
    assert counts.site_tokens == np.count_nonzero(found == 1) > counts.met > 10
    assert counts.given == len(chosen) + 1 and counts.unknown_tokens == np.isnan(found).sum()
    assert counts.sequences_with_site == 3 and "of 4 rows" in counts.text()


def test_other_labels_and_the_tokens_are_kept(tmp_path, world):
    store = make_store(tmp_path / "s", world, labels={"level": LabelSpec("sequence")})
    label_tokens(store, bed(tmp_path / "x.bed", [("c1", world.adenosines()[30], "+")]), "m6a", tmp_path / "o")
    labelled = TokenStore.open(tmp_path / "o", verify=True)
    assert labelled.tasks == ("level", "m6a") and np.array_equal(labelled.tokens, store.tokens)
    assert labelled.names().equals(store.names()) and labelled.digest != store.digest


def test_repeated_sites_and_sites_beside_a_are_told(tmp_path, world, capsys):
    store = make_store(tmp_path / "s", world)
    a = [p for p in world.adenosines() if 100 <= p < 160]
    other = next(p for p in world.others() if 100 <= p < 160)
    sites = [("c1", a[0], "+"), ("c1", a[0], "+"), ("c1", a[1], "+"), ("c1", other, "+")]
    counts = label_tokens(store, bed(tmp_path / "x.bed", sites), "m6a", tmp_path / "o")
    assert counts.given == 3 and counts.not_a == 1
    error = capsys.readouterr().err
    assert "1 repeated sites count once" in error and "1 places at known sites are no A" in error


def test_no_site_in_any_sequence_leaves_every_a_unknown(tmp_path, world, capsys):
    store = make_store(tmp_path / "s", world)
    counts = label_tokens(store, bed(tmp_path / "x.bed", [("c1", 2000, "+")]), "m6a", tmp_path / "o")
    assert counts.site_tokens == 0 and "no site lies in any sequence" in capsys.readouterr().err


def test_what_cannot_be_labelled_is_refused_and_nothing_is_written(tmp_path, world):
    sites = bed(tmp_path / "x.bed", [("c1", p, "+") for p in world.others() if 100 <= p < 160])
    store = make_store(tmp_path / "s", world)
    with pytest.raises(DataError, match="made from another genome build"):
        label_tokens(store, sites, "m6a", tmp_path / "o")
    with pytest.raises(DataError, match="No contig name is shared"):
        label_tokens(store, bed(tmp_path / "y.bed", [("chr9", 5, "+")]), "m6a", tmp_path / "o")
    chunks = make_store(tmp_path / "chunk", world, make_tokenizer("chunk", k=6))
    with pytest.raises(DataError, match="a chunk token covers several bases"):
        label_tokens(chunks, sites, "m6a", tmp_path / "o")
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "nowhere", tokenizer) as writer:
        writer.add(tokenizer.encode(letters("ACGT")), "s")
    with pytest.raises(DataError, match="1 sequences have no place on a genome"):
        label_tokens(TokenStore.open(tmp_path / "nowhere"), sites, "m6a", tmp_path / "o")


def test_folds_of_a_store_keep_clusters_together(tmp_path, world):
    store = make_store(tmp_path / "s", world)
    text = deal_folds(tmp_path / "s", tmp_path / "f.tsv", "gene", 3, 1)
    folds = read_folds(tmp_path / "f.tsv", store)
    assert folds.n_folds == 3 and folds.fold[0] == folds.fold[1] and "3 clusters of overlapping genes" in text
