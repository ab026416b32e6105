#!/usr/bin/env bash
# Usage: run.sh
#
# Checkpoints to and from PyTorch, with the Python that install_deps.sh interop set up. MLP names
# another program than the ./mlp of this repository.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "$root/build/venv/bin/python" "$root/tests/interop/test_pytorch.py" "${MLP:-$root/mlp}"
