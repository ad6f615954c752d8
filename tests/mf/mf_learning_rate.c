#include <math.h>

#include "algos/mf/learning_rate.h"
#include "support/suite.h"

/* The simplest schedule is the yardstick of the others. */
static void constant_stays(void) {
    psi_mf_learning_rate rate = psi_mf_learning_rate_start(PSI_MF_CONSTANT, 0.2385, 3);
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(psi_mf_learning_rate_step(&rate), 0.2385);
        psi_mf_learning_rate_advance(&rate, 100 - i);
    }
}

/* Time counts in passes, so the schedule is the same whatever the size of a batch. */
static void inverse_sqrt_counts_passes_not_batches(void) {
    psi_mf_learning_rate fine = psi_mf_learning_rate_start(PSI_MF_INVERSE_SQRT, 0.3, 20);
    psi_mf_learning_rate coarse = psi_mf_learning_rate_start(PSI_MF_INVERSE_SQRT, 0.3, 5);
    CU_ASSERT_EQUAL(psi_mf_learning_rate_step(&fine), 0.3);
    for (int pass = 0; pass < 8; pass++) {
        CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&fine), 0.3 / sqrt(1 + pass), 1e-15);
        CU_ASSERT_EQUAL(psi_mf_learning_rate_step(&fine), psi_mf_learning_rate_step(&coarse));
        for (int i = 0; i < 20; i++) {
            psi_mf_learning_rate_advance(&fine, 1);
        }
        for (int i = 0; i < 5; i++) {
            psi_mf_learning_rate_advance(&coarse, 1);
        }
    }
    psi_mf_learning_rate_advance(&coarse, 1);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&coarse), 0.3 / sqrt(9.2), 1e-15);
}

static void pass_end(psi_mf_learning_rate *rate, double loss) {
    psi_mf_learning_rate_advance(rate, loss / 2);
    psi_mf_learning_rate_advance(rate, loss / 2);
}

/* Only whole passes are compared: losses of different batches say nothing about each other. */
static void bold_driver_speeds_up_while_the_loss_falls(void) {
    psi_mf_learning_rate rate = psi_mf_learning_rate_start(PSI_MF_BOLD_DRIVER, 0.2, 2);
    pass_end(&rate, 100);
    CU_ASSERT_EQUAL(psi_mf_learning_rate_step(&rate), 0.2);
    pass_end(&rate, 90);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.21, 1e-15);
    psi_mf_learning_rate_advance(&rate, 1e9); /* half a pass */
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.21, 1e-15);
    psi_mf_learning_rate_advance(&rate, 0);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.105, 1e-15);
    pass_end(&rate, 80);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.11025, 1e-15);
    pass_end(&rate, 80);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.055125, 1e-15);
    pass_end(&rate, NAN);
    CU_ASSERT_DOUBLE_EQUAL(psi_mf_learning_rate_step(&rate), 0.0275625, 1e-15);
}

static const suite_test tests[] = {
    SUITE_TEST(constant_stays),
    SUITE_TEST(inverse_sqrt_counts_passes_not_batches),
    SUITE_TEST(bold_driver_speeds_up_while_the_loss_falls),
};
SUITE_MAIN("mf learning rate", tests)
