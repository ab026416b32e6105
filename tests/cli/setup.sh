#!/usr/bin/env bash
# Makes the small data sets of the golden cases in $DATA, with the program $MLP: digits, a config
# that trains on them in no time (small.json), and networks: run (ten digits, a validation set),
# binary (8 or not) and three (named digits, in an order of their own). run.sh calls it.
set -eu

# train NAME OPTION...
train() {
    local name=$1
    shift
    "$MLP" train --quiet --config "$ROOT/configs/digits.json" --set data.dir="$DATA/digits" \
        --set train.batch_size=32 --set train.epochs=20 --out "$DATA/$name" "$@"
}

"$MLP" data make-digits --out "$DATA/digits" --train 600 --test 200
cat >"$DATA/small.json" <<'JSON'
{
    "data": {"dir": "digits"},
    "model": {"hidden": [16]},
    "train": {"epochs": 2, "batch_size": 50, "sgd": {"lr": 0.05}}
}
JSON
train run --set data.validation_fraction=0.25
train binary --set model.output=sigmoid --set model.positive_label=8
train three --set data.labels='[3, 1, 7]' \
    --set data.class_names='["three", "one", "seven"]'
