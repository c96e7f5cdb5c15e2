"""Losses as a sum and a weight, so that accumulation over micro-batches and processes is exact.

loss = sum of `loss` over all parts / sum of `weight` over all parts. All in fp32. A target of NaN is out of both. With
class weights w the weight of an element is w of its target (as torch's cross entropy), mixed where the target is soft.
Focal loss after Lin et al. 2017: each term is multiplied by (1 - p)^gamma of its class. Label smoothing after Szegedy
et al. 2016: the target is mixed with the uniform one, `smoothing` of it; the weight stays that of the unmixed target.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class LossSum(NamedTuple):
    """Sum of the losses, fp32 scalar with gradient, and of their weights, fp32 scalar without."""

    loss: Tensor
    weight: Tensor


def binary_loss(
    logits: Tensor,
    targets: Tensor,
    positive_weight: Tensor | float = 1.0,
    focal_gamma: float = 0.0,
    smoothing: float = 0.0,
) -> LossSum:
    """Cross entropy of independent yes-no questions.

    logits and targets: [N] or [N, K], targets in 0 to 1 (soft ones are probabilities) or NaN. `positive_weight`: of a
    target of 1 against one of 0, a number or [K].
    """
    known = ~torch.isnan(targets)
    logits, target = logits.float(), torch.where(known, targets, 0.0).float()
    weight = target * positive_weight + (1 - target)
    smooth = target * (1 - smoothing) + 0.5 * smoothing
    yes = -functional.logsigmoid(logits) * positive_weight * smooth
    no = -functional.logsigmoid(-logits) * (1 - smooth)
    if focal_gamma:
        probability = torch.sigmoid(logits)
        yes, no = yes * (1 - probability) ** focal_gamma, no * probability**focal_gamma
    return LossSum((known * (yes + no)).sum(), (known * weight).sum().detach())


def categorical_loss(
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    focal_gamma: float = 0.0,
    smoothing: float = 0.0,
) -> LossSum:
    """Cross entropy of one class out of C.

    logits: [N, C]; targets: class numbers [N] (floating ones may be NaN) or probabilities [N, C] (NaN: the row is out).
    """
    if targets.ndim == 1 and not targets.is_floating_point() and class_weights is None and not focal_gamma:
        loss = functional.cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=smoothing)
        return LossSum(loss, torch.tensor(float(targets.numel()), device=logits.device))
    n_classes = logits.shape[-1]
    known = ~torch.isnan(targets)
    if targets.ndim == 2:
        known = known.all(dim=1)
    if targets.ndim == 1:
        target = functional.one_hot(torch.where(known, targets, 0).long(), n_classes).float()
    else:
        target = torch.where(known[:, None], targets, 0.0).float()
    weights = logits.new_ones(n_classes, dtype=torch.float32) if class_weights is None else class_weights.float()
    log_probability = functional.log_softmax(logits.float(), dim=-1)
    terms = -log_probability * weights * (target * (1 - smoothing) + smoothing / n_classes)
    if focal_gamma:
        terms = terms * (1 - log_probability.exp()) ** focal_gamma
    return LossSum((known[:, None] * terms).sum(), (known[:, None] * target * weights).sum().detach())


def squared_loss(predictions: Tensor, targets: Tensor) -> LossSum:
    """Squared error, [N] or [N, K]; NaN targets are out. Weight: the number of known targets."""
    known = ~torch.isnan(targets)
    difference = predictions.float() - torch.where(known, targets, 0.0).float()
    return LossSum((known * difference**2).sum(), known.sum().float())


def huber_loss(predictions: Tensor, targets: Tensor, delta: float = 1.0) -> LossSum:
    """Huber's loss, squared below `delta` and linear above (half the square, as torch's), [N] or [N, K]."""
    known = ~torch.isnan(targets)
    target = torch.where(known, targets, 0.0).float()
    terms = functional.huber_loss(predictions.float(), target, reduction="none", delta=delta)
    return LossSum((known * terms).sum(), known.sum().float())
