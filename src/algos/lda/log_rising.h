/* ln(a (a + 1) ... (a + n - 1)) = ln Gamma(a + n) - ln Gamma(a), for one a > 0 and whole n: what a
 * count of n contributes to a likelihood; 0 for n = 0. Small n are looked up. */
#ifndef PSI_LDA_LOG_RISING_H
#define PSI_LDA_LOG_RISING_H

#include <stdint.h>

#include <gsl/gsl_sf_gamma.h>

#include "tortoise/err.h"

enum { PSI_LDA_LOG_RISING_SIZE = 4096 };

typedef struct psi_lda_log_rising {
    double a, log_gamma_a;
    double *values; /* owned, [PSI_LDA_LOG_RISING_SIZE] */
} psi_lda_log_rising;

/* Returns PS_OK or PS_ENOMEM. Release `values` with free(). */
PS_MUST_CHECK ps_err psi_lda_log_rising_init(psi_lda_log_rising *log_rising, double a);

static inline double psi_lda_log_rising_at(const psi_lda_log_rising *log_rising, int64_t n) {
    if (n <= 0) {
        return 0;
    }
    if (n < PSI_LDA_LOG_RISING_SIZE) {
        return log_rising->values[n];
    }
    return gsl_sf_lngamma(log_rising->a + (double)n) - log_rising->log_gamma_a;
}

#endif
