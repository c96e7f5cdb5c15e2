"""One loop for every model: what is fed, what is minimised, what is saved. Knows no track.

From top to bottom, each using only what stands below it: `recipes` put a training together from options; `run` is the
loop and its stay in a checkpoint folder; `objectives` say what is learnt; `feed` brings rows of a token store as
batches; `checkpoints` is what lies on the disk; `machine` is what a run is computed on. `settings`, `log` and `faults`
(where tests let a run fail) serve all of them.
"""
