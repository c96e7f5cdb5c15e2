#!/usr/bin/env bash
# Makes this model from the table of RIBOLM_DATA and scores it: one command, under an hour on one core.
#     assets/models/ribosome-load-small/recipe.sh SCRATCH
# Started again with the same folder, it goes on where it was.
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
model=assets/models/ribosome-load-small

python benchmarks/ribosome_load_default_model.py --out "$scratch" --jobs "${JOBS:-2}"
cp "$scratch"/model/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
