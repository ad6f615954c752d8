#!/usr/bin/env bash
# lr_planted.sh CC: proves that the tests of lr's mathematics can fail. Each line at the end plants one error into a copy
# of a source; lr_mathematics must then fail. An error that survives fails this test, and so does one whose place is not
# found.
set -uo pipefail
cc=${1:?a compiler}
root=$TORTOISE_SOURCE
scratch=$TORTOISE_SCRATCH/planted
rm -rf "$scratch"
mkdir -p "$scratch"
read -ra flags < <(pkg-config --cflags gsl cunit)
read -ra libraries < <(pkg-config --libs gsl cunit)
flags+=(-std=c11 -O1 -ffp-contract=off -I"$root/include" -I"$root/src" -I"$root/tests")
archives=("$TORTOISE_BUILD"/libtortoise_{algos,data,base}.a)
"$cc" "${flags[@]}" -c "$root/tests/lr/lr_mathematics.c" -o "$scratch/test.o" || exit 1

# An object stands in the place of the archive's, as it comes first.
build() {
    "$cc" "$scratch/test.o" "${@:2}" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
build "$scratch/right" || exit 1
"$scratch/right" >"$scratch/right.txt" || { cat "$scratch/right.txt" && exit 1; }

count=0 failures=0
# plant OLD NEW: the first OLD of lr_model.c is replaced.
plant() {
    local content changed
    count=$((count + 1))
    content=$(<"$root/src/algos/lr/lr_model.c")
    changed=${content/"$1"/"$2"}
    if [ "$changed" = "$content" ]; then
        echo "FAILED: '$1' is not there any more"
        failures=$((failures + 1))
        return
    fi
    printf '%s\n' "$changed" >"$scratch/planted.c"
    if ! "$cc" "${flags[@]}" -c "$scratch/planted.c" -o "$scratch/planted.o" ||
        ! build "$scratch/wrong" "$scratch/planted.o"; then
        echo "FAILED: '$2' does not compile"
        failures=$((failures + 1))
    elif timeout 10 "$scratch/wrong" >"$scratch/wrong.txt"; then
        echo "FAILED: '$2' is not noticed"
        failures=$((failures + 1))
    fi
}

plant '-(double)label / (1' '(double)label / (1'
plant 'at > 0 ? at + log1p(exp(-at))' 'at > 0 ? log1p(exp(at))'
plant 'a < b ? b : a' 'b'
plant 'count - (shape->has_bias != 0) : 0' 'count : 0'
plant 'sum += part * x.values[a]' 'sum += part'
plant 'step->l2 * step->inverse_shares[place]' 'step->l2'
plant 'inverse_out[place_of_name(shape, bias_name(shape))] = 0' '(void)0'
plant '+= gradient * gradient' '= gradient * gradient'
plant 'if (step->squares[place] > 0)' ''
plant 'slope * x.values[a] * x.values[b]' 'slope * x.values[b]'
plant 'set->rows[set->count++] = row' 'set->rows[set->count++] = x.names[0] >> PSI_LR_COLUMN_BITS'
plant 'set->stamps[row] = set->stamp' ''
plant '0.5 * tied[0]' '0'
plant 'if (isnan(scored[i].score))' 'if (0)'
plant 'examples->values[n] = 0' ''

echo "$count errors planted, $failures survived or found no place"
exit $((failures > 0))
