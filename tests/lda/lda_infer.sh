#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034 # check() evaluates its text
# `infer` from outside: words are matched by name, documents keep their order, the answer is the same in every format
# and from a model of either world; what is no good model is refused in one line with exit code 2.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
. "$TORTOISE_SOURCE/tests/support/check.bash"

# Two topics, of four words each; the new data name the words in another order, and one more.
printf '%s\n' red green blue white cat dog cow hen >vocab.old.txt
{
    printf '40\n8\n160\n'
    for ((d = 1; d <= 40; d++)); do
        for ((w = 1; w <= 4; w++)); do echo "$d $((w + 4 * (d % 2))) $((1 + (d + w) % 3))"; done
    done
} >docword.old.txt
printf '%s\n' cow rocket red hen cat blue >vocab.new.txt
printf '4\n6\n6\n1 1 3\n1 4 2\n2 3 4\n2 6 1\n4 2 5\n4 5 2\n' >docword.new.txt

train=(lda --data docword.old.txt --topics 2 --heldout 0 --policy bsp --nodes 1 --workers 2 --clocks 101 --quiet)
"$TORTOISE" run "${train[@]}" --out real >real.txt || exit 1
check "the summary has npmi" 'grep -q "^  npmi  *[01]" real.txt'
check "topics as text" 'grep -q "cow" real/topics.txt && grep -q "^2 topics of 8 words" real/topics.txt'
check "topics as a table" '[ "$(wc -l <real/topics.csv)" = 3 ]'
check "npmi in the manifest" 'grep -q "\"npmi\": [01]" real/manifest.json'
if "$TORTOISE" version --features | grep -q '^  simulator *SimGrid'; then
    "$TORTOISE" sim "${train[@]}" --out sim >sim.txt || exit 1
    for file in model/model.json model/vocabulary.txt model/alpha.npy model/word_topic.npy topics.txt topics.csv; do
        check "both worlds" 'cmp -s "real/$file" "sim/$file"'
    done
    check "the rate is of the world" \
        '[ "$(tail -n 1 sim/metrics.csv | awk -F, "{printf \"%.6g\", \$4 / \$1 - \$8}")" = 0 ]'
fi

"$TORTOISE" infer lda --model real --data docword.new.txt --format csv >new.csv 2>new.err
check "answered" '[ "$(wc -l <new.csv)" = 5 ] && [ "$(wc -l <new.err)" = 1 ]'
check "the unknown are counted" 'grep -q "5 of 17 tokens (1 of 6 words)" new.err'
animals=$(awk -F, 'NR == 2 {print ($2 > $3) ? 2 : 3}' new.csv)
check "animals, colours, nothing, animals" \
    'awk -F, -v at="$animals" "NR > 1 {print (\$at > 0.6) - (\$at < 0.4)}" new.csv | paste -sd" " | grep -qx "1 -1 0 1"'
check "the prior of an empty document" 'grep -qx "2,0.5,0.5" new.csv'
"$TORTOISE" infer lda --model real/model --data docword.new.txt --format csv --out again.csv >again.txt 2>/dev/null
check "the same from the inner folder" 'cmp -s new.csv again.csv && grep -q "4 documents of 2 topics" again.txt'
"$TORTOISE" infer lda --model real --data docword.new.txt --format json >new.json 2>/dev/null
check "the same as JSON" \
    'diff <(sed 1d new.csv | cut -d, -f2-) <(sed -n "s/^    \[\(.*\)\],*$/\1/p" new.json | sed "s/, /,/g")'
"$TORTOISE" infer lda --model real --data docword.new.txt >new.txt 2>/dev/null
check "as text" 'grep -q "^document 2: [01] 0.500, [01] 0.500$" new.txt && grep -q "^unknown_tokens  *5$" new.txt'

refused_command=(infer)
refused "no algorithm" --
refused "nearest is" -- ldaa --model real --data docword.new.txt
refused "mf does not answer" -- mf --model real --data docword.new.txt
refused "--model" -- lda --data docword.new.txt
refused "--data" -- lda --model real
refused "none" -- lda --model none --data docword.new.txt
refused "vocab.old.txt" -- lda --model real --data vocab.old.txt
refused "again.csv" "--force" -- lda --model real --data docword.new.txt --out again.csv
refused "--format" -- lda --model real --data docword.new.txt --format yaml
refused "--model" "did you mean" -- lda --modle real --data docword.new.txt
"$TORTOISE" run mf --data synthetic:users=40,items=20,ratings=400 --clocks 2 --nodes 1 --quiet --out factors >/dev/null
refused "is a model of mf" -- lda --model factors --data docword.new.txt
for file in model.json alpha.npy topics.npy word_topic.npy vocabulary.txt; do
    cp -r real/model broken
    rm "broken/$file"
    refused "$file" -- lda --model broken --data docword.new.txt
    head -c -1 "real/model/$file" >"broken/$file"
    [ "$file" = model.json ] || refused "$file" "SHA-256" -- lda --model broken --data docword.new.txt
    rm -r broken
done

"$TORTOISE" report real >/dev/null 2>&1
check "the page has the topics" 'grep -q "<h2>Topics</h2>" real/report.html && grep -q ">cow</span>" real/report.html'
checks_end
