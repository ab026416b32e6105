#!/usr/bin/env bash
# Usage: check_symbols.sh LIBRARY
#
# The library returns its errors and leaves stdout to the program: names each object of the archive
# that ends the process (exit, abort, a failed assert) or writes to stdout. Exit 1 when there is one.
# For a release build: sanitizers bring such calls of their own.
set -eu -o pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

[ $# -eq 1 ] || usage_error "wants one library, as build/release/libmlp.a"
[ -f "$1" ] || die_with 2 "no library '$1'"

prefix='' # macOS puts an underscore before every C name
if [ "$(uname -s)" = Darwin ]; then
    prefix=_
fi
nm -u "$1" | awk -v prefix="$prefix" '
BEGIN {
    n = split("exit _exit _Exit quick_exit abort __assert_fail __assert_rtn stdout __stdoutp " \
        "printf __printf_chk vprintf __vprintf_chk puts putchar putchar_unlocked", names, " ")
    for (i = 1; i <= n; i++)
        banned[prefix names[i]] = names[i]
}
/:$/ { object = $0; next }
$NF in banned { printf "%s %s\n", object, banned[$NF]; bad = 1 }
END { exit bad }
'
