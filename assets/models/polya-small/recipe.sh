#!/usr/bin/env bash
# Makes this model from the files of RIBOLM_DATA and scores it: one command, under two hours on two cores.
#     assets/models/polya-small/recipe.sh SCRATCH
# Started again with the same folder, it goes on where it was.
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
export PATH="$PWD/bin:$PATH" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
data=${RIBOLM_DATA:-../shared/data}/polya
model=assets/models/polya-small
seeds=${SEEDS:-1 2 3 4 5}

[ -f "$scratch/human.folds.tsv" ] || python benchmarks/polya_default_model.py stores --data "$data" --out "$scratch"
[ -d "$scratch/mouse" ] || python benchmarks/polya_default_model.py mouse --data "$data" --out "$scratch"

train() { # name, fold that is never seen, seed
    [ -f "$scratch/models/$1/manifest.json" ] ||
        ribolm-train finetune --store "$scratch/human" --folds "$scratch/human.folds.tsv" --fold "$2" --seed "$3" \
            --task polya --level sequence --preset convolution-206 --device cpu --precision fp32 \
            --epochs 4 --learning-rate 2e-3 --warmup-share 0.1 --floor 0 --beta2 0.999 --weight-decay 0.05 \
            --label-smoothing 0.05 --tokens-per-step 26624 --tokens-per-micro-batch 13312 --evaluate-every-steps 100 \
            --checkpoint-dir "$scratch/checkpoints/$1" --out "$scratch/models/$1"
}
for fold in 0 1 2 3 4 5 6 7 8 9; do train "fold-$fold" "$fold" 1; done
for seed in $seeds; do train "final-$seed" none "$seed"; done

mkdir -p "$model"
cp "$scratch"/models/final-1/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
python benchmarks/polya_default_score.py --stores "$scratch" --models "$scratch/models" \
    --aparent2 "$data/peers/aparent2_nodrop.h5" --out "$scratch/polya-small.md"
