#!/usr/bin/env bash
# lda_measures_planted.sh CC: proves that the tests of coherence, inference and models can fail. Each line below plants
# one error into a copy of a source; the test that it names must then fail. An error that survives fails this test, and
# so does one whose place is not found.
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

for test in lda_npmi lda_mixtures lda_fixture; do
    "$cc" "${flags[@]}" -c "$root/tests/lda/$test.c" -o "$scratch/$test.o" || exit 1
done

# An object stands in the place of the archive's, as it comes first.
build() {
    "$cc" "$scratch/$2.o" "$scratch/lda_fixture.o" "${@:3}" "${archives[@]}" "${libraries[@]}" -lz -lm -o "$1"
}
for test in lda_npmi lda_mixtures; do
    build "$scratch/right" "$test" || exit 1
    TORTOISE_SCRATCH=$scratch "$scratch/right" >"$scratch/right.txt" || { cat "$scratch/right.txt" && exit 1; }
done

count=0 failures=0
# plant NAME TEST OLD NEW: OLD stands in the file, once or more; the first is replaced.
plant() {
    local content rest
    count=$((count + 1))
    content=$(<"$root/src/algos/lda/$1.c")
    rest=${content/"$3"/"$4"}
    if [ "$rest" = "$content" ]; then
        echo "FAILED: $1: '$3' is not there any more"
        failures=$((failures + 1))
        return
    fi
    printf '%s\n' "$rest" >"$scratch/planted.c"
    if ! "$cc" "${flags[@]}" -c "$scratch/planted.c" -o "$scratch/planted.o" ||
        ! build "$scratch/wrong" "$2" "$scratch/planted.o"; then
        echo "FAILED: $1: '$4' does not compile"
        failures=$((failures + 1))
    elif TORTOISE_SCRATCH=$scratch timeout 60 "$scratch/wrong" >"$scratch/wrong.txt"; then
        echo "FAILED: $1: '$4' is not noticed by $2"
        failures=$((failures + 1))
    fi
}

plant lda_coherence lda_npmi 'return common == 0 ? -1 : 1' 'return common == 0 ? 0 : 1'
plant lda_coherence lda_npmi '(p_left * p_right)) / -log(p)' '(p_left * p_right))'
plant lda_coherence lda_npmi '(double)blocks->doc_count' '(double)blocks->doc_count + 1'
plant lda_coherence lda_npmi 'first + blocks->tokens[first + i]' 'blocks->tokens[first + i]'
plant lda_coherence lda_npmi 'at->last[place - 1] == doc + 1' 'at->last[place - 1] == doc + 2'
plant lda_coherence lda_npmi 'if (!isnan(npmi[k]))' 'if (1)'
plant lda_topics lda_npmi 'top->counts[at - 1] < row[k]' 'top->counts[at - 1] <= row[k]'
plant lda_topics lda_npmi 'row[k] <= top->counts[last]' 'row[k] < top->counts[last]'
plant lda_infer lda_mixtures 'share[k] = phi_of(f, row, k) *' 'share[k] ='
plant lda_infer lda_mixtures '(tokens + f->alpha_sum)' 'tokens'
plant lda_infer lda_mixtures 'f->copies[count - 1]++' 'f->copies[count - 1] += 0'
plant lda_infer lda_mixtures 'f->unknown += 1' 'f->unknown += 2'
plant lda_infer lda_mixtures 'answer->values + d * topics' 'answer->values + (corpus->doc_count - 1 - d) * topics'
plant lda_model lda_mixtures 'sums[k] != model->totals[k]' '0'
plant lda_model lda_mixtures 'piece->type != wanted->type ||' ''
plant lda_model lda_mixtures '!(model->alpha[k] > 0) ||' ''

echo "$count errors planted, $failures survived or found no place"
exit $((failures > 0))
