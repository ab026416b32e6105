#!/usr/bin/env bash
# Usage: test.sh [--quick] [--tier NAME]
#
# Installs what the tests need, builds every variant and runs every tier of tests, or one of them;
# --quick runs the unit and command line tests of the release build only. What a test says is in
# build/test-logs/<tier>.log; what fails is shown. Closes with the line "N passed, N failed".
#
# Tiers, in order:
#   format, arrows, symbols, shellcheck     the sources
#   unit-gcc, unit-clang                    the unit tests, by two compilers
#   unit-asan                               the same under the address sanitizer,
#   unit-ubsan, unit-tsan, unit-clang-sanitizers, unit-valgrind
#                                           and in fewer random cases under others and memcheck
#   unit-drd                                the thread team under valgrind's DRD
#   emulated                                AVX-512 and AMX by AVX2, on any x86-64 Linux
#   cli, cli-asan                           golden tests of the command line
#   trust                                   trainings killed at any moment, a system that fails at
#                                           any call (all of them: make test-long)
#   fuzz-replay                             the corpora of tests/fuzz, under sanitizers
#   mutations                               altered files, shown to the program
#   bats                                    scripts, installation, the README's commands
#   interop                                 checkpoints to and from PyTorch
#   cppcheck, clang-tidy, analyzer          static analysis; the last is gcc's
# MNIST and Fashion-MNIST are read in the folders mnist and fashion-mnist of MLP_DATA_DIR, by default
# ../shared/data, or data/ where that is not there (fetch_data.sh); without them tests are skipped.
# A tier whose tool this system does not have is skipped by name; on Linux that is a failure.
set -eu -o pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=suites.sh
. "$(dirname "$0")/suites.sh"

TIERS='format arrows symbols shellcheck unit-gcc unit-clang unit-asan unit-ubsan unit-tsan'
TIERS="$TIERS unit-clang-sanitizers unit-valgrind unit-drd emulated cli cli-asan trust fuzz-replay"
TIERS="$TIERS mutations bats interop cppcheck clang-tidy analyzer"
QUICK_TIERS='unit-gcc cli'
LOGS=$ROOT/build/test-logs
JOBS=$(cpu_count)
PASSED=0 FAILED=0 SKIPPED=''

# The tiers.

c_files() {
    find src tests -name '*.[ch]' -o -name '*.inc'
}

tier_format() {
    local file
    needs clang-format || return 0
    for file in $(c_files); do
        check "$file" clang-format --style=file --dry-run -Werror "$file"
    done
}

tier_arrows() {
    check 'the arrows between the rooms' ./scripts/check_arrows.sh
}

tier_symbols() {
    build libmlp.a build/release/libmlp.a || return 0
    check 'no exit, no abort, no stdout in the library' ./scripts/check_symbols.sh \
        build/release/libmlp.a
}

