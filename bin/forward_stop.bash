# shellcheck shell=bash
# Read by every bash in a container (BASH_ENV, conf/containers.config). Process 1 is there the bash of Nextflow's wrapper, and
# the kernel hands process 1 no signal that it has no handler for: the SIGTERM of `docker stop` would never reach a training.
# shellcheck disable=SC2154  # `task` is the wrapper's name for the process of the script
[ $$ -ne 1 ] || trap 'trap "" TERM; status=0; kill -TERM "$task"; wait "$task" || status=$?; exit "$status"' TERM
