#!/usr/bin/env bats
# The program as it is installed: what the Makefile asks of compiler and linker is in the file.

setup() {
    [ "$(uname -s)" = Linux ] || skip "not an ELF system"
    mlp=$BATS_TEST_DIRNAME/../mlp
}

@test "any address: PIE" {
    readelf -hW "$mlp" | grep -q 'Type: *DYN'
}

@test "nothing to overwrite: RELRO, bound at the start, no stack that runs" {
    readelf -lW "$mlp" | grep -q GNU_RELRO
    readelf -dW "$mlp" | grep -q BIND_NOW
    readelf -lW "$mlp" | grep GNU_STACK | grep -q ' RW '
}

@test "overruns end the program: stack protector, FORTIFY" {
    readelf --dyn-syms -W "$mlp" | grep -q __stack_chk_fail
    readelf --dyn-syms -W "$mlp" | grep -q __snprintf_chk
}
