/* Draws from a discrete distribution in O(1): the tables of A. J. Walker ("An efficient method for
 * generating discrete random variables with general distributions", ACM TOMS 3, 1977), built as
 * M. D. Vose showed (IEEE TSE 17, 1991). */
#ifndef PSI_LDA_ALIAS_TABLE_H
#define PSI_LDA_ALIAS_TABLE_H

#include <stdint.h>

#include "algos/lda/fast_random.h"

/* A column of a table: it is its own topic with probability `share`, else that of column `other`.
 * */
typedef struct psi_lda_column {
    float weight, share;
    uint16_t topic, other;
} psi_lda_column;

/* Sets share and other of columns[0..count) by their weights, whose sum is `mass` > 0, or there are
 * none. stack[0..count) is written over. O(count). */
void psi_lda_table_build(psi_lda_column *columns, uint32_t count, double mass, uint32_t *stack);

/* Draws a topic from columns[0..count), count > 0, with probability weight / mass. O(1). */
uint16_t psi_lda_table_draw(const psi_lda_column *columns, uint32_t count, psi_lda_random *random);

#endif
