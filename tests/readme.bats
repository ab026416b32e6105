#!/usr/bin/env bats
# Every command of the README, in its order, in a copy of the repository. The two that have tests of
# their own, or are the tests, stay out; the download is from a local copy of the data.

setup_file() {
    ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export ROOT
    export MNIST=${MLP_DATA_DIR:-$ROOT/../shared/data}/mnist
    export COPY=$BATS_FILE_TMPDIR/mlp
    mkdir "$COPY"
    (cd "$ROOT" && tar -cf - --exclude=./build --exclude=./data --exclude=./runs --exclude=./.git .) |
        tar -xf - -C "$COPY"
    make -s -C "$COPY" mlp
}

# The lines of the README's sh blocks.
commands() {
    awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$ROOT/README.md"
}

@test "the README has commands" {
    [ "$(commands | wc -l)" -ge 10 ]
}

@test "every command of the README does what it says" {
    [ -d "$MNIST" ] || skip "no MNIST at $MNIST"
    cd "$COPY"
    while read -r command; do
        case $command in
        ./scripts/test.sh) continue ;;
        "./scripts/fetch_data.sh mnist") command="$command --from $MNIST" ;;
        esac
        echo "\$ $command"
        bash -eu -o pipefail -c "$command" </dev/null
    done < <(commands)
    [ "$(wc -l <predictions.jsonl)" -eq 10000 ]
    [ -x /tmp/mlp-installed/bin/mlp ]
    rm -rf /tmp/mlp-installed
}
