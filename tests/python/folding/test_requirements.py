"""What folding needs is asked before it begins: lengths by name, memory by the RNAs that are folded together."""

from pathlib import Path

import pytest

from ribolm.cli.labels import main as labels
from ribolm.cli.predict import main as predict
from ribolm.errors import DataError, UsageError
from ribolm.folding import requirements
from ribolm.folding.energy import EnergyModel
from ribolm.folding.requirements import require_foldable
from ribolm.sequences.rna import RnaRecord

GIANT = "G" + "A" * 9_999 + "C"


def records(*lengths_nt: int) -> list[RnaRecord]:
    return [RnaRecord(f"r{n}", "A" * n) for n in lengths_nt]


def test_the_first_record_above_the_limit_of_any_model_is_named() -> None:
    models = [EnergyModel(max_nt=50), EnergyModel(max_nt=30)]
    require_foldable(records(30, 2), "Cut it.", 2, models)
    with pytest.raises(DataError, match=r"Record 'r31' has 31 nt, and 30 nt .* \(2 records are longer\)\. Cut it\."):
        require_foldable(records(30, 31, 60), "Cut it.", 2, models)


def test_memory_is_that_of_the_longest_rnas_of_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "free_bytes", lambda: (160_000_000, "memory of the machine"))
    given = records(10, 1_000, 1_500, 1_000)  # 48, 108 and 48 MB
    require_foldable(given, "Cut it.", 1)
    with pytest.raises(UsageError, match=r"2 RNAs at a time, the longest of 1,500 nt.*fewer --processes"):
        require_foldable(given, "Cut it.", 2)
    require_foldable(records(*[500] * 9), "Cut it.", 8)
    require_foldable([], "Cut it.", 8)
    monkeypatch.setattr(requirements, "free_bytes", lambda: (0, "unknown"))
    require_foldable(given, "Cut it.", 8)


def test_commands_refuse_before_they_fold(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "in.fa").write_text(f">short\nGGGAAACCC\n>giant\n{GIANT}\n")
    (tmp_path / "in.dbn").write_text(f">giant\n{GIANT}\n({'.' * 9_999})\n")
    fold = ["folding", "--sequences", str(tmp_path / "in.fa"), "--out", str(tmp_path / "out.dbn")]
    write = ["structures", "--structures", str(tmp_path / "in.dbn"), "--out", str(tmp_path / "store")]
    for command, main in ((fold, predict), (write, labels)):
        assert main(command) == 65
        assert "Record 'giant' has 10,001 nt" in capsys.readouterr().err
    (tmp_path / "in.fa").write_text(">a\nGGGAAACCC\n")
    (tmp_path / "in.dbn").write_text(f">a\n{'GGGAAACCC' * 3}\n{'(((...)))' * 3}\n")
    monkeypatch.setattr(requirements, "free_bytes", lambda: (1_000, "memory of the machine"))
    for command, main in ((fold, predict), (write, labels)):
        assert main(command) == 2
        assert "are free (memory of the machine). Leave the longest RNAs out." in capsys.readouterr().err
    assert not (tmp_path / "out.dbn").exists() and not (tmp_path / "store").exists()
