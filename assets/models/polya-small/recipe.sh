#!/usr/bin/env bash
# Makes this model from the files of RIBOLM_DATA and scores it: one command, under two hours on two cores.
#     assets/models/polya-small/recipe.sh SCRATCH
# Started again with the same folder, it goes on where it was. A model is TOWERS networks of one seed each, united: the
# model that is shipped, one for each of FOLDS with that fold never seen, and SEEDS in all to tell how much seeds matter.
set -euo pipefail
scratch=${1:?folder for stores and checkpoints}
cd "$(dirname "$0")/../../.."
export PATH="$PWD/bin:$PATH" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" scratch
data=${RIBOLM_DATA:-../shared/data}/polya
model=assets/models/polya-small
towers=${TOWERS:-2} seeds=${SEEDS:-5} folds=${FOLDS:-0 1 2}

[ -f "$scratch/human.folds.tsv" ] || python benchmarks/polya_default_model.py stores --data "$data" --out "$scratch"
[ -d "$scratch/mouse" ] || python benchmarks/polya_default_model.py mouse --data "$data" --out "$scratch"

train() { # fold that is never seen or none, seed
    local name="$1-$2"
    [ -f "$scratch/parts/$name/manifest.json" ] ||
        ribolm-train finetune --store "$scratch/human" --folds "$scratch/human.folds.tsv" --fold "$1" --seed "$2" \
            --task polya --level sequence --preset convolution-206 --device cpu --precision fp32 \
            --epochs 4 --learning-rate 2e-3 --warmup-share 0.1 --floor 0 --beta2 0.999 --weight-decay 0.05 \
            --label-smoothing 0.05 --tokens-per-step 26624 --tokens-per-micro-batch 13312 --evaluate-every-steps 100 \
            --checkpoint-dir "$scratch/checkpoints/$name" --out "$scratch/parts/$name"
}
export -f train

unite() { # name, fold, first seed
    local parts=()
    for ((seed = $3; seed < $3 + towers; seed++)); do parts+=(--model "$scratch/parts/$2-$seed"); done
    [ -f "$scratch/models/$1/manifest.json" ] || ribolm-weights unite "${parts[@]}" --out "$scratch/models/$1"
}

{
    for ((seed = 1; seed <= towers * seeds; seed++)); do echo "none $seed"; done
    for fold in $folds; do for ((seed = 1; seed <= towers; seed++)); do echo "$fold $seed"; done; done
} | xargs -n 2 -P "${JOBS:-2}" bash -euo pipefail -c 'train "$@"' train
for fold in $folds; do unite "fold-$fold" "$fold" 1; done
for ((i = 0; i < seeds; i++)); do unite "final-$((i + 1))" none $((1 + i * towers)); done

mkdir -p "$model"
cp "$scratch"/models/final-1/{config.json,model.safetensors,vocab.json,task.json,manifest.json} "$model"
ribolm-evaluate regression --store "$scratch/human" --out "$model/regression.safetensors"
python benchmarks/polya_default_score.py --stores "$scratch" --models "$scratch/models" \
    --aparent2 "$data/peers/aparent2_nodrop.h5" --out "$scratch/polya-small.md"
