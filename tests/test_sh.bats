#!/usr/bin/env bats
# How scripts/test.sh counts, on stand-ins for unit test programs in a tree of its own.

setup() {
    unset MLP_DATA_DIR
    root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    tree=$BATS_TEST_TMPDIR/tree
    mkdir -p "$tree/tests/unit"
    cp -r "$root/scripts" "$tree/scripts"
    printf '#!/bin/sh\n' >"$tree/scripts/install_deps.sh"
    cat >"$tree/Makefile" <<'MAKE'
unit-tests:
	@mkdir -p $(BUILD)/tests
	@for t in tests/unit/test_*.c; do \
	    install -m 755 $$t $(BUILD)/tests/$$(basename $$t .c) || exit 1; done
MAKE
}

# program NAME EXIT LINE...: a unit test program that says these lines on stderr, as cmocka does.
program() {
    local name=$1 code=$2
    shift 2
    {
        echo '#!/bin/sh'
        printf "echo '%s' >&2\n" "$@"
        echo "$code"
    } >"$tree/tests/unit/test_$name.c"
}

# A test that passes where it finds MNIST.
data_program() {
    # shellcheck disable=SC2016 # for the program to expand
    printf '%s\n' '#!/bin/sh' '[ -d "$MLP_DATA_DIR/mnist" ] && echo "[       OK ] found" >&2' \
        >"$tree/tests/unit/test_data.c"
}

unit_tier() {
    run "$tree/scripts/test.sh" --tier unit-gcc
    last=${lines[${#lines[@]} - 1]}
}

@test "tests that pass are counted, and the count closes the output" {
    program good 'exit 0' '[==========] Running 2 test(s).' '[ RUN      ] one' '[       OK ] one' \
        '[ RUN      ] two' '[       OK ] two' '[==========] 2 test(s) run.' '[  PASSED  ] 2 test(s).'
    unit_tier
    [ "$status" -eq 0 ]
    [ "$last" = "2 passed, 0 failed" ]
}

@test "a failed test counts once, though the summary lists it again" {
    program bad 'exit 1' '[       OK ] one' 'x.c:7: error' '[  FAILED  ] two' \
        '[==========] 2 test(s) run.' '[  PASSED  ] 1 test(s).' \
        '[  FAILED  ] 1 test(s), listed below:' '[  FAILED  ] two' '' ' 1 FAILED TEST(S)' \
        '[==========] Running 1 test(s).' '[  FAILED  ] three'
    unit_tier
    [ "$status" -eq 1 ]
    [ "$last" = "1 passed, 2 failed" ]
    [[ $output == *"test_bad"* ]]
}

@test "a crash, an exit code without a failed test, and no test at all are failures" {
    program crash 'kill -SEGV $$' '[       OK ] one' '[ RUN      ] two'
    program leak 'exit 9' '[       OK ] one' '[  PASSED  ] 1 test(s).'
    program empty 'exit 0' 'nothing to do'
    unit_tier
    [ "$status" -eq 1 ]
    [ "$last" = "2 passed, 3 failed" ]
    [[ $output == *"test_leak ended with exit code 9"* ]]
    [[ $output == *"test_empty ran no test"* ]]
}

@test "a skipped test is named and counts as neither" {
    program skip 'exit 0' '[       OK ] one' '[  SKIPPED ] avx512' '[  PASSED  ] 1 test(s).' \
        '[  SKIPPED ] 1 test(s), listed below:' '[  SKIPPED ] avx512'
    unit_tier
    [ "$status" -eq 0 ]
    [ "$last" = "1 passed, 0 failed" ]
    [[ $output == *"avx512"* ]]
}

@test "a build that breaks is one failure" {
    program good 'exit 0' '[       OK ] one'
    printf 'unit-tests:\n\t@echo "it broke" && false\n' >"$tree/Makefile"
    unit_tier
    [ "$status" -eq 1 ]
    [ "$last" = "0 passed, 1 failed" ]
    [[ $output == *"it broke"* ]]
}

@test "an unknown tier is exit 2" {
    run "$tree/scripts/test.sh" --tier everything
    [ "$status" -eq 2 ]
}

@test "data that fetch_data.sh has fetched are found" {
    data_program
    mkdir -p "$tree/data/mnist"
    unit_tier
    [ "$last" = '1 passed, 0 failed' ]
    mkdir -p "$BATS_TEST_TMPDIR/elsewhere/mnist"
    mv "$tree/data" "$tree/gone"
    MLP_DATA_DIR=$BATS_TEST_TMPDIR/elsewhere unit_tier
    [ "$last" = '1 passed, 0 failed' ]
    unit_tier
    [ "$last" = '0 passed, 1 failed' ]
}
