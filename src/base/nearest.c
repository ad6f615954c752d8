#include "base/nearest.h"

#include <string.h>

enum { WORD_MAX = 63, CHANGES_MIN = 1, LETTERS_PER_CHANGE = 4 };

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t min2(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Edit distance with swapped neighbours as one change (optimal string alignment), by rows:
 * distance[i][j] is between the first i letters of `a` and the first j of `b`; three rows of it are
 * kept. */
static size_t edit_distance(const char *a, size_t a_count, const char *b, size_t b_count) {
    size_t rows[3][WORD_MAX + 1] = {{0}};
    for (size_t j = 0; j <= b_count; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_count; i++) {
        size_t *const now = rows[i % 3];
        const size_t *const before = rows[(i + 2) % 3];
        const size_t *const before_that = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            const char x = lower(a[i - 1]);
            const char y = lower(b[j - 1]);
            size_t best = min2(before[j], now[j - 1]) + 1;
            best = min2(best, before[j - 1] + (x == y ? 0 : 1));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2])) {
                best = min2(best, before_that[j - 2] + 1);
            }
            now[j] = best;
        }
    }
    return rows[a_count % 3][b_count];
}

const char *psi_nearest(const char *word, const char *const *known, size_t count) {
    const size_t word_count = strlen(word);
    if (word_count == 0 || word_count > WORD_MAX) {
        return NULL;
    }
    const char *nearest = NULL;
    /* In half changes; starts at what is just not near. */
    size_t nearest_score = 2 * (CHANGES_MIN + word_count / LETTERS_PER_CHANGE) + 2;
    for (size_t i = 0; i < count; i++) {
        const size_t known_count = known[i] == NULL ? 0 : strlen(known[i]);
        if (known_count == 0 || known_count > WORD_MAX) {
            continue;
        }
        const size_t distance = edit_distance(word, word_count, known[i], known_count);
        const size_t score = 2 * distance + (lower(word[0]) == lower(known[i][0]) ? 0 : 1);
        if (score < nearest_score && distance < min2(word_count, known_count)) {
            nearest = known[i];
            nearest_score = score;
        }
    }
    return nearest;
}
