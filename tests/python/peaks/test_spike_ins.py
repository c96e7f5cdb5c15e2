"""`ribolm-peaks size-factors`: factors from reads on spike-in contigs."""

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


def run(bams, names, out):
    return main(["size-factors", *[f"--bam={path}" for path in bams], "--contigs", str(names), "--out", str(out)])


def test_factors_are_fragments_over_their_geometric_mean(spiked, tmp_path):
    assert run(*spiked, tmp_path / "factors.tsv") == 0
    assert (tmp_path / "factors.tsv").read_text().splitlines()[0] == "name\tsize_factor"
    factors = read_size_factors(tmp_path / "factors.tsv", ["a", "b", "c"])
    assert list(factors.values()) == pytest.approx([0.5, 1, 2])


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
