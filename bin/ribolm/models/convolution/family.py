"""The convolutional backbone as a family: heads, random weights."""

import torch
from torch import nn

from ribolm.models.convolution.configuration import MODEL_TYPE, ConvolutionConfig, convolution_config_from_dict
from ribolm.models.convolution.heads import WeighingHead
from ribolm.models.convolution.towers import build, build_head
from ribolm.models.family import Family

OTHER_KINDS = ("", "token", "pair", "multilabel")
CLASSIFIER = ("classifier", build_head)


@torch.no_grad()
def initialise(module: nn.Module, config: ConvolutionConfig, generator: torch.Generator) -> None:
    """Set the weights that a module itself owns: as torch's layers, uniform within 1 / sqrt(fan-in).

    Weights of places are standard normal, biases zero, LayerNorms 1.
    """
    if isinstance(module, nn.Linear | nn.Conv1d):
        bound = module.weight[0].numel() ** -0.5
        module.weight.uniform_(-bound, bound, generator=generator)
    if isinstance(module, WeighingHead):
        module.places.normal_(generator=generator)
    if isinstance(module, nn.LayerNorm):
        module.weight.fill_(1.0)
    if isinstance(module, nn.Linear | nn.Conv1d | nn.LayerNorm) and module.bias is not None:
        module.bias.zero_()


CONVOLUTION = Family(
    name="ribolm's convolution",
    prefix="convolution",
    config=ConvolutionConfig,
    recognises=lambda content: content.get("model_type") == MODEL_TYPE,
    read_config=convolution_config_from_dict,
    build=build,
    initialise=initialise,
    heads={"sequence": CLASSIFIER, "regression": CLASSIFIER},
    architectures={
        **dict.fromkeys(("sequence", "regression"), "ConvolutionForSequenceClassification"),
        **dict.fromkeys(OTHER_KINDS, "Convolution"),
    },
    language_model="",
    lora_targets=(),
    embedded=r"^convolution\.(towers\.\d+\.)?motifs\.",
    last_norm=r"^convolution\.(towers\.\d+\.)?norm\.",
    parity="ribolm's own; there is no upstream",
)
