#!/usr/bin/env bash
# Makes the small data sets of the golden cases in $DATA, with the program $MLP; run.sh calls it.
set -eu

"$MLP" data make-digits --out "$DATA/digits" --train 600 --test 200
