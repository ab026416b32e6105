#!/usr/bin/env bats
# Disks that are full or read-only, as far as the user who runs this may make them so.

setup() {
    MLP=$BATS_TEST_DIRNAME/../mlp
    cd "$BATS_TEST_TMPDIR" || return
    "$MLP" data make-digits --out digits --train 200 --test 50
    echo '{"data": {"dir": "digits"}, "model": {"hidden": [8]}, "train": {"epochs": 1}}' >config.json
    mkdir disk
}

teardown() {
    umount "$BATS_TEST_TMPDIR/disk" 2>/dev/null || true
}

small_disk() {
    mount -t tmpfs -o size=200k tmpfs disk 2>/dev/null || skip 'this user may not mount a tmpfs'
}

# resume_fails WHY: and what was there stays as it was.
resume_fails() {
    run "$MLP" train -q --resume disk/run --set train.epochs=3
    [ "$status" -eq 1 ]
    [[ $output == "mlp: error: disk/run/"*": cannot "*"$1" ]]
    cmp disk/run/last.safetensors last
    cmp disk/run/best.safetensors best
}

@test "a full disk ends the training with exit 1, and --resume goes on when there is room" {
    small_disk
    "$MLP" train -q --config config.json --out straight --set train.epochs=3
    "$MLP" train -q --config config.json --out disk/run
    cp disk/run/last.safetensors last
    cp disk/run/best.safetensors best
    cat /dev/zero >disk/filler 2>/dev/null || true
    resume_fails 'No space left on device'
    [ -z "$(find disk -name "*.tmp-*")" ]
    rm disk/filler
    "$MLP" train -q --resume disk/run --set train.epochs=3
    cmp disk/run/best.safetensors straight/best.safetensors
    cmp disk/run/last.safetensors straight/last.safetensors
}

@test "a full disk leaves no data set that is half there" {
    small_disk
    run "$MLP" data make-digits --out disk --train 2000 --test 10
    [ "$status" -eq 1 ]
    [[ $output == *'No space left on device' ]]
    [ -z "$(ls disk)" ]
}

@test "a disk that became read-only ends the training with exit 1" {
    small_disk
    "$MLP" train -q --config config.json --out disk/run
    cp disk/run/last.safetensors last
    cp disk/run/best.safetensors best
    mount -o remount,ro disk
    resume_fails 'Read-only file system'
    run "$MLP" train -q --config config.json --out disk/new
    [ "$status" -eq 1 ]
    [ "$output" = 'mlp: error: disk/new: cannot make the folder: Read-only file system' ]
    "$MLP" eval --checkpoint disk/run/best.safetensors
}

@test "a file that may not grow is a failed write, not a signal" {
    run bash -c "ulimit -f 20; '$MLP' train -q --config config.json --out disk/run"
    [ "$status" -eq 1 ]
    [ "$output" = 'mlp: error: disk/run/last.safetensors: cannot write: File too large' ]
    [ "$(ls disk/run)" = "$(printf 'config.json\nmetrics.jsonl')" ]
    "$MLP" train -q --resume disk/run
    "$MLP" info --checkpoint disk/run/last.safetensors
}
