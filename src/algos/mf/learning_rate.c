#include "algos/mf/learning_rate.h"

#include <math.h>

static const double bold_rise = 1.05, bold_fall = 0.5;

psi_mf_learning_rate psi_mf_learning_rate_start(psi_mf_schedule schedule, double base,
                                                size_t batch_count) {
    return (psi_mf_learning_rate){.schedule = schedule,
                                  .base = base,
                                  .factor = 1,
                                  .last_loss = -1,
                                  .batch_count = batch_count};
}

double psi_mf_learning_rate_step(const psi_mf_learning_rate *rate) {
    switch (rate->schedule) {
    case PSI_MF_CONSTANT:
        break;
    case PSI_MF_INVERSE_SQRT:
        return rate->base / sqrt(1 + (double)rate->batches_done / (double)rate->batch_count);
    case PSI_MF_BOLD_DRIVER:
        return rate->base * rate->factor;
    }
    return rate->base;
}

void psi_mf_learning_rate_advance(psi_mf_learning_rate *rate, double loss) {
    rate->batches_done++;
    rate->loss += loss;
    if (rate->batches_done % rate->batch_count != 0) {
        return;
    }
    if (rate->last_loss >= 0) {
        const bool fell = rate->loss < rate->last_loss; /* not a number did not fall */
        rate->factor *= fell ? bold_rise : bold_fall;
    }
    rate->last_loss = rate->loss;
    rate->loss = 0;
}
