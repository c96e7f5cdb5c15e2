#!/usr/bin/env bash
# Makes this model from the files of RIBOLM_DATA and scores it.
#     assets/models/rna-structure-small/recipe.sh SCRATCH
# Started again with the same folder, it goes on where it was. TS0 is read by the last line alone.
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
data=${RIBOLM_DATA:-../shared/data}
model=assets/models/rna-structure-small

[ -f "$scratch/model/manifest.json" ] ||
    python benchmarks/structure_default_model.py --data "$data" --scratch "$scratch" --out "$scratch/model"
cp "$scratch"/model/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
python benchmarks/structure_score.py --model "$model" --data "$data" --scratch "$scratch/scores" --sets TS0 \
    --out "$scratch/rna-structure-small.md"
