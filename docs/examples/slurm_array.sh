#!/bin/bash
# A sweep in shards, one per task of the array; all write into one folder on a common disk.
#
#   array=$(sbatch --parsable slurm_array.sh night.toml baci night)
#   sbatch --dependency=afterok:$array slurm_merge.sh night
#
#SBATCH --job-name=reorient-sweep
#SBATCH --array=0-3
#SBATCH --cpus-per-task=16
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
# Time to finish the scenarios that have begun: exit code 75, and the task goes on when it is queued again.
#SBATCH --signal=TERM@120
set -euo pipefail
sweep=$1
trade=$2
out=$3

# reorient takes its shard from SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT.
exec reorient sweep "$sweep" ${trade:+"$trade"} --out "$out" --threads "${SLURM_CPUS_PER_TASK:-1}" --log-format json
