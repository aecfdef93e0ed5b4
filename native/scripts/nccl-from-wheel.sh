#!/usr/bin/env bash
# NCCL's header and library out of the Python wheel, for the CUDA that nvcc belongs to: what the NCCL path is compiled and linked with where a machine has no NCCL. No GPU is needed.
#   native/scripts/nccl-from-wheel.sh FOLDER        prints what to set NCCL_HOME to
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
major=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
home="$folder/nvidia/nccl"
if [ ! -e "$home/include/nccl.h" ]; then
  python3 -m pip download --quiet --no-deps --dest "$folder" "nvidia-nccl-cu$major" >&2
  python3 -m zipfile -e "$folder"/nvidia_nccl_cu*.whl "$folder" >&2
  rm "$folder"/nvidia_nccl_cu*.whl
fi
echo "$home"
