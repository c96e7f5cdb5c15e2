"""APARENT2 (Linder et al. 2022, doi 10.1186/s13059-022-02799-4; weights under MIT) as a peer, read natively.

    python benchmarks/polya_aparent2.py --weights ../shared/data/polya/peers/aparent2_nodrop.h5 --sequences X.fa --out T

scores records of 206 nt with the hexamer at [100, 106): the share of cleavage between the bases 77 and 126 of its
window of 205 nt, which has the hexamer at 70. The table (name, score) is a --peer of `ribolm-evaluate sequences`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from polya_hdf5 import Hdf5

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))

from ribolm.alphabet import Letters  # noqa: E402
from ribolm.files import atomic_path  # noqa: E402
from ribolm.genome.fasta import Genome  # noqa: E402

WINDOW_NT, HEXAMER0 = 205, 70
LIBRARIES, LIBRARY = 13, 11
DILATIONS = (1, 2, 4, 8, 4, 2, 1)
BLOCKS = 4
CLEAVED = slice(77, 127)
EPSILON = 1e-3  # of Keras' batch normalisation
ROWS_AT_A_TIME = 256


class Aparent2:
    """The network in evaluation mode."""

    def __init__(self, weights: Path) -> None:
        arrays = Hdf5(weights).arrays
        names = {tuple(name.split("/")[-2:]): torch.from_numpy(value.copy()) for name, value in arrays.items()}
        self.weights = {(layer, part.split(":")[0]): value for (layer, part), value in names.items()}

    def _convolve(self, x: Tensor, layer: str, dilation: int = 1) -> Tensor:
        kernel = self.weights[layer, "kernel"][0].permute(2, 1, 0)
        reach = dilation * (kernel.shape[2] - 1) // 2
        return functional.conv1d(x, kernel, self.weights[layer, "bias"], padding=reach, dilation=dilation)

    def _normalise(self, x: Tensor, layer: str) -> Tensor:
        mean, variance, gamma, beta = (
            self.weights[layer, part] for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=EPSILON)

    @torch.inference_mode()
    def cleavage(self, hot: Tensor) -> Tensor:
        """Probability of cleavage at every base and nowhere, [n, 206], of one-hot windows [n, 4, 205]."""
        x = self._convolve(hot, "aparent_conv_0")
        total = self._convolve(x, "aparent_skip_conv_0")
        for group, dilation in enumerate(DILATIONS):
            for block in range(BLOCKS):
                name, y = f"aparent_resblock_{group}_{block}", x
                for half in (0, 1):
                    y = functional.relu(self._normalise(y, f"{name}_batch_norm_{half}"))
                    y = self._convolve(y, f"{name}_conv_{half}", dilation)
                x = x + y
            is_last = group == len(DILATIONS) - 1
            total = total + self._convolve(
                x, "aparent_last_block_conv" if is_last else f"aparent_skip_conv_{group + 1}"
            )
        logits = functional.pad(self._convolve(total, "aparent_final_conv")[:, 0], (0, 1))
        library = self.weights["aparent_lib_conv", "kernel"].reshape(WINDOW_NT + 1, LIBRARIES)[:, LIBRARY]
        return torch.softmax(logits + library + self.weights["aparent_lib_conv", "bias"].flatten(), dim=1)

    def scores(self, letters: Letters, hexamer0: int) -> npt.NDArray[np.float64]:
        """Log-odds of cleavage behind the hexamer at `hexamer0` of windows uint8 [n, width], float64 [n]."""
        table = np.zeros((256, 4), dtype=np.float32)
        table[list(b"ACGT")] = np.eye(4, dtype=np.float32)
        cut = letters[:, hexamer0 - HEXAMER0 :][:, :WINDOW_NT]
        found = [np.zeros(0)]
        for begin in range(0, len(cut), ROWS_AT_A_TIME):
            hot = np.zeros((len(cut[begin : begin + ROWS_AT_A_TIME]), WINDOW_NT, 4), dtype=np.float32)
            hot[:, : cut.shape[1]] = table[cut[begin : begin + ROWS_AT_A_TIME]]
            share = self.cleavage(torch.from_numpy(hot).transpose(1, 2))[:, CLEAVED].sum(dim=1).double().numpy()
            found.append(np.log(share) - np.log1p(-np.minimum(share, 1 - 1e-12)))
        return np.concatenate(found)


def main() -> None:
    """Score a FASTA."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--sequences", type=Path, required=True)
    parser.add_argument("--hexamer0", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    records = Genome.open(arguments.sequences)
    letters = np.asarray(records.data).reshape(len(records.names), -1)
    scores = Aparent2(arguments.weights).scores(letters, arguments.hexamer0)
    with atomic_path(arguments.out) as temporary, temporary.open("w", encoding="utf-8") as handle:
        handle.write("name\tscore\n")
        handle.writelines(f"{n}\t{s:.6f}\n" for n, s in zip(records.names, scores.tolist(), strict=True))


if __name__ == "__main__":
    main()
