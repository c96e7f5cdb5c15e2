"""`ribolm-peaks size-factors`: factors from reads on spike-in contigs."""

import pysam
import pytest

from ribolm.cli.peaks import main
from ribolm.peaks.libraries import read_size_factors


@pytest.fixture(name="spiked")
def _spiked(world, tools):
    """Three libraries with 100, 200 and 400 fragments on two spike-in contigs."""
    contigs = {**tools.contigs, "spike_1": 1000, "spike_2": 500}
    bams = []
    for name, n in (("a", 50), ("b", 100), ("c", 200)):
        fragments = [("spike_1", 100 + k, 220 + k) for k in range(n)] + [("spike_2", k, 120 + k) for k in range(n)]
        bams.append(tools.write_bam(world.folder / f"{name}.bam", fragments + tools.random_fragments(1, 300), contigs))
    names = world.folder / "spikein_contigs.txt"
    names.write_text("spike_1\nspike_2\n")
    return bams, names


def run(bams, names, out, *more):
    given = [f"--bam={path}" for path in bams]
    return main(["size-factors", *given, "--contigs", str(names), "--out", str(out), *more])


def test_factors_are_fragments_over_their_geometric_mean(spiked, tmp_path):
    assert run(*spiked, tmp_path / "factors.tsv") == 0
    assert (tmp_path / "factors.tsv").read_text().splitlines()[0] == "name\tsize_factor"
    factors = read_size_factors(tmp_path / "factors.tsv", ["a", "b", "c"])
    assert list(factors.values()) == pytest.approx([0.5, 1, 2])


def weaken(path, every, duplicate):
    """Flag the reads of every so many fragments as duplicates, or give them a mapping quality of 3."""
    with pysam.AlignmentFile(str(path)) as handle:
        header, records = handle.header, list(handle)
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for record in records:
            if int(record.query_name.removeprefix("read")) % every == 0:
                record.is_duplicate, record.mapping_quality = duplicate, 60 if duplicate else 3
            handle.write(record)


@pytest.mark.parametrize(("options", "duplicate"), [(["--duplicates", "exclude"], True), (["--min-mapq", "10"], False)])
def test_reads_that_the_call_leaves_out_make_no_factor(spiked, tmp_path, options, duplicate):
    bams, names = spiked
    weaken(bams[1], 2, duplicate)
    assert run(bams, names, tmp_path / "all.tsv") == 0
    assert list(read_size_factors(tmp_path / "all.tsv", ["a", "b", "c"]).values()) == pytest.approx([0.5, 1, 2])
    assert run(bams, names, tmp_path / "kept.tsv", *options) == 0
    factors = read_size_factors(tmp_path / "kept.tsv", ["a", "b", "c"])
    assert factors["b"] / factors["a"] == pytest.approx(1), "half of its fragments are left"


def test_faults_are_refused_and_nothing_is_written(spiked, world, tools, tmp_path, capsys):
    bams, names = spiked
    out = tmp_path / "factors.tsv"
    without = tools.write_bam(world.folder / "d.bam", [], {**tools.contigs, "spike_1": 1000, "spike_2": 500})
    assert run([*bams, without], names, out) == 65
    assert "'d' has no fragment on the 2 spike-in contigs" in capsys.readouterr().err
    names.write_text("spike_1\nspike_9\n")
    assert run(bams, names, out) == 65
    assert "line 2" in (error := capsys.readouterr().err) and "'spike_9'" in error
    names.write_text("\n")
    assert run(bams, names, out) == 65
    assert "names no contig" in capsys.readouterr().err
    assert run([bams[0], bams[0]], names, out) == 65
    assert "'a'" in capsys.readouterr().err
    assert not out.exists()
