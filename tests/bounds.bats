#!/usr/bin/env bats
# Small files that ask for much. The program refuses each with the exit code of its kind, within a
# second of CPU time and 64 MB of address space (macOS does not limit the latter).

setup_file() {
    export ROOT MLP DATA
    ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    MLP=${MLP:-$ROOT/mlp} DATA=$BATS_FILE_TMPDIR/data
    mkdir "$DATA"
    "$ROOT/tests/cli/setup.sh"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# limited ARGUMENT...: the program under the limits; sets status and output as run does.
limited() {
    # shellcheck disable=SC2016 # for the inner shell
    run bash -c 'ulimit -t 1; [ "$(uname -s)" = Darwin ] || ulimit -v 65536; exec "$@"' - "$MLP" "$@"
}

# refused CODE WORDS ARGUMENT...: the exit code, and what the message says.
refused() {
    local code=$1 words=$2
    shift 2
    limited "$@"
    echo "$status: $output"
    [ "$status" -eq "$code" ] && [ "${#output}" -lt 1100 ] && [[ $output == *"$words"* ]]
}

# bytes NUMBER: 4 bytes, the first the highest, as IDX has them.
bytes() {
    # shellcheck disable=SC2059 # octal escapes
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) \
        $(($1 >> 8 & 255)) $(($1 & 255)))"
}

# idx SIZE...: the header of an IDX file.
idx() {
    local size
    # shellcheck disable=SC2059 # octal escapes
    printf "\\0\\0\\10\\$(printf '%03o' $#)"
    for size in "$@"; do
        bytes "$size"
    done
}

