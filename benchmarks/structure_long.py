"""Structure prediction of a long RNA: tiles beside the map in one piece, time and memory of both.

    python benchmarks/structure_long.py [--model assets/models/rna-structure-small] [--nt 1000,2000,4000]

Each way and length in a process of its own, so that peaks of memory are its own; one thread; random RNAs, no folding
program (its cost is that of RNAfold). Writes benchmarks/results/structure_long.md.
"""

import argparse
import datetime
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "structure_long.md"
MODEL = REPOSITORY / "assets" / "models" / "rna-structure-small"

import numpy as np  # noqa: E402

WAYS = ("tiles of 512", "one piece")


def logits(model: Path, n_nt: int, way: str, out: Path) -> dict[str, float]:
    """Compute the map of one RNA, store it, and tell seconds and peak memory of this process."""
    import torch

    from ribolm.models.pair_maps.folding import pair_map, states
    from ribolm.models.pair_maps.tiles import tiled
    from ribolm.models.ragged import pack
    from ribolm.models.weights import load_model

    torch.set_num_threads(1)
    loaded = load_model(model)
    network, tokenizer = loaded.network.eval(), loaded.tokenizer
    letters = np.random.Generator(np.random.Philox(n_nt)).choice(np.frombuffer(b"ACGT", np.uint8), n_nt)
    batch = pack([np.r_[tokenizer.prefix_ids, tokenizer.encode(letters), tokenizer.suffix_ids]])
    begun_s = time.process_time()
    with torch.inference_mode():
        hidden, bases = states(network, batch)[0]
        tile_nt = 512 if way == WAYS[0] else n_nt + 512
        found = tiled(pair_map(network), hidden, bases, None, tile_nt)
    seconds = time.process_time() - begun_s
    np.save(out, found.pairs.numpy())
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(model: Path, n_nt: int, scratch: Path) -> str:
    """One row of the table."""
    rows = {}
    for way in WAYS:
        line = [sys.executable, __file__, "--model", str(model), "--nt", str(n_nt), "--way", way]
        done = subprocess.run([*line, "--scratch", str(scratch)], check=True, stdout=subprocess.PIPE, text=True)
        rows[way] = json.loads(done.stdout)
    tiles, whole = (np.load(scratch / f"{way.replace(' ', '_')}.npy", mmap_mode="r") for way in WAYS)
    possible = whole > -1e3
    difference = float(np.abs(tiles - whole)[possible].max() / np.abs(whole)[possible].max())
    cells = [f"{row['seconds']:.1f} | {row['peak_mb']:,.0f}" for row in rows.values()]
    return f"| {n_nt:,} | {' | '.join(cells)} | {difference:.1e} |"


def main() -> None:
    """Write the table, or one way of one length as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--nt", default="1000,2000,4000")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--way", choices=WAYS, default=None, help="for the processes that this script starts")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    if arguments.way:
        name = f"{arguments.way.replace(' ', '_')}.npy"
        print(json.dumps(logits(arguments.model, int(arguments.nt), arguments.way, arguments.scratch / name)))
        return
    rows = [measured(arguments.model, int(n_nt), arguments.scratch) for n_nt in arguments.nt.split(",")]
    heading = f"""# Maps of pairs of long RNAs: in tiles and in one piece

`python benchmarks/structure_long.py`, {datetime.date.today()}, {platform.machine()}, {arguments.model.name}, one
thread. Processor seconds without start-up; peak memory of the process with torch; the largest difference of a logit as
a share of the largest logit.

| nt | tiles: s | tiles: MB | one piece: s | one piece: MB | difference |
|--:|--:|--:|--:|--:|--:|"""
    arguments.out.write_text("\n".join([heading, *rows, ""]), "utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
