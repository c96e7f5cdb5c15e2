"""One small experiment that the simulation tests share."""

import pytest

from ribolm.simulation.m6a import make_experiment
from ribolm.simulation.m6a_fragments import Experiment
from ribolm.simulation.m6a_options import M6aOptions


@pytest.fixture(scope="session")
def small() -> Experiment:
    """150 genes with many isoforms."""
    return make_experiment(M6aOptions(seed=7, genes=150, isoforms=2.0, fragments=20_000))
