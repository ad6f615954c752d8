#!/usr/bin/env bash
# Whether clang is there with its libFuzzer; says what is missing if not. Exit code 0 or 77.
set -uo pipefail
if ! command -v clang >/dev/null; then
    echo "skipped: clang is not installed; the fuzz targets need it"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/probe.c" <<'END'
#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return data == NULL && size > 0; }
END
if ! clang -fsanitize=fuzzer,address,undefined "$scratch/probe.c" -o "$scratch/probe" >/dev/null 2>&1; then
    echo "skipped: clang has no libFuzzer; the fuzz targets need the package libclang-rt-dev"
    exit 77
fi
