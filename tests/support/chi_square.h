/* Pearson's chi-square test of counts against a law that is known exactly. */
#ifndef TEST_CHI_SQUARE_H
#define TEST_CHI_SQUARE_H

#include <gsl/gsl_cdf.h>

/* Chi-square of what was seen of `samples` draws in `cell_count` cells with probabilities `p`;
 * cells that expect less than 5 are taken together. *freedom_out are its degrees of freedom. */
static inline double chi_square_of(const double *seen, const double *p, int cell_count,
                                   double samples, int *freedom_out) {
    double chi = 0, few_seen = 0, few_wanted = 0;
    int cells = 0;
    for (int s = 0; s < cell_count; s++) {
        const double wanted = p[s] * samples;
        if (wanted < 5) {
            few_seen += seen[s];
            few_wanted += wanted;
            continue;
        }
        chi += (seen[s] - wanted) * (seen[s] - wanted) / wanted;
        cells++;
    }
    if (few_wanted > 0) {
        chi += (few_seen - few_wanted) * (few_seen - few_wanted) / few_wanted;
        cells++;
    }
    *freedom_out = cells - 1;
    return chi;
}

/* What chance exceeds with a probability of 1e-4. */
static inline double chi_square_limit(int freedom) {
    return gsl_cdf_chisq_Qinv(1e-4, freedom);
}

#endif
