#!/bin/bash
# One job for all files:            sbatch deploy/slurm.sh reviews/*.parquet
# Eight jobs, each for some files:  sbatch --array=0-7 deploy/slurm.sh reviews/*.parquet
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

inputs=() first=1 each=1 output=out job=$SLURM_JOB_ID
if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
    # Of n tasks, number i takes the files i, i + n, i + 2n, ... and has an output folder of its own.
    first=$((SLURM_ARRAY_TASK_ID + 1)) each=$((SLURM_ARRAY_TASK_MAX + 1)) output=out/$SLURM_ARRAY_TASK_ID
    job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID # the number alone may mean all tasks
fi
for ((number = first; number <= $#; number += each)); do
    inputs+=(-i "${!number}")
done
if ((${#inputs[@]} == 0)); then
    echo "no file for this task: give at least as many files as there are tasks" >&2
    exit 2
fi

# The job's time limit, less what starts and ends need. After a requeue it is another moment.
ends=$(date -d "$(squeue --noheader --job "$job" --format %e)" +%s)
reviewbatch run sentiment summary "${inputs[@]}" -o "$output" --deadline "$((ends - $(date +%s) - 300))s"
status=$?
if ((status == 4 && ${SLURM_RESTART_COUNT:-0} < 20)); then
    scontrol requeue "$job" # work is left, and the same command continues
fi
exit "$status"
