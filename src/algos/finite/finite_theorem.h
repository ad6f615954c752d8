/* Theorems whose problem is a finite sum, a fixed set of examples: delayed proximal steps, mixed
 * perceptrons, averaged machines. The same kind of data as the theorems of games
 * (online/theorem.h): assumptions, step, bound. docs/theory.md states and proves them. */
#ifndef PSI_FINITE_THEOREM_H
#define PSI_FINITE_THEOREM_H

#include "algos/online/theorem.h"

typedef enum psi_finite_method {
    PSI_METHOD_PROXIMAL, /* proximal.h */
    PSI_METHOD_BLOCKS,   /* blocks.h */
    PSI_METHOD_MIXING,   /* mixing.h */
    PSI_METHOD_AVERAGING /* averaging.h */
} psi_finite_method;

/* What the averaging theorems speak of. */
typedef enum psi_finite_measure {
    PSI_FINITE_MEAN_EXCESS,    /* E c(average of k machines) - min c */
    PSI_FINITE_EXCESS_OF_MEAN, /* c(E w) - min c */
    PSI_FINITE_DISTANCE        /* E ||w - w*||^2 of one machine */
} psi_finite_measure;

typedef struct psi_finite_theorem {
    psi_theorem theorem;
    psi_finite_method method;
    psi_finite_measure measure; /* of averaging */
} psi_finite_theorem;

/* As psi_theorem_words, psi_theorem_find() and psi_theorems(). */
extern const char psi_finite_theorem_words[];
const psi_finite_theorem *psi_finite_theorem_find(const char *name);
const psi_finite_theorem *psi_finite_theorems(size_t *count_out);

#endif
