#!/usr/bin/env bash
# Makes this model from the files of RIBOLM_DATA and scores it: one command, well under an hour on one core.
#     assets/models/m6a-sites-small/recipe.sh SCRATCH
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
export PATH="$PWD/bin:$PATH" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
model=assets/models/m6a-sites-small

python benchmarks/m6a_default_model.py stores --out "$scratch"
python benchmarks/m6a_default_model.py network --store "$scratch/near" --out "$scratch/initial" --seed 1
python benchmarks/m6a_default_model.py test-list --out "$scratch"
ribolm-train finetune --store "$scratch/taught" --folds "$scratch/taught.folds.tsv" --fold none --task m6a \
    --init "$scratch/initial" --unlabeled ignore_unlabeled --crop-tokens 384 --precision bf16 --device cpu \
    --learning-rate 2e-3 --epochs 1.5 --tokens-per-step 8192 --tokens-per-micro-batch 8192 --weight-decay 0.02 \
    --patience 100 --evaluate-every-steps 75 --universe drach --seed 1 \
    --checkpoint-dir "$scratch/checkpoints" --out "$scratch/model"
mkdir -p "$model"
cp "$scratch"/model/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
python benchmarks/m6a_default_score.py --work "$scratch" --model "$model"
