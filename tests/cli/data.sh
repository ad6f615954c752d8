#!/usr/bin/env bash
# `tortoise data` from outside: what is said of a corpus is so, every conversion comes back as it was, and what fails
# leaves nothing behind.
set -uo pipefail
: "${TORTOISE:?the program}" "${TORTOISE_SCRATCH:?a folder of our own}"
rm -rf "$TORTOISE_SCRATCH" && mkdir -p "$TORTOISE_SCRATCH" && cd "$TORTOISE_SCRATCH" || exit 1
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# data WORD... must succeed.
data() {
    timeout 60 "$TORTOISE" data "$@" >out.txt 2>err.txt </dev/null || fail "data $*: $(cat err.txt)"
}

says() {
    grep -qE -- "$1" out.txt || fail "'$1' is not said: $(cat out.txt)"
}

# refused CODE WORD ARGUMENT...: one line on stderr that holds WORD, nothing on stdout, no file more or less.
refused() {
    local code=$1 word=$2 got before
    shift 2
    before=$(find . -type f | sort)
    timeout 60 "$TORTOISE" data "$@" >out.txt 2>err.txt </dev/null
    got=$?
    [ "$got" = "$code" ] || fail "exit code $got instead of $code: data $*: $(cat err.txt)"
    [ "$(wc -l <err.txt)" = 1 ] || fail "not one line: data $*: $(cat err.txt)"
    [ -s out.txt ] && fail "something on stdout: data $*"
    grep -qF -- "$word" err.txt || fail "'$word' is not said: data $*: $(cat err.txt)"
    [ "$before" = "$(find . -type f | sort)" ] || fail "files came or went: data $*"
}
touch out.txt err.txt

# A corpus that is known: duplicates, an empty document, names.
printf '4\n5\n6\n1 1 1\n1 3 2\n3 2 3\n3 2 1\n3 4 1\n4 1 1\n' >docword.small.txt
printf 'ant\nbee\ncat\ndog\nelk\n' >vocab.small.txt
data info docword.small.txt
says '^docword.small.txt: corpus, docword'
says 'documents +4, of them 1 without words'
says 'words +5, of them 4 in documents; with a vocabulary'
says 'tokens +9'
says 'non-zeros +5 .*, 1 duplicates merged'
says 'from 0 to 5 tokens, median 2, mean 2.25'
says 'frequent words +bee 4, ant 2, cat 2, dog 1$'
data info docword.small.txt --format json
for item in '"merged": 1' '"nonzeros": 5' '"empty_documents": 1' '"length_median": 2.0' '"text": "bee"'; do
    says "$item"
done
data info docword.small.txt --format csv
[ "$(tail -1 out.txt | cut -d, -f1-11)" = docword.small.txt,docword,4,5,9,5,1,1,4,0,2 ] || fail "csv: $(cat out.txt)"

# A file of a few bytes that says billions of words takes no memory for them.
printf '2\n4294967294\n3\n1 4294967294 2\n2 7 1\n2 4294967294 2\n' >many
limit=2000000 # KiB of address space, where the program is not one with a sanitizer
(ulimit -v $limit && "$TORTOISE" version) >out.txt 2>&1 || limit=unlimited
(ulimit -v $limit && timeout 60 "$TORTOISE" data info many >out.txt 2>err.txt) || fail "many words: $(cat err.txt)"
says 'words +4294967294, of them 2 in documents'
says 'frequent words +#4294967294 4, #7 1$'

# The kind: by name, by content, by order.
cp docword.small.txt plain
printf '2 0:1 2:2\n0\n' >pairs
printf '1 1 3.5\n2 1 4\n' >ratings.txt
data info plain && says ': corpus, docword'
data info pairs && says ': corpus, lda-c'
data info ratings.txt && says ': ratings, text'
data info --kind corpus synthetic:docs=20,words=30 && says ': corpus, synthetic'
refused 2 "ratings.txt:1" info ratings.txt --kind corpus
refused 2 "plain:1" info plain --kind ratings
refused 2 "nearest is 'corpus'" info plain --kind corpsu