# safetensors FILE HEADER [DATA-BYTES]: the header's length, the header, zeros.
safetensors() {
    local length=${#2} i
    for i in 0 8 16 24 32 40 48 56; do
        # shellcheck disable=SC2059 # octal escapes
        printf "\\$(printf '%03o' $((length >> i & 255)))"
    done >"$1"
    printf '%s' "$2" >>"$1"
    head -c "${3:-0}" /dev/zero >>"$1"
}

# repeated N TEXT
repeated() {
    head -c "$1" /dev/zero | sed "s|\\x0|$2|g"
}

# A gigabyte of zeros in a megabyte: a thousand members, which count as one file.
bomb() {
    local i
    head -c 1048576 /dev/zero | gzip -9 >member
    for ((i = 0; i < 10; i++)); do cat member; done >ten
    for ((i = 0; i < 100; i++)); do cat ten; done
}

@test "the limits bear the program itself" {
    limited info --checkpoint "$DATA/run/best.safetensors"
    [ "$status" -eq 0 ]
    limited data check "$DATA/digits"
    [ "$status" -eq 0 ]
    limited eval --threads 1 --checkpoint "$DATA/run/best.safetensors"
    [ "$status" -eq 0 ]
}

@test "IDX: 2^31 images in 17 bytes" {
    cp -r "$DATA/digits" d
    (idx 2147483648 28 28 && printf x) >d/train-images-idx3-ubyte
    refused 4 'truncated: at byte 16 found 1 bytes of data, wanted 1683627180032' data check d
    refused 4 '1683627180032' train --set data.dir=d --config "$DATA/small.json" --dry-run
    refused 4 '1683627180032' predict --checkpoint "$DATA/run/best.safetensors" \
        d/train-images-idx3-ubyte
}

@test "IDX: 2^31 images in a small gzip file, and from a pipe" {
    cp -r "$DATA/digits" d
    (idx 2147483648 28 28 && printf x) | gzip >d/train-images-idx3-ubyte.gz
    refused 4 'cannot hold the wanted 1683627180032 bytes' data check d
    (idx 2147483648 28 28 && printf x) |
        refused 4 'truncated' predict --checkpoint "$DATA/run/best.safetensors"
}

@test "IDX: sizes whose product wraps around to the size of the file" {
    cp -r "$DATA/digits" d
    idx 2147483648 2147483648 4 >d/train-images-idx3-ubyte
    refused 4 'found sizes 2147483648 x 2147483648 x 4' data check d
}

@test "gzip: a bomb behind a modest header" {
    cp -r "$DATA/digits" d
    (idx 600 28 28 | gzip && bomb) >d/train-images-idx3-ubyte.gz
    refused 4 'trailing bytes: at byte 470416' data check d
    refused 4 'trailing bytes: at byte 470416' train --set data.dir=d --config "$DATA/small.json" \
        --dry-run
}

@test "gzip: a bomb that is given as a label file, and one as an image" {
    cp -r "$DATA/digits" d
    (idx 600 | gzip && bomb) >d/train-labels-idx1-ubyte.gz
    refused 4 'trailing bytes: at byte 608' data check d
    (printf 'P5\n28 28\n255\n' | gzip && bomb) >image.gz
    refused 4 'trailing bytes' predict --checkpoint "$DATA/run/best.safetensors" image.gz
}

@test "JSON: nested 100,000 deep" {
    repeated 100000 '[' >deep.json
    refused 3 'wanted less nesting' train --config deep.json
    (printf '{"a":' && repeated 100000 '{"a":') >deep.json
    refused 3 'wanted less nesting' train --config deep.json
    safetensors deep.safetensors "$(repeated 100000 '[')"
    refused 5 'wanted less nesting' eval --checkpoint deep.safetensors
    refused 3 'wanted an array' train --config "$DATA/small.json" \
        --set "model.hidden=$(repeated 100000 '[')"
}

@test "JSON: a million values in two megabytes" {
    (printf '{"model": {"hidden": [1' && repeated 1000000 ',1' && printf ']}}') >wide.json
    refused 3 'wanted fewer values' train --config wide.json
}

@test "JSON: a name of a megabyte" {
    long=$(repeated 1000000 a)
    printf '{"name": "%s"}' "$long" >long.json
    refused 3 'long.json: name: found "aaaa' train --config long.json
    printf '{"%s": 1}' "$long" >long.json
    refused 3 'long.json: aaaa' train --config long.json
    printf '{"data": {"class_names": ["%s", "b"]}}' "$long" >long.json
    refused 3 'long.json: data.class_names[0]: found "aaaa' train --config long.json
    printf '{"data": {"dir": "%s"}}' "$long" >long.json
    refused 3 'long.json: data.dir: found "aaaa' train --config long.json
    safetensors long.safetensors \
        "{\"$long\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}" 4
    refused 5 'is "aaaa' eval --checkpoint long.safetensors
}

# one_layer FILE WEIGHT BIAS [DATA-BYTES]: a network of one layer, the two given as shape and offsets.
one_layer() {
    safetensors "$1" "{\"linear1.weight\": {\"dtype\": \"F32\", $2},
        \"linear1.bias\": {\"dtype\": \"F32\", $3}}" "${4:-32}"
}

@test "checkpoint: tensors that overlap, and that leave a gap" {
    one_layer good '"shape": [2, 3], "data_offsets": [0, 24]' '"shape": [2], "data_offsets": [24, 32]'
    limited info --checkpoint good
    [ "$status" -eq 0 ]
    one_layer bad '"shape": [2, 3], "data_offsets": [0, 24]' '"shape": [2], "data_offsets": [20, 28]'
    refused 5 'begins at byte 20 of the data, wanted 24' info --checkpoint bad
    one_layer bad '"shape": [2, 3], "data_offsets": [0, 24]' '"shape": [2], "data_offsets": [28, 36]' 36
    refused 5 'begins at byte 28 of the data, wanted 24' info --checkpoint bad
}

@test "checkpoint: offsets and sizes that wrap around" {
    one_layer bad '"shape": [2, 3], "data_offsets": [0, 24]' \
        '"shape": [2], "data_offsets": [24, 18446744073709551615]'
    refused 5 'found "18446744073709551615"' info --checkpoint bad
    one_layer bad '"shape": [2, 3], "data_offsets": [9007199254740992, 9007199254740968]' \
        '"shape": [2], "data_offsets": [24, 32]'
    refused 5 'wanted a part of the data' info --checkpoint bad
    one_layer bad '"shape": [4294967296, 4294967296], "data_offsets": [0, 0]' \
        '"shape": [2], "data_offsets": [0, 8]' 8
    refused 5 'found 0 bytes, wanted 4 for each element' info --checkpoint bad
    printf '\377\377\377\377\377\377\377\377{}' >bad
    refused 5 'found a header of 18446744073709551615 bytes' info --checkpoint bad
}

@test "checkpoint: NaN and infinity in the weights" {
    for value in '\000\000\300\177' '\000\000\200\177' '\000\000\200\377'; do
        one_layer bad '"shape": [2, 3], "data_offsets": [0, 24]' \
            '"shape": [2], "data_offsets": [24, 32]' 28
        # shellcheck disable=SC2059 # octal escapes
        printf "$value" >>bad
        what='at index 1, wanted finite numbers'
        refused 5 "$what" eval --checkpoint bad --data "$DATA/digits"
        refused 5 "$what" predict --checkpoint bad
        refused 5 "$what" info --checkpoint bad
        refused 5 "$what" train --config "$DATA/small.json" --set model.hidden=[] --out new \
            --set model.init_from="$PWD/bad"
        [ ! -e new ]
    done
}

@test "checkpoint: metadata that commands the terminal is shown, not obeyed" {
    one_layer good '"shape": [2, 3], "data_offsets": [0, 24]' \
        '"shape": [2], "data_offsets": [24, 32]}, "__metadata__": {"a\u001b[2J": "\u009b31m\n"'
    limited info --checkpoint good
    [ "$status" -eq 0 ]
    [[ $output == *'a\u001b[2J  \u009b31m\u000a' ]]
}
