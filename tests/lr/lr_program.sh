#!/usr/bin/env bash
# shellcheck disable=SC2016 # check() evaluates its text
# lr from outside: a file in, a model out, answers from it, the same in both worlds; what is no good input is refused in
# one line with exit code 2.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"

# Feature 1 means yes, feature 2 means no, feature 5 nothing; labels of both spellings.
for ((i = 0; i < 200; i++)); do
    echo "$((i % 2 * 2 - 1)) $((2 - i % 2)):1 $((3 + i % 3)):$((i % 4)).5"
done >minus.svm
{
    echo '# labels 0 and 1, blank lines, CR LF'
    sed 's/^-1/0/; s/$/\r/' minus.svm
    echo
} >zero.svm
gzip -c zero.svm >zero.svm.gz

# column NAME FILE
# shellcheck disable=SC2317 # check() calls it
column() {
    awk -F, -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) c = i} NR > 1 {print $c}' "$2"
}

train=(lr --heldout 0.2 --policy bsp --nodes 2 --workers 2 --clocks 60 --batch 4 --quiet)
"$TORTOISE" run "${train[@]}" --data minus.svm --out minus >minus.txt || exit 1
"$TORTOISE" run "${train[@]}" --data zero.svm.gz --out zero >zero.txt || exit 1
check "labels of 0 are labels of -1" 'cmp -s minus/model/weights.npy zero/model/weights.npy'
check "it has learned" 'tail -n 1 minus/metrics.csv | awk -F, "{exit !(\$5 < 0.3 && \$9 == 0 && \$10 == 1)}"'
check "the columns" 'head -1 minus/metrics.csv | grep -q ",objective,progressive_loss,progressive_error,heldout_loss,heldout_error,auc,examples,since_last_loss,since_last_error,"'
# As VW prints it: lines at 1, 2, 4 ... examples.
"$TORTOISE" run lr --heldout 0 --policy bsp --nodes 1 --workers 1 --batch 1 --clocks 100 --eval-every doubling \
    --data minus.svm --quiet --out doubling >doubling.txt || exit 1
check "the counter doubles" \
    'column examples doubling/metrics.csv | paste -sd" " | grep -qx "0 1 2 4 8 16 32 64 100"'
check "the first example is met without knowledge" \
    'column since_last_loss doubling/metrics.csv | sed -n 2p | grep -q "^0.693147"'
check "in the summary, too" 'grep -q "^  since_last_loss " doubling.txt'
refused "--eval-every" -- run lr --data minus.svm --eval-every double --out bad
if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    for bits in 0 8; do
        "$TORTOISE" run "${train[@]}" --data minus.svm --bits $bits --out "real-$bits" >out.txt || exit 1
        "$TORTOISE" sim "${train[@]}" --data minus.svm --bits $bits --out "sim-$bits" >out.txt || exit 1
        check "both worlds" 'cmp -s real-$bits/model/weights.npy sim-$bits/model/weights.npy'
        check "both worlds" 'cmp -s <(cut -d, -f2,5-13 real-$bits/metrics.csv) <(cut -d, -f2,5-13 sim-$bits/metrics.csv)'
    done
fi

printf '+1 1:1\n-1 2:1\n+1 5:1 1:1\n-1 77:2\n' >new.svm
"$TORTOISE" infer lr --model minus --data new.svm --format csv >new.csv || exit 1
check "yes, no, yes, who knows" \
    'awk -F, "NR > 1 {print (\$2 > 0.7) - (\$2 < 0.3)}" new.csv | paste -sd" " | grep -qx "1 -1 1 0"'
check "a column by its name" 'head -1 new.csv | grep -qx "example,probability"'
"$TORTOISE" infer lr --model minus --data new.svm >new.txt || exit 1
check "as text" 'grep -q "^auc  *0.[5-9]\|^auc  *1" new.txt && grep -q "^log_loss " new.txt && grep -qE "^example 1: 0\.[0-9]+$" new.txt'
"$TORTOISE" infer lr --model minus --data new.svm --format csv >new.csv 2>unknown.err || exit 1
check "features that the model does not know are said" \
    'cat new.txt unknown.err | grep -q "1 of 5 non-zeros are of features that the model does not know"'
for variant in "--bits 10" "--bits 10 --quadratic yes" "--bias no"; do
    # shellcheck disable=SC2086 # words
    "$TORTOISE" run "${train[@]}" --data minus.svm $variant --l2 1e-3 --out variant --force >out.txt || exit 1
    "$TORTOISE" infer lr --model variant --data minus.svm >all.txt || exit 1
    check "$variant" 'awk "/^auc/ {exit !(\$2 > 0.99)}" all.txt'
done

damaged() {
    printf '%b' "$1" >bad.svm
    refused "bad.svm:$2" "${@:3}" -- run lr --data bad.svm --nodes 1 --workers 1 --out bad
}
damaged '1 1:1\n-1 2\n' 2:4 "'2' is no feature:value"
damaged '1 1:1\n-1 0:1\n' 2:4 "ids are 1 to 2^32-2"
damaged '1 1:1\n-1 4294967295:1\n' 2:4 "ids are 1 to 2^32-2"
damaged '1 1:1\n-1 2:\n' 2:6 "not a number"
damaged '1 1:1\n-1 2:inf\n' 2:6 "not finite"
damaged '1 1:1\nspam 2:1\n' 2:1 "label 'spam' is not a number"
damaged '1 1:1\n-1 2:1 \x01\n' 2:8 "is this a text file?"
damaged '' 1:1 "there is no example"
damaged '# nothing\n\n' 3:1 "there is no example"
damaged '1 1:1\n3 2:1\n' "" "example 2 has label 3"
damaged '1 1:1\n0 2:1\n-1 2:1\n' "" "example 3 has label -1"
head -c 100 zero.svm.gz >bad.svm
refused "bad.svm:" "ends early" -- run lr --data bad.svm --out bad
refused "--bits" -- run lr --data minus.svm --quadratic yes --out bad
refused "too long" -- run lr --data minus.svm --delay 5000 --out bad
refused "too few" -- run lr --data new.svm --nodes 8 --workers 8 --out bad
refused "nearest is 'features'" -- run lr --data synthetic:featurs=3 --out bad
refused "given twice" -- run lr --data synthetic:seed=3,seed=4 --out bad
refused "at most half" -- run lr --data synthetic:features=10,nonzeros=9 --out bad
cp -r minus/model broken
sed -i 's/"bits": 0/"bits": 4/' broken/model.json
refused "model.json" "SHA-256" -- infer lr --model broken --data new.svm
cp minus/model/model.json broken/model.json
head -c -1 minus/model/weights.npy >broken/weights.npy
refused "weights.npy" "SHA-256" -- infer lr --model broken --data new.svm
printf '3 1:1\n' >bad.svm
refused "example 1 has label 3" -- infer lr --model minus --data bad.svm
checks_end
