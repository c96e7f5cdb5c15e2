"""Resources of processes whose labels ask for too little."""

import re
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[3] / "conf" / "modules.config"


@pytest.mark.parametrize("process", ["PREDICT_CALLS", "EVALUATE_SCAN"])
def test_a_process_that_holds_all_candidates_of_a_genome_has_memory_of_its_own(process: str) -> None:
    section = CONFIG.read_text().partition(f"withName: '{process}' {{")[2].partition("withName:")[0]
    asked = re.search(r"memory = \{.* (\d+)\.GB \* task\.attempt \}", section)
    assert asked, "process_gpu, the last label, gives a process without a card 12 GB"
    bytes_needed = 125e6 * 100 + 3.1e9  # candidates and bases of a human genome
    assert int(asked[1]) * 1e9 > 2 * bytes_needed
