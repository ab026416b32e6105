#!/usr/bin/env bash
# Usage: bench_peers.sh [--only SECTION,...] [--rounds N] [--quick] [--publish] [--redraw]
#                       [--data DIR] [--venv DIR]
#
# Measures mlp beside PyTorch and scikit-learn on this machine, by turns in one run, and prints
# tables. The peers are the newest PyTorch wheel (in the venv DIR, made when it is not there;
# build/venv-torch by default), the system's PyTorch and scikit-learn, each with its fastest
# settings. Half an hour on two cores; the sections, which --only selects:
#   epoch      training epochs of 784-128-10 and 784-1024-10, with peak memory
#   deep       784-2500-2000-1500-1000-500-10
#   speedrun   from a cold start to 98 % on MNIST
#   predict    images a second, and one image from a cold start
#   dense      images without zeros, beside the peak of the machine
#   scaling    over the number of images and of hidden units
# Raw figures are kept in build/bench/latest.json; a section that is measured again replaces its
# own. --publish also writes docs/bench_*.svg and the tables in README.md and docs/performance.md;
# --redraw does so from the figures that are there. --quick asks only whether everything runs, and
# keeps its figures apart. DIR of the data: data/mnist by default (scripts/fetch_data.sh mnist).
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

data=$ROOT/data/mnist venv=$ROOT/build/venv-torch figures=$ROOT/build/bench/latest.json
measure=yes report='' options=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        print_help
        exit 0
        ;;
    --data | --venv | --rounds | --only)
        [ $# -ge 2 ] || usage_error "$1 wants a value"
        case $1 in
        --data) data=$2 ;;
        --venv) venv=$2 ;;
        *) options="$options $1 $2" ;;
        esac
        shift
        ;;
    --quick)
        options="$options --quick"
        figures=$ROOT/build/bench/quick.json
        ;;
    --publish) report=publish ;;
    --redraw) measure=no report=publish ;;
    *) usage_error "unknown argument '$1'" ;;
    esac
    shift
done
case $report:$figures in
publish:*/quick.json) usage_error "--quick measures nothing that is worth publishing" ;;
esac

python=$(system_python)
if [ "$measure" = yes ]; then
    [ -d "$data" ] || die_with 4 "no folder '$data': run scripts/fetch_data.sh mnist, or give --data DIR"
    "$ROOT/scripts/install_deps.sh" build bench
    make -s -C "$ROOT" -j "$(cpu_count)" mlp build/release/micro
    if [ ! -x "$venv/bin/python" ]; then
        log "Installing the newest PyTorch wheel into $venv"
        "$python" -m venv "$venv"
        "$venv/bin/pip" install -q torch numpy
    fi
    # shellcheck disable=SC2086 # a list of words
    "$python" "$ROOT/tests/bench/bench_peers.py" --mlp "$ROOT/mlp" \
        --micro "$ROOT/build/release/micro" --data "$data" --json "$figures" \
        --speedrun "$ROOT/configs/speedrun.json" --torch "$venv/bin/python" --torch "$python" \
        --sklearn "$python" $options
fi
[ -f "$figures" ] || die "no figures in $figures: run this without --redraw"
"$python" "$ROOT/tests/bench/report.py" "$figures" ${report:+--publish "$ROOT"}
