#!/bin/bash
# One job:                                   sbatch deploy/slurm.sh reviews/*.parquet
# Eight jobs, each for its own restaurants:  sbatch --array=0-7 deploy/slurm.sh reviews/*.parquet
# What to change, and what happens when: docs/operations.md
#SBATCH --job-name=reviewbatch
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -u
# scancel, and the time limit: the program is told, too. Without this the shell would end first, and the job with it.
trap true TERM

job=$SLURM_JOB_ID
if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
    job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID # the number alone may mean all tasks
fi
inputs=()
for file; do
    inputs+=(-i "$file")
done

# The job's time limit, less what starts and ends need. After a requeue it is another moment.
ends=$(date -d "$(squeue --noheader --job "$job" --format %e)" +%s)
# A task of an array asks only about its own restaurants, and writes to out/shard-0-of-8 and so on.
reviewbatch run sentiment summary "${inputs[@]}" -o out --deadline "$((ends - $(date +%s) - 300))s"
status=$?
if ((status == 4 && ${SLURM_RESTART_COUNT:-0} < 20)); then
    scontrol requeue "$job" # work is left, and the same command continues
fi
exit "$status"
