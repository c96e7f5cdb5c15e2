"""Options of a training that were set although they change nothing: who set one would believe that it did."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ribolm.errors import UsageError
from ribolm.training.settings import Optimisation

# What the commands that watch dev take where no --patience is given: it cannot be told from one that was
USUAL_PATIENCE = 10


def refuse_unused(options: Any, unused: Mapping[str, str]) -> None:
    """Raise UsageError for an option that is not as it is where nobody sets it.

    options: a dataclass with an `optimisation`; unused: fields of either, and why each has no effect.
    """
    defaults = {name: (options.optimisation, field.default) for name, field in Optimisation.model_fields.items()}
    defaults |= {field.name: (options, field.default) for field in fields(options)}
    for name, because in unused.items():
        holder, default = defaults[name]
        usual = USUAL_PATIENCE if name == "patience" else default
        if getattr(holder, name) not in (default, usual):
            option = f"--{name.replace('_', '-')} {getattr(holder, name)}"
            raise UsageError(f"{option} has no effect: {because}. Leave it out.")
