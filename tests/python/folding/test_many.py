from functools import partial

import numpy as np
import pytest

from ribolm.errors import DataError, Killed
from ribolm.folding.energy import EnergyModel
from ribolm.folding.many import fold_many
from ribolm.folding.vienna import mfe, pair_probabilities
from ribolm.sequences.rna import RnaRecord

RECORDS = [RnaRecord(f"r{k}", "GGGG" + "A" * (3 + k % 7) + "CCCC" + "U" * k) for k in range(20)]


def test_any_number_of_workers_gives_the_same_in_order() -> None:
    cold = partial(pair_probabilities, model=EnergyModel("rna_andronescu2007", temperature_c=20))
    alone, together = list(fold_many(cold, RECORDS)), list(fold_many(cold, iter(RECORDS), workers=2))
    assert [len(p) for p in together] == [len(record.letters) for record in RECORDS]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_no_record_is_no_result() -> None:
    assert list(fold_many(mfe, [], workers=1)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_the_record_that_is_refused_is_named(workers: int) -> None:
    short = partial(mfe, model=EnergyModel(max_nt=20))
    with pytest.raises(DataError, match=r"Record 'r8': an RNA of 20 nt|Record 'r\d+': an RNA of 2\d nt"):
        list(fold_many(short, RECORDS, workers))


def test_a_process_that_the_system_ends_is_told_in_one_sentence() -> None:
    ended = RnaRecord("r", "__import__('os')._exit(9)")
    with pytest.raises(Killed, match=r"ended from outside.*fewer --processes"):
        list(fold_many(eval, [ended, *RECORDS], workers=2))
