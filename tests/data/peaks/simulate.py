"""Make counts.tsv, ratios.tsv: simulated counts with outliers, and log ratios of a mixture (numpy, fixed seed)."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LIBRARIES = ["ip_1", "ip_2", "ip_3", "ip_4", "input_1", "input_2", "input_3"]
random = np.random.default_rng(11)
bins = 150
offsets = np.round(np.exp(random.normal(0, 0.3, (7, 1))) * np.exp(random.normal(0, 0.2, (7, bins))), 6)
mean = random.gamma(1.5, 20, bins) * offsets * np.repeat([2.0, 1.0], [4, 3])[:, None]
counts = random.negative_binomial(10, 10 / (10 + mean))
counts[1, :15] = counts[1, :15] * 8 + 60
counts[6, 15:25] = counts[6, 15:25] * 6 + 40
with (HERE / "counts.tsv").open("w") as handle:
    names = [f"{kind}.{library}" for kind in ("count", "offset") for library in LIBRARIES]
    print(*names, sep="\t", file=handle)
    for row in range(bins):
        print(*counts[:, row], *offsets[:, row], sep="\t", file=handle)
control = random.poisson(random.gamma(4, 10, 400))
ip = random.poisson(control * np.where(random.random(400) < 0.2, 6.0, 1.0) * 0.9)
with (HERE / "ratios.tsv").open("w") as handle:
    print("ip", "input", sep="\t", file=handle)
    for row in range(400):
        print(ip[row], control[row], sep="\t", file=handle)
