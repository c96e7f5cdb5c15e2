#!/usr/bin/env bash
# Makes this model from the files of RIBOLM_DATA and scores it: one command, about half an hour on one core.
#     assets/models/m6a-sites-small/recipe.sh SCRATCH
# Started again with the same folder, it goes on where it was.
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
export PATH="$PWD/bin:$PATH" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
model=assets/models/m6a-sites-small

[ -f "$scratch/taught.folds.tsv" ] || python benchmarks/m6a_default_model.py stores --out "$scratch"
[ -d "$scratch/initial" ] ||
    python benchmarks/m6a_default_model.py network --store "$scratch/taught" --out "$scratch/initial" --seed 1
python benchmarks/m6a_default_model.py test-list --out "$scratch"
ribolm-train finetune --store "$scratch/taught" --folds "$scratch/taught.folds.tsv" --fold none --task m6a \
    --init "$scratch/initial" --unlabeled ignore_unlabeled --crop-tokens 384 --precision bf16 --device cpu \
    --learning-rate 2e-3 --steps 1400 --tokens-per-step 4096 --tokens-per-micro-batch 4096 --weight-decay 0.02 \
    --patience 100 --evaluate-every-steps 200 --universe drach --seed 1 \
    --checkpoint-dir "$scratch/checkpoints" --out "$scratch/model"
mkdir -p "$model"
cp "$scratch"/model/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
python benchmarks/m6a_default_score.py --work "$scratch" --model "$model"
