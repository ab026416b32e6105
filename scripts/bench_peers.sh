#!/usr/bin/env bash
# Usage: bench_peers.sh [--data DIR] [--venv DIR] [--rounds N]
#
# Times an epoch of 784-128-10 beside PyTorch and scikit-learn on this machine, in one run and by
# turns, and prints a table: seconds per epoch, peak memory, import time, start to exit, and one
# prediction from a cold start. The peers are the system's PyTorch, the newest PyTorch wheel (in
# the venv DIR, made when it is not there; build/venv-torch by default) and scikit-learn.
# DIR of the data: data/mnist by default (scripts/fetch_data.sh mnist puts it there).
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

data=$ROOT/data/mnist venv=$ROOT/build/venv-torch rounds=5
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        print_help
        exit 0
        ;;
    --data | --venv | --rounds)
        [ $# -ge 2 ] || usage_error "$1 wants a value"
        case $1 in
        --data) data=$2 ;;
        --venv) venv=$2 ;;
        --rounds) rounds=$2 ;;
        esac
        shift
        ;;
    *) usage_error "unknown argument '$1'" ;;
    esac
    shift
done
[ -d "$data" ] || die_with 4 "no folder '$data': run scripts/fetch_data.sh mnist, or give --data DIR"

"$ROOT/scripts/install_deps.sh" build bench
make -s -C "$ROOT" -j "$(cpu_count)"
if [ ! -x "$venv/bin/python" ]; then
    log "Installing the newest PyTorch wheel into $venv"
    "$(system_python)" -m venv "$venv"
    "$venv/bin/pip" install -q torch numpy
fi
exec "$(system_python)" "$ROOT/tests/bench/bench_peers.py" --mlp "$ROOT/mlp" --data "$data" \
    --rounds "$rounds" --torch "system=$(system_python)" --torch "wheel=$venv/bin/python" \
    --sklearn "$(system_python)"
