#!/bin/bash
# The dataset of a sweep whose shards are complete.
#SBATCH --job-name=reorient-merge
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=00:30:00
set -euo pipefail
exec reorient sweep merge "$1" --log-format json