# Synthetic data: the same twice, and its topics beside it.
mkdir a b
spec=lda:docs=300,words=120,topics=4,length=60
data gen $spec --out a/docword.s.txt.gz --seed 7
data gen $spec,seed=7 --out b/docword.s.txt
[ "$(gzip -dc a/docword.s.txt.gz | cksum)" = "$(cksum <b/docword.s.txt)" ] || fail "the same seed, another corpus"
cmp -s a/topics.npy b/topics.npy || fail "the same seed, other topics"
data gen $spec --out b/docword.s.txt --seed 8 --force
cmp -s a/topics.npy b/topics.npy && fail "another seed, the same topics"
refused 2 "is there already" gen $spec --out a/docword.s.txt.gz
refused 2 "is there already" gen $spec --out a/other.svm # topics.npy is there
refused 2 "nearest is 'docs'" gen lda:dogs=3 --out c.txt
refused 2 "no/c.txt" gen lda --out no/c.txt

# There and back: a word less is seen.
for name in x.ldac x.svm x.txt.gz; do
    data convert docword.small.txt $name
    data convert $name back.txt --force
    sed 2d back.txt >got.txt # lda-c has no number of words
    printf '4\n5\n1 1 1\n1 3 2\n3 2 4\n3 4 1\n4 1 1\n' | cmp -s - got.txt || fail "$name: $(cat got.txt)"
done
printf '4\n5\n1 1 1\n1 3 2\n3 2 4\n3 4 2\n4 1 1\n' | cmp -s - got.txt && fail "a planted count is not seen"
data convert docword.small.txt docword.more.txt.gz
cmp -s vocab.small.txt vocab.more.txt || fail "the vocabulary did not come along"
data convert docword.small.txt y.svm && says 'names of the words are left out'
refused 2 "would name its words" convert y.svm docword.small.txt.gz
refused 2 "MatrixMarket" convert y.svm y.mtx
refused 2 "no regular file" convert y.svm /dev/full --force
[ -c /dev/full ] || fail "/dev/full is gone"
(
    trap '' XFSZ # a full disk: writes fail
    ulimit -f 4
    timeout 60 "$TORTOISE" data convert a/docword.s.txt.gz full.txt >/dev/null 2>full.err
    [ $? = 2 ] && grep -q "full.txt: cannot be written" full.err
) || fail "a full disk: $(cat full.err)"
[ "$(echo full.txt*)" = 'full.txt*' ] || fail "a full disk left $(echo full.txt*)"

# Topics that were learned are those that the corpus was drawn from; those of another seed are not.
timeout 60 "$TORTOISE" run lda --data a/docword.s.txt.gz --topics 4 --nodes 1 --workers 1 --policy bsp --clocks 201 \
    --eval-every 201 --out run --quiet >out.txt 2>err.txt || fail "run lda: $(cat err.txt)"
data match a/topics.npy run --format csv
[ "$(sed 1d out.txt | cut -d, -f2 | sort | tr -d '\n')" = 0123 ] || fail "no one-to-one matching: $(cat out.txt)"
data match a/topics.npy run
good=$(awk '/^mean_cosine/ { print $2 }' out.txt)
data match b/topics.npy run
bad=$(awk '/^mean_cosine/ { print $2 }' out.txt)
awk -v g="$good" -v b="$bad" 'BEGIN { exit !(g > 0.9 && b < g - 0.02) }' || fail "cosines $good, and $bad of others"
data match a/topics.npy run --format json && says '"mean_cosine": 0\.9'
cp -r run cut && truncate -s 200 cut/model/word_topic.npy
refused 2 "cut" match a/topics.npy cut
refused 2 "ratings.txt" match ratings.txt run
refused 2 "holds no topics" match run/model/alpha.npy run
refused 2 "TRUE.npy" match a/topics.npy
mkdir c && data gen lda:docs=50,words=90,topics=4 --out c/c.svm
refused 2 "words" match c/topics.npy run

[ "$failures" = 0 ] && echo "all of data is as it says"
[ "$failures" = 0 ]
