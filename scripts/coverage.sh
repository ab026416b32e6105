#!/usr/bin/env bash
# Usage: coverage.sh
#
# Runs the unit tests, the command line tests and the fuzz corpora in a build that counts (gcc's
# --coverage, read by gcov), and prints for each file of src/ how many of its lines ran, the fewest
# first. Lines that did not are marked ##### in build/coverage/gcov. Exit 1 when fewer than 90 % of
# all lines ran.
set -eu -o pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

WANTED=90
build=$ROOT/build/coverage

case ${1-} in
-h | --help)
    print_help
    exit 0
    ;;
'') ;;
*) usage_error "unknown argument '$1'" ;;
esac
have gcov || die 'gcov is missing: it comes with gcc'
cd "$ROOT"
make -s -j "$(cpu_count)" VARIANT=coverage CC=gcc BUILD="$build" unit-tests fuzz-tests "$build/mlp"
find "$build" -name '*.gcda' -delete

# Whether the tests pass is for test.sh to say; here only what they reach counts.
export MLP_TEST_QUICK=1
for source in tests/unit/test_*.c; do
    "$build/tests/$(basename "$source" .c)" >/dev/null 2>&1 || log "$source failed"
done
MLP=$build/mlp ./tests/cli/run.sh >"$build/cli.log" || log "$(tail -n 1 "$build/cli.log")"
for target in tests/fuzz/corpus/*; do
    "$build/fuzz/replay_$(basename "$target")" "$target" >/dev/null
done

rm -rf "$build/gcov"
mkdir "$build/gcov"
cd "$build/gcov"
find "$build/src" -name '*.gcda' -exec gcov --preserve-paths --source-prefix "$ROOT" \
    --relative-only {} + >summary 2>/dev/null
awk -v wanted="$WANTED" '
    /^File / { file = $2; gsub(/\x27/, "", file) }
    /^Lines executed:/ && file ~ /^src\// {
        split($0, part, /[:% ]+/)
        lines[file] = part[5]
        ran[file] = part[5] * part[3] / 100
        file = ""
    }
    END {
        for (f in lines) {
            printf "%6.2f %% of %4d  %s\n", 100 * ran[f] / lines[f], lines[f], f | "sort -n"
            all += lines[f]
            all_ran += ran[f]
        }
        close("sort -n")
        printf "%6.2f %% of %4d  all of src/\n", 100 * all_ran / all, all
        exit all_ran * 100 < wanted * all
    }' summary