tier_shellcheck() {
    local file
    needs shellcheck || return 0
    for file in scripts/*.sh tests/*/*.sh .ci/run; do
        check "$file" shellcheck "$file"
    done
    for file in tests/*.bats; do
        check "$file" shellcheck --shell=bats "$file"
    done
}

# unit_tests NAME WRAPPER... -- MAKE-ARGUMENT...: builds the unit tests in build/NAME and runs them.
unit_tests() {
    local name=$1 wrapper=''
    shift
    while [ "$1" != -- ]; do
        wrapper="$wrapper $1"
        shift
    done
    shift
    build "the unit tests ($name)" BUILD="build/$name" "$@" unit-tests || return 0
    suites < <(for source in tests/unit/test_*.c; do
        test=$(basename "$source" .c)
        echo "$test within 900 $wrapper build/$name/tests/$test"
    done)
}

tier_unit_gcc() {
    if [ "$(uname -s)" = Darwin ]; then
        unit_tests release -- VARIANT=release
    else
        needs gcc || return 0
        unit_tests release -- VARIANT=release CC=gcc
    fi
}

tier_unit_clang() {
    needs clang || return 0
    unit_tests clang -- VARIANT=release CC=clang
}

tier_unit_asan() {
    unit_tests asan -- VARIANT=asan
}

tier_unit_ubsan() {
    unit_tests ubsan env MLP_TEST_QUICK=1 -- VARIANT=ubsan
}

tier_unit_tsan() {
    unit_tests tsan env MLP_TEST_QUICK=1 -- VARIANT=tsan
}

# Addresses are checked by calls, and pointers that overflow left to gcc's: with either one inline
# clang takes minutes to compile the kernels.
tier_unit_clang_sanitizers() {
    local flags='-fsanitize=address,undefined -fsanitize-address-outline-instrumentation'
    flags="$flags -fno-sanitize=pointer-overflow -fno-sanitize-recover=all"
    needs clang || return 0
    unit_tests clang-sanitizers env MLP_TEST_QUICK=1 -- VARIANT=release CC=clang \
        CFLAGS="$flags" LDFLAGS="$flags"
}

tier_unit_valgrind() {
    needs valgrind || return 0
    unit_tests release env MLP_TEST_QUICK=1 valgrind -q --error-exitcode=9 --leak-check=full \
        --errors-for-leak-kinds=definite -- VARIANT=release
}

# The team alone: DRD sees the races of its locks, but knows nothing of C11's atomics, by which the
# barrier orders everything else; those are the thread sanitizer's.
tier_unit_drd() {
    needs valgrind || return 0
    build 'the unit tests' VARIANT=release unit-tests || return 0
    suite test_team within 900 valgrind -q --tool=drd --error-exitcode=9 \
        build/release/tests/test_team
}

# The instructions that this CPU may lack, so that what it cannot run is tested all the same. SIMDe
# has what it takes since 0.7.4.
tier_emulated() {
    if ! { [ "$(uname -sm)" = 'Linux x86_64' ] && grep -qw fma /proc/cpuinfo; }; then
        leave_out 'an x86-64 with AVX2 and FMA'
    elif ! echo '#include <simde/x86/avx512/dpbf16.h>' | gcc -E - >/dev/null 2>&1; then
        leave_out 'SIMDe 0.7.4'
    else
        unit_tests emulated env MLP_TEST_QUICK=1 -- VARIANT=emulated CC=gcc
        build 'mlp (emulated)' VARIANT=emulated CC=gcc build/emulated/mlp || return 0
        check 'every table runs' runs_every_table build/emulated/mlp
        check 'the self-test' within 300 build/emulated/mlp info --self-test
        suite 'golden-cases' within 300 env MLP=build/emulated/mlp ./tests/cli/run.sh \
            train-same-bytes train-bf16-same-bytes train-bf16-resume eval-bf16 \
            eval-same-on-any-threads-and-kernel kernel-of-bf16 kernel-of-fp32
    fi
}

runs_every_table() {
    "$1" info --format json >"$LOGS/$tier.info" && ! grep -q '"supported": false' "$LOGS/$tier.info"
}

# golden VARIANT: the cases in as many parts as there are cores.
golden() {
    build "mlp ($1)" VARIANT="$1" "build/$1/mlp" || return 0
    suites < <(find tests/cli/cases -mindepth 1 -maxdepth 1 -exec basename '{}' ';' | sort |
        awk -v parts="$JOBS" -v command="within 1800 env MLP=build/$1/mlp ./tests/cli/run.sh" '
            { cases[NR % parts] = cases[NR % parts] " " $0 }
            END { for (part in cases) print "golden-cases-" part, command cases[part] }')
}

tier_cli() {
    golden release
}

tier_cli_asan() {
    golden asan
}

tier_trust() {
    needs python3 || return 0
    build mlp mlp || return 0
    suite 'kills' within 300 ./tests/trust/kills.py 20
    [ "$(uname -s)" = Linux ] || return 0 # elsewhere a program cannot stand in for its library
    needs gcc || return 0
    build 'mlp with faults' VARIANT=asan CC=gcc build/asan/mlp-faults || return 0
    suite 'faults' within 300 ./tests/trust/faults.py --stride 15
}

tier_fuzz_replay() {
    local variant target
    for variant in asan ubsan; do
        build "the fuzz targets ($variant)" VARIANT="$variant" fuzz-tests || return 0
        for target in tests/fuzz/corpus/*; do
            target=$(basename "$target")
            suite "$target ($variant)" within 300 "build/$variant/fuzz/replay_$target" \
                "tests/fuzz/corpus/$target"
        done
    done
}

tier_mutations() {
    build 'the mutants' mlp fuzz-tests || return 0
    suite 'altered files' within 1800 ./tests/fuzz/mutations.sh 300
}

tier_bats() {
    needs bats || return 0
    build 'mlp and micro' mlp build/release/micro || return 0
    suites < <(for file in tests/*.bats; do
        echo "$(basename "$file") within 1800 bats --tap $file"
    done)
}

tier_interop() {
    if [ ! -x tests/interop/run.sh ]; then
        skip tests/interop/run.sh
        return 0
    fi
    build mlp mlp || return 0
    suite 'tests/interop/run.sh' within 1800 ./tests/interop/run.sh
}

tier_cppcheck() {
    needs cppcheck || return 0
    check 'src/' cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j "$JOBS" \
        --enable=warning,performance,portability --suppress=missingIncludeSystem -Isrc src
}

tier_clang_tidy() {
    needs clang-tidy || return 0
    check 'src/' tidy '' ! -path 'src/kernels/avx*'
    if [ "$(uname -m)" = x86_64 ]; then
        check 'the x86 kernels' tidy '-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl' \
            -path 'src/kernels/avx*'
    fi
}

tier_analyzer() {
    needs gcc || return 0
    if [ "$(uname -s)" = Darwin ]; then
        skip gcc
        return 0
    fi
    check 'src/' analyze
}

# Everything but the kernels of one instruction set, which have their flags and no memory to lose.
analyze() {
    # shellcheck disable=SC2046 # a list of words
    find src -name '*.c' ! -path 'src/kernels/*avx*' ! -path 'src/kernels/*amx*' | sort |
        xargs -P "$JOBS" -I '{}' gcc -fanalyzer -Werror -O2 $(source_flags) -S '{}' -o - >/dev/null
}

# What the build tells the compiler of every file, for those that analyse it.
source_flags() {
    printf '%s ' -std=c11 -D_GNU_SOURCE -Isrc
    pkg-config --cflags zlib libcjson
    if pkg-config --exists libdeflate; then
        printf '%s ' -DMLP_HAVE_LIBDEFLATE
        pkg-config --cflags libdeflate
    fi
}

# tidy FLAGS FIND-TEST...: the files of src/ that the test selects, as the build compiles them.
tidy() {
    local flags
    flags="$(source_flags | tr '\n' ' ') $1"
    shift
    # shellcheck disable=SC2086 # a list of words
    find src -name '*.c' "$@" | sort | xargs -P "$JOBS" -I '{}' clang-tidy --quiet '{}' -- $flags 2>&1 |
        sed '/ warnings generated\.$/d'
}

# Running them.

run_tier() {
    local start=$SECONDS passed=$PASSED failed=$FAILED
    tier=$1
    : >"$LOGS/$tier.log"
    "tier_$(echo "$tier" | tr - _)"
    rm -f "$LOGS/$tier.last"
    log "$(printf '%-22s %4d passed, %d failed, %d s' "$tier" $((PASSED - passed)) \
        $((FAILED - failed)) $((SECONDS - start)))"
}

chosen=$TIERS
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        print_help
        exit 0
        ;;
    --quick) chosen=$QUICK_TIERS ;;
    --tier)
        [ $# -ge 2 ] || usage_error "--tier wants a name"
        case " $TIERS " in
        *" $2 "*) chosen=$2 ;;
        *) usage_error "unknown tier '$2': $TIERS" ;;
        esac
        shift
        ;;
    *) usage_error "unknown argument '$1'" ;;
    esac
    shift
done

cd "$ROOT"
[ -d ../shared/data ] || export MLP_DATA_DIR="${MLP_DATA_DIR:-$ROOT/data}"
sets='build test'
case " $chosen " in
*' interop '*) sets="$sets interop" ;;
esac
# shellcheck disable=SC2086 # a list of words
./scripts/install_deps.sh $sets
mkdir -p "$LOGS"
for tier in $chosen; do
    run_tier "$tier"
done
[ -z "$SKIPPED" ] || echo "skipped:$SKIPPED"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
