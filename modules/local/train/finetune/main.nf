process TRAIN_FINETUNE {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    conda "${moduleDir}/environment.yml"
    container 'ribolm-torch:0.1.0'

    input:
    tuple val(meta), path(init, stageAs: 'init/*'), path(store), path(folds)
    val task_name
    val level
    val preset
    val checkpoints
    val code

    output:
    tuple val(meta), path("${meta.id}"), emit: model
    tuple val(meta), path("${meta.id}.log.jsonl"), emit: log
    tuple val("${task.process}"), val('ribolm'), eval('ribolm-train --version python numpy peft polars pyarrow scipy torch'), topic: versions, emit: versions_ribolm

    script:
    def args = task.ext.args ?: ''
    def device = task.accelerator ? 'cuda' : 'cpu'
    def start = init ? "--init ${init}" : "--preset ${preset}"
    // a bash that waits in the foreground hears no signal, and a stop asks for a checkpoint (containers: bin/forward_stop.bash)
    """
    # code: ${code}
    export OMP_NUM_THREADS=${task.cpus}
    ribolm-train finetune ${args} --store ${store} --task ${task_name} --level ${level} ${start} --folds ${folds} --fold ${meta.fold} --seed ${meta.seed} --device ${device} --checkpoint-dir '${checkpoints}/{key}' --out ${meta.id} &
    child=\$!
    trap 'kill -TERM \$child' TERM USR2
    status=0; wait \$child || status=\$?
    if kill -0 \$child 2>/dev/null; then status=0; wait \$child || status=\$?; fi
    [ \$status -eq 0 ] || exit \$status
    cp ${meta.id}/log.jsonl ${meta.id}.log.jsonl
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/config.json ${meta.id}/model.safetensors ${meta.id}.log.jsonl
    """
}
