from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from ribolm.errors import UsageError
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.nucleotide_transformer import NucleotideTransformerConfig
from ribolm.models.presets import preset_config
from ribolm.models.ragged import ragged
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.machine.memory import (
    MemoryNeed,
    available_bytes,
    estimate_training,
    evaluation_need,
    require_dev_memory,
    require_memory,
)

GB = 10**9


def saved_bytes(config, tokens: int, length: int, bf16: bool) -> int:
    """What autograd keeps of one forward pass of masked language modelling, in bytes, weights left out."""
    network = new_network(config, MASKED_LM, 1).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    ids = torch.randint(4, 8, (tokens,))
    selected = torch.arange(0, tokens, 7)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=bf16)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), autocast:
        logits = network(ragged(ids, [length] * (tokens // length)), selected)
        loss = functional.cross_entropy(logits, ids[selected])
        total = sum(storage.nbytes() for storage in kept.values())
    del loss
    return total


@pytest.mark.parametrize(
    ("preset", "bf16", "dropout"), [("small", False, 0.0), ("small", True, 0.1), ("8m", False, 0.0)]
)
def test_estimate_covers_what_autograd_keeps_and_is_not_far_above(preset, bf16, dropout) -> None:
    config = replace(preset_config(preset, make_tokenizer("nucleotide")), hidden_dropout_prob=dropout)
    need = estimate_training(config, 0, 0, 1024, n_outputs=10, selected_share=1 / 7, bf16=bf16)
    kept = saved_bytes(config, 1024, 128, bf16)
    assert kept < need.state + need.activations + need.logits < 2.2 * kept


SHAPE = {"hidden_size": 192, "num_hidden_layers": 4, "num_attention_heads": 6, "intermediate_size": 768}
GATED = (
    MosaicBertConfig(vocab_size=10, hidden_dropout_prob=0.0, **SHAPE),
    NucleotideTransformerConfig(
        vocab_size=10, position_embedding_type="rotary", gated_feed_forward=True, add_bias_fnn=False, **SHAPE
    ),
)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("config", GATED, ids=["DNABERT-2", "Nucleotide Transformer 2"])
def test_estimate_covers_gated_layers_too(config, bf16) -> None:
    need = estimate_training(config, 0, 0, 1024, n_outputs=10, selected_share=1 / 7, bf16=bf16)
    kept = saved_bytes(config, 1024, 128, bf16)
    assert kept < need.state + need.activations + need.logits < 2.2 * kept


def test_weights_cost_16_bytes_trained_and_4_frozen() -> None:
    config = preset_config("tiny", make_tokenizer("nucleotide"))
    empty = estimate_training(config, 0, 0, 1, n_outputs=1).state
    assert estimate_training(config, 1000, 1000, 1, n_outputs=1).state == empty + 16_000
    assert estimate_training(config, 1000, 100, 1, n_outputs=1).state == empty + 1600 + 3600
    assert estimate_training(config, 1000, 1000, 1, n_outputs=1, world=2).state == empty + 20_000


def test_650m_on_64k_tokens_is_of_the_published_size() -> None:
    config = preset_config("650m", make_tokenizer("nucleotide"))
    need = estimate_training(config, 651_000_000, 651_000_000, 65_536, n_outputs=10, selected_share=0.15, bf16=True)
    assert 90 * GB < need.activations < 160 * GB  # 94 GB by 34 bytes per width, token and layer, with fused kernels
    assert need.state > 10.4 * GB


def test_an_evaluation_needs_one_layer_at_a_time_and_is_refused_likewise(capsys) -> None:
    config = preset_config("small", make_tokenizer("nucleotide"))
    need = estimate_training(config, 10**6, 10**6, 1000, n_outputs=10)
    of_dev = evaluation_need(need, config, 1000)
    assert of_dev.state == need.state and of_dev.logits == need.logits and of_dev.activations < need.activations
    longer = evaluation_need(need, config, 10**6)
    require_dev_memory(longer, 2 * longer.total, "a card", 10**6)
    assert "memory of dev" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"dev of 1,000,000 tokens will need .* are free \(a card\)"):
        require_dev_memory(longer, longer.total, "a card", 10**6)


def need_of(activations: float = 1, state: float = 0.1, tokens: int = 10_000) -> MemoryNeed:
    return MemoryNeed(int(state * GB), int(activations * GB), 0, GB // 10, tokens)


def test_what_fits_is_told_and_goes_on(capsys) -> None:
    require_memory(need_of(), 2 * GB, "memory of the machine")
    require_memory(need_of(activations=100), 0, "unknown")
    assert "memory = 1.20 of 2.00 GB" in capsys.readouterr().err


def test_too_many_tokens_are_refused_with_the_number_that_fits() -> None:
    with pytest.raises(UsageError, match=r"but 1\.0 GB are free \(a card\).*--tokens-per-micro-batch 7500") as refused:
        require_memory(need_of(), GB, "a card", longest=512)
    assert refused.value.exit_code == 2
    require_memory(need_of(activations=0.75, tokens=7500), GB, "a card", longest=512)


def test_a_sequence_that_never_fits_and_a_model_that_never_fits_have_their_own_knobs() -> None:
    with pytest.raises(UsageError, match=r"--crop-tokens 7500"):
        require_memory(need_of(), GB, "a card", longest=9000)
    with pytest.raises(UsageError, match=r"smaller --preset.*--lora"):
        require_memory(need_of(state=3), GB, "a card")


def test_processes_share_the_memory_of_a_machine() -> None:
    require_memory(need_of(), 2 * GB, "memory of the machine", processes=1)
    with pytest.raises(UsageError, match="shared by 2 processes"):
        require_memory(need_of(), 2 * GB, "memory of the machine", processes=2)


def write(root, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_free_memory_is_the_least_of_machine_and_control_groups(tmp_path) -> None:
    assert available_bytes("cpu", tmp_path) == (0, "unknown")
    write(tmp_path, "proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 4000000 kB\n")
    assert available_bytes("cpu", tmp_path) == (4_096_000_000, "memory of the machine")
    # Version 2: the limit stands on a group above the process's own; pages of files can be given back.
    write(tmp_path, "proc/self/cgroup", "0::/task/step\n")
    write(tmp_path, "sys/fs/cgroup/task/step/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/task/memory.max", "2000000000\n")
    write(tmp_path, "sys/fs/cgroup/task/memory.current", "1500000000\n")
    write(tmp_path, "sys/fs/cgroup/task/memory.stat", "anon 500000000\ninactive_file 900000000\nactive_file 1\n")
    assert available_bytes("cpu", tmp_path) == (1_400_000_000, "memory limit of the container")


def test_blocks_that_an_earlier_stage_left_to_pytorch_are_free(monkeypatch) -> None:
    answers = {"mem_get_info": (10 * GB, 80 * GB), "memory_reserved": 60 * GB, "memory_allocated": 5 * GB}
    for name, answer in {**answers, "get_device_name": "a card"}.items():
        monkeypatch.setattr(torch.cuda, name, lambda _device, answer=answer: answer)
    assert available_bytes("cuda:0") == (65 * GB, "a card")


def test_free_memory_under_control_groups_of_version_1(tmp_path) -> None:
    write(tmp_path, "proc/meminfo", "MemAvailable: 4000000 kB\n")
    write(tmp_path, "proc/self/cgroup", "9:memory:/slurm/job_1\n4:cpu:/slurm\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.stat", "")
    write(tmp_path, "sys/fs/cgroup/memory/slurm/job_1/memory.limit_in_bytes", "3000000000\n")
    write(tmp_path, "sys/fs/cgroup/memory/slurm/job_1/memory.usage_in_bytes", "1000000000\n")
    write(tmp_path, "sys/fs/cgroup/memory/slurm/job_1/memory.stat", "total_inactive_file 100000000\n")
    assert available_bytes("cpu", tmp_path) == (2_100_000_000, "memory limit of the container")


def test_this_machine_has_some() -> None:
    size, bound = available_bytes("cpu")
    assert size > GB // 10 and bound.startswith("memory")
