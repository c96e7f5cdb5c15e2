import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ribolm.models import linear
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import ragged
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.machine.throughput import SPEC_TFLOPS, device_peak, peak_of_card, training_flops, utilisation

CONFIG = preset_config("small", make_tokenizer("nucleotide"))


@pytest.mark.parametrize("lengths", [[64] * 4, [200, 30]])
def test_work_is_that_which_torch_counts(lengths, monkeypatch) -> None:
    network = new_network(CONFIG, MASKED_LM, 1)
    network.esm.attention_backend = "eager"  # whose products the counter sees, as it sees those of PyTorch's linear
    ids = torch.randint(4, 8, (sum(lengths),))
    selected = torch.arange(0, len(ids), 7)
    monkeypatch.setattr(linear, "_ONEDNN", False)
    with FlopCounterMode(display=False) as counter:
        network(ragged(ids, lengths), selected).sum().backward()
    found = training_flops(CONFIG, np.array(lengths), len(selected), CONFIG.vocab_size)
    assert found == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_known_cards_are_told_apart() -> None:
    assert peak_of_card("NVIDIA H200").flops_per_s == 989e12
    assert "794" in peak_of_card("NVIDIA H200").reason
    assert peak_of_card("NVIDIA H100 PCIe").flops_per_s == 756e12
    assert peak_of_card("NVIDIA A100-SXM4-80GB", n_devices=4).flops_per_s == 4 * 312e12
    assert peak_of_card("NVIDIA L40S").flops_per_s == 362e12
    assert peak_of_card("Tesla V100-SXM2-16GB").flops_per_s == 125e12


@pytest.mark.parametrize("name", ["NVIDIA RTX A4000", "NVIDIA RTX A1000", "NVIDIA L400", "NVIDIA T400 4GB"])
def test_a_card_whose_name_begins_like_that_of_another_is_unknown(name: str) -> None:
    assert peak_of_card(name).flops_per_s == 0


def test_every_card_of_the_table_is_found_by_its_name() -> None:
    assert [peak_of_card(f"NVIDIA {name}").flops_per_s for name, _ in SPEC_TFLOPS] == [t * 1e12 for _, t in SPEC_TFLOPS]


def test_an_unknown_device_has_a_utilisation_of_0_and_a_reason() -> None:
    peak = peak_of_card("Abacus 9000")
    assert peak.utilisation(1e15, 1.0) == 0 and "Abacus 9000" in peak.reason
    assert device_peak("cpu").flops_per_s == 0 and "cpu" in device_peak("cpu").reason
    share, reason = utilisation(CONFIG, np.array([512] * 3), "cpu", 0.15, CONFIG.vocab_size)
    assert share(1e6) == 0 and reason


def test_utilisation_is_work_over_peak() -> None:
    assert peak_of_card("NVIDIA H200").utilisation(989e12, 2.0) == pytest.approx(0.5)
