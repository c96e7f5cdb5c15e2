"""The families of backbones that ribolm knows, found by a `config.json` or by a configuration."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ribolm.errors import DataError
from ribolm.models.convolution.family import CONVOLUTION
from ribolm.models.dnabert2 import DNABERT2
from ribolm.models.esm import ESM
from ribolm.models.family import BackboneConfig, Family
from ribolm.models.hyena.family import HYENA
from ribolm.models.nucleotide_transformer import NUCLEOTIDE_TRANSFORMER

# The first that recognises a config.json reads it: a special case of a family stands before the family.
FAMILIES: tuple[Family, ...] = (NUCLEOTIDE_TRANSFORMER, DNABERT2, HYENA, CONVOLUTION, ESM)


def family_of(config: BackboneConfig) -> Family:
    """The family that a configuration belongs to."""
    return next(family for family in FAMILIES if type(config) is family.config)


def read_config(content: Mapping[str, Any], source: str = "config.json") -> BackboneConfig:
    """Read a parsed `config.json` of any family; DataError for an unknown architecture or a field that does not fit."""
    for family in FAMILIES:
        if family.recognises(content):
            found: BackboneConfig = family.read_config(content, source)
            return found
    names = ", ".join(family.name for family in FAMILIES)
    raise DataError(f"{source}: model_type is {content.get('model_type')!r}, which is none of {names}.")


def build(config: BackboneConfig) -> nn.Module:
    """The backbone of a configuration, with weights still to be set; see `family` for what it can do."""
    return family_of(config).build(config)
