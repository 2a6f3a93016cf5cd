#!/bin/bash
# Train on several GPUs of several nodes:  sbatch training/slurm.sh STUDY RUN [--config NAME] [--set key=value …]
# Submitted again with the same arguments, it goes on from the last checkpoint.

#SBATCH --job-name=lesionseg-train
#SBATCH --nodes=2
# One process a GPU: these two are the same number.
#SBATCH --ntasks-per-node=4
#SBATCH --gres=gpu:4
# For cutting and augmenting slices.
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
# The trainer is asked to stop two minutes before the time is up; a job whose node fails goes back into the queue.
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --output=%x-%j.log

# Study and run folder have to be on a file system that all nodes see.
set -euo pipefail
study=$1 run=$2
shift 2

# A run that has begun is gone on with.
resume=()
if [ -f "$run/config.json" ]; then resume=(--resume); fi

# srun starts every process (Lightning Fabric finds its place by SLURM's variables), and ends all when one fails.
# batch_size is that of the whole batch: with --set batch_size=64, each of 8 GPUs has 8 slices.
srun --kill-on-bad-exit=1 lesionseg-train fit "$study" -o "$run" --device cuda \
    --set "devices=$SLURM_NTASKS_PER_NODE" --set "nodes=$SLURM_JOB_NUM_NODES" --set threads="$SLURM_CPUS_PER_TASK" \
    "$@" "${resume[@]}"
