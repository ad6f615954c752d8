#!/usr/bin/env bash
# planted.sh BUILD: proves that the fuzz targets can fail. Each file planted/NAME.bug plants one bug in a copy of a
# source; the target that it names, started from the kept inputs, must find it within seconds. A bug that is not found
# fails the test, and so does one whose place in the code is not there any more. BUILD is a build of the preset `fuzz`.
#
#     why: one line for people
#     file: src/data/number.c
#     caught by: TARGET
#     <<<<
#     text that occurs in the file exactly once
#     ====
#     what it is replaced with
#     >>>>
set -uo pipefail
build=$(cd "${1:?a build folder}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
scratch=${TORTOISE_SCRATCH:?a folder}/planted
seconds=${TORTOISE_PLANTED_SECONDS:-20}
rm -rf "$scratch" && mkdir -p "$scratch"

cc=(clang -std=c11 -O1 -g -fno-omit-frame-pointer "-fsanitize=address,undefined" -fno-sanitize-recover=all -w
    -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE "-I$root/include" "-I$root/src")
libraries=("$build"/tests/fuzz/libfuzz_shared.a "$build"/src/*/libtortoise_*.a "$build"/libtortoise_*.a)
read -ra others < <(pkg-config --libs gsl jansson libconfig libcrypto zlib)

# Reads the fields of a bug: why, file, target, old, new.
read_bug() { # BUG
    local line state=head
    why='' file='' target='' old='' new=''
    while IFS= read -r line; do
        case $state:$line in
        'head:why: '*) why=${line#why: } ;;
        'head:file: '*) file=${line#file: } ;;
        'head:caught by: '*) target=${line#caught by: } ;;
        'head:<<<<') state=old ;;
        'old:====') state=new ;;
        'new:>>>>') state=whole ;;
        old:*) old+=${old:+$'\n'}$line ;;
        new:*) new+=${new:+$'\n'}$line ;;
        esac
    done <"$1"
    [ "$state" = whole ] && [ -n "$why" ] && [ -n "$target" ] && [ -f "$root/$file" ]
}

# Compiles the source with the bug and links the target with it, in the place of the sound one.
build_planted() { # NAME
    local folder content before after
    folder=$scratch/$1/$(dirname "${file#src/}")
    mkdir -p "$folder"
    content=$(cat "$root/$file")
    before=${content%%"$old"*}
    after=${content#*"$old"}
    if [ "$before" = "$content" ] || [ "${after%%"$old"*}" != "$after" ]; then
        echo "$1: its place in $file is not there any more, or there twice"
        return 1
    fi
    printf '%s\n' "$before$new$after" >"$folder/$(basename "$file")"
    "${cc[@]}" -fsanitize=fuzzer-no-link -iquote "$root/$(dirname "$file")" -c "$folder/$(basename "$file")" \
        -o "$scratch/$1.o" &&
        "${cc[@]}" -fsanitize=fuzzer "$build/tests/fuzz/CMakeFiles/fuzz_$target.dir/$target.c.o" "$scratch/$1.o" \
            -Wl,--start-group "${libraries[@]}" -Wl,--end-group "${others[@]}" -ldl -lpthread -lm -o "$scratch/$1.run"
}

export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8
failed=0 caught=0
shopt -s nullglob
for bug in "$here"/planted/*.bug; do
    name=$(basename "$bug" .bug)
    if ! read_bug "$bug"; then
        echo "$name: is not written as it should be"
        failed=$((failed + 1))
        continue
    fi
    if ! build_planted "$name" >"$scratch/$name.log" 2>&1; then
        cat "$scratch/$name.log"
        failed=$((failed + 1))
        continue
    fi
    mkdir -p "$scratch/$name.inputs"
    started=$SECONDS
    if "$scratch/$name.run" -timeout=2 -max_total_time="$seconds" -max_len=4096 -use_value_profile=1 -seed=1 \
        -artifact_prefix="$scratch/$name." "$scratch/$name.inputs" "$here/corpus/$target" \
        >"$scratch/$name.log" 2>&1; then
        echo "SURVIVED: $name ($why): $target did not find it in $seconds s"
        failed=$((failed + 1))
    else
        signs='VIOLATED: .*|ERROR: AddressSanitizer: [a-zA-Z-]*|runtime error: .*'
        said=$(grep -m 1 -oE "$signs" "$scratch/$name.log")
        echo "caught: $name ($why) by $target in $((SECONDS - started)) s: ${said:-?}"
        caught=$((caught + 1))
    fi
done
echo "$caught planted bugs were caught, $failed were not"
[ "$failed" -eq 0 ] && [ "$caught" -gt 0 ]
