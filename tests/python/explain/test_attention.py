"""Words of the most attended tokens are counted over all frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ribolm.errors import UsageError
from ribolm.explain import attention
from ribolm.explain.attention import AttendedWords, attended_words, attention_table, most_attended
from ribolm.explain.tokens import token_batches
from ribolm.explain.words import number_of
from ribolm.models.attention_maps import attention_maps
from ribolm.models.network import Network

from .conftest import ATTENDING, drawn_windows, placed, window_model

AATAAA = number_of("AATAAA")


def look_at_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention that goes to the tokens whose letters are AATAAA."""

    def weights(network: Network, part: object, device: object, from_cls: bool, layer: int) -> np.ndarray:
        words = [word == AATAAA for word in numbers_of(part)]
        return np.array(words, dtype=np.float64)

    monkeypatch.setattr(attention, "attention_to_tokens", weights)


def numbers_of(part: object) -> list[int]:
    tokens = part.batch.tokens[torch.from_numpy(part.place)]  # type: ignore[attr-defined]
    _, tokenizer = window_model("chunk")
    return [
        number_of(word) if len(word) == 6 else -1 for word in (tokenizer.tokens[token] for token in tokens.tolist())
    ]


def test_a_signal_is_one_token_in_one_frame_of_six(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at_signals(monkeypatch)
    network, tokenizer = window_model("chunk")
    windows = placed(drawn_windows(5, 101, letters=b"CG"), "AATAAA", 33)
    found = attended_words(network, tokenizer, windows)
    assert found.readings == 30
    assert found.attended[AATAAA] == found.offered[AATAAA] == 5
    assert found.attended.sum() + found.without_word == 30


@pytest.mark.parametrize("name", ATTENDING)
@torch.no_grad()
def test_the_most_attended_token_is_that_of_the_maps(name: str) -> None:
    network, tokenizer = window_model(name)
    windows = drawn_windows(6, 40)
    found = attended_words(network, tokenizer, windows)
    frames = 6 if name == "chunk" else 1
    assert found.readings == 6 * frames
    assert found.attended.sum() + found.without_word == found.readings
    assert (found.attended <= found.offered).all()
    expected = []
    for frame in range(frames):
        for part in token_batches(tokenizer, np.ascontiguousarray(windows[:, frame:]), 1):
            (probabilities,) = attention_maps(network, part.batch)
            received = probabilities[:, 0].mean(dim=0).numpy()[part.place]
            start0 = frame + int(part.start0[np.argmax(received)])
            word = windows[part.rows.start, start0 : start0 + 6].tobytes().decode()
            expected += [number_of(word)] if len(word) == 6 else []
    assert np.array_equal(found.attended, np.bincount(expected, minlength=4096))


def test_tokens_with_unknown_letters_are_no_words() -> None:
    network, tokenizer = window_model("nucleotide")
    windows = np.full((2, 30), ord("N"), dtype=np.uint8)
    found = attended_words(network, tokenizer, windows)
    assert (found.attended.sum(), found.offered.sum(), found.without_word) == (0, 0, 2)


def test_the_first_of_equals_counts() -> None:
    window = np.array([0, 0, 0, 1, 1])
    assert most_attended(window, np.array([0.1, 0.5, 0.5, 0.2, 0.2])).tolist() == [1, 3]


def test_the_table_sets_positives_beside_negatives_and_background() -> None:
    def counted(attended: dict[str, int], offered: dict[str, int]) -> AttendedWords:
        counts = np.zeros((2, 4096), dtype=np.int64)
        for row, found in zip(counts, (attended, offered), strict=True):
            for word, count in found.items():
                row[number_of(word)] = count
        return AttendedWords(counts[0], counts[1], 0, 10)

    positives = counted({"AATAAA": 6, "CCCCCC": 2}, {"AATAAA": 10, "CCCCCC": 10})
    negatives = counted({"CCCCCC": 4}, {"CCCCCC": 20})
    table = attention_table(positives, negatives, top=2)
    assert table["word"].to_list() == ["AATAAA", "CCCCCC"]
    assert table["is_signal"].to_list() == [True, False]
    assert table["share_positives"].to_list() == [0.75, 0.25]
    assert table["enrichment_positives"].to_list() == [1.5, 0.5]
    assert np.isnan(table["enrichment_negatives"][0])
    assert table["enrichment_negatives"][1] == 1.0


def test_a_model_without_attention_is_refused() -> None:
    network, tokenizer = window_model("hyena")
    with pytest.raises(UsageError, match="The model has no attention"):
        attended_words(network, tokenizer, drawn_windows(1, 40))


def test_a_layer_that_is_not_there_is_refused() -> None:
    network, tokenizer = window_model("nucleotide")
    (part,) = token_batches(tokenizer, drawn_windows(1, 20))
    with pytest.raises(UsageError, match="layer 2 is not one of the model's 2"):
        attention_maps(network, part.batch, layer=2)
    assert torch.equal(attention_maps(network, part.batch)[0], attention_maps(network, part.batch, layer=1)[0])
