process TRAIN_PRETRAIN {
    tag "${preset}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    input:
    path store
    path init, stageAs: 'init/*'
    val preset
    val seed
    val checkpoints
    val code

    output:
    path 'pretrained', emit: model
    path 'pretrained.log.jsonl', emit: log
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-train --version python numpy peft polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def start = init ? "--init ${init}" : "--preset ${preset}"
    // a bash that waits in the foreground hears no signal, and a stop asks for a checkpoint (containers: bin/forward_stop.bash)
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-train pretrain ${args} --store ${store} ${start} --seed ${seed} --device ${device} --checkpoint-dir '${checkpoints}/{key}' --out pretrained &
    child=\$!
    trap 'kill -TERM \$child' TERM USR2
    status=0; wait \$child || status=\$?
    if kill -0 \$child 2>/dev/null; then status=0; wait \$child || status=\$?; fi
    [ \$status -eq 0 ] || exit \$status
    cp pretrained/log.jsonl pretrained.log.jsonl
    """

    stub:
    """
    mkdir pretrained
    touch pretrained/config.json pretrained/model.safetensors pretrained.log.jsonl
    """
}
