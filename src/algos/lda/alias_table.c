#include "algos/lda/alias_table.h"

/* Columns with less than the mean are filled up by those with more. The stack holds the lesser ones
 * from the front, the greater ones from the back. */
void psi_lda_table_build(psi_lda_column *columns, uint32_t count, double mass, uint32_t *stack) {
    uint32_t lesser = 0, greater = count;
    for (uint32_t i = 0; i < count; i++) {
        columns[i].share = (float)(columns[i].weight * (double)count / mass);
        columns[i].other = (uint16_t)i;
        if (columns[i].share < 1) {
            stack[lesser++] = i;
        } else {
            stack[--greater] = i;
        }
    }
    while (lesser > 0 && greater < count) {
        psi_lda_column *const low = &columns[stack[--lesser]];
        psi_lda_column *const high = &columns[stack[greater]];
        low->other = (uint16_t)stack[greater];
        high->share -= 1 - low->share;
        if (high->share < 1) {
            stack[lesser++] = stack[greater++];
        }
    }
    while (lesser > 0) { /* what rounding left over is full */
        columns[stack[--lesser]].share = 1;
    }
}

uint16_t psi_lda_table_draw(const psi_lda_column *columns, uint32_t count, psi_lda_random *random) {
    const uint64_t bits = psi_lda_random_next(random);
    const psi_lda_column *const column = &columns[psi_lda_below((uint32_t)(bits >> 32), count)];
    const float at = (float)(uint32_t)(bits & 0xffffff) * 0x1p-24F;
    return at < column->share ? column->topic : columns[column->other].topic;
}
