/* Claims: every kind holds on the numbers that it asks for, and fails on planted wrong ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/claims.h"
#include "cli/experiment.h"
#include "support/suite.h"

enum { SEEDS = 2, SLACKS = 4, RUNS = SEEDS * SLACKS };

/* Reads an experiment of four policies and two seeds with one claim; NULL if it is refused. */
static tt_experiment *experiment_of(const char *claim, ps_fault *fault) {
    const char *const scratch = getenv("TORTOISE_SCRATCH");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/claims.cfg", scratch == NULL ? "." : scratch);
    FILE *const file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file,
                  "name = \"c\"; algo = \"mf\";\n"
                  "axes = { policy = [ \"bsp\", \"ssp:1\", \"ssp:2\", \"ssp:4\" ];\n"
                  "         seed = [ 1, 2 ]; };\n"
                  "target = { at_most = 0.5; };\n"
                  "claims = (\n{ %s } );\n",
                  claim);
    (void)fclose(file);
    tt_experiment *experiment = NULL;
    return tt_experiment_read(path, &experiment, fault) == PS_OK ? experiment : NULL;
}

static bool holds(const tt_experiment *experiment, const double *values, size_t *count_out) {
    tt_verdict verdict;
    CU_ASSERT_EQUAL_FATAL(tt_claim_decide(experiment, &experiment->claims[0], values, &verdict),
                          PS_OK);
    const bool answer = verdict.holds;
    CU_ASSERT_EQUAL(answer, verdict.failed == 0);
    if (count_out != NULL) {
        *count_out = verdict.count;
    }
    tt_verdict_fini(&verdict);
    return answer;
}

/* The policies bsp, ssp:1, ssp:2, ssp:4 with seeds 1 and 2 each, in this order. */
static const struct {
    const char *claim;
    double good[RUNS];
    size_t planted; /* this run gets */
    double wrong;   /* this number */
    size_t count;   /* of measurements */
} kinds[] = {
    {"name = \"below\"; quantity = \"objective\"; at_most = 2;",
     {1, 1, 1, 1, 1, 1, 2, 2},
     5,
     2.1,
     8},
    {"name = \"above\"; quantity = \"objective\"; at_least = 1;",
     {1, 1, 1, 1, 1, 1, 2, 2},
     5,
     0.9,
     8},
    {"name = \"between\"; quantity = \"objective\"; at_least = 1; at_most = 2; of = { policy = "
     "\"ssp:*\"; };",
     {9, 9, 1, 1, 1, 1, 2, 2},
     7,
     2.5,
     6},
    {"name = \"mean\"; quantity = \"objective\"; over = \"policy\"; statistic = \"mean\"; at_most "
     "= 2;",
     {1, 1, 2, 2, 2, 2, 3, 3},
     7,
     4,
     2},
    {"name = \"min\"; quantity = \"objective\"; over = \"policy\"; statistic = \"min\"; at_least = "
     "1;",
     {1, 1, 2, 2, 2, 2, 3, 3},
     6,
     0.5,
     2},
    {"name = \"max\"; quantity = \"objective\"; over = \"policy\"; statistic = \"max\"; at_most = "
     "3;",
     {1, 1, 2, 2, 2, 2, 3, 3},
     0,
     3.5,
     2},
    {"name = \"spread\"; quantity = \"objective\"; over = \"policy\"; statistic = \"spread\"; "
     "of = { policy = \"ssp:*\"; }; at_most = 1;",
     {9, 9, 2, 2, 2, 2, 3, 3},
     4,
     1.5,
     2},
    {"name = \"slope\"; quantity = \"objective\"; over = \"policy\"; statistic = \"slope\"; "
     "of = { policy = \"ssp:*\"; }; at_least = 1.99; at_most = 2.01;",
     {9, 9, 3, 4, 5, 6, 9, 10},
     7,
     9,
     2},
    {"name = \"exponent\"; quantity = \"objective\"; over = \"policy\"; statistic = \"exponent\"; "
     "of = { policy = \"ssp:*\"; }; at_least = 1.99; at_most = 2.01;",
     {9, 9, 1, 3, 4, 12, 16, 48},
     6,
     15,
     2},
    {"name = \"rises\"; quantity = \"objective\"; over = \"policy\"; statistic = "
     "\"smallest_step\"; "
     "at_least = 0;",
     {1, 1, 2, 2, 2, 3, 3, 3},
     4,
     1.9,
     2},
    {"name = \"falls\"; quantity = \"objective\"; over = \"policy\"; statistic = \"largest_step\"; "
     "at_most = 0;",
     {3, 3, 2, 2, 2, 2, 1, 1},
     6,
     2.1,
     2},
    {"name = \"ratio\"; quantity = \"time_to_target_s\"; of = { policy = \"ssp:*\"; }; "
     "against = { policy = \"bsp\"; }; at_most = 0.5;",
     {4, 8, 2, 4, 2, 4, 1, 3},
     5,
     4.5,
     6},
    {"name = \"difference\"; quantity = \"objective\"; of = { policy = [ \"ssp:1\", \"ssp:2\" ]; "
     "}; "
     "against = { policy = [ \"bsp\", \"ssp:4\" ]; }; compare = \"difference\"; at_least = 0;",
     {1, 2, 3, 4, 3, 4, 2, 3},
     2,
     1.5,
     8},
    {"name = \"ratio of spreads\"; quantity = \"objective\"; over = \"policy\"; statistic = "
     "\"spread\"; of = { policy = [ \"bsp\", \"ssp:1\" ]; }; against = { policy = [ \"ssp:2\", "
     "\"ssp:4\" ]; }; at_most = 0.5;",
     {1, 1, 2, 2, 5, 5, 7, 7},
     1,
     0.5,
     2},
    {"name = \"mean of seeds\"; quantity = \"objective\"; averaged = \"seed\"; at_most = 2;",
     {1, 3, 2, 2, 1, 2, 3, 0.5},
     7,
     2,
     4},
    {"name = \"exponent of means against s + 1\"; quantity = \"objective\"; averaged = \"seed\"; "
     "over "
     "= \"policy\"; statistic = \"exponent\"; plus = 1; of = { policy = \"ssp:*\"; }; at_least = "
     "1.99; at_most = 2.01;",
     {9, 9, 3, 5, 8, 10, 20, 30},
     6,
     25,
     1},
    {"name = \"ratio of means\"; quantity = \"objective\"; averaged = \"seed\"; of = { policy = "
     "\"ssp:*\"; }; against = { policy = \"bsp\"; }; at_most = 0.5;",
     {4, 8, 2, 4, 1, 4, 4, 2},
     6,
     4.5,
     3},
};

static void every_kind_fails_on_wrong_data(void) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ps_fault fault = {0};
        double values[RUNS];
        size_t count = 0;
        tt_experiment *const experiment = experiment_of(kinds[i].claim, &fault);
        if (experiment == NULL) {
            printf("%s: %s\n", kinds[i].claim, fault.text);
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(experiment);
        const char *const name = experiment->claims[0].name;
        memcpy(values, kinds[i].good, sizeof values);
        if (!holds(experiment, values, &count)) {
            printf("the claim '%s' fails on good data\n", name);
            CU_FAIL("fails on good data");
        }
        CU_ASSERT_EQUAL(count, kinds[i].count);
        values[kinds[i].planted] = kinds[i].wrong;
        if (holds(experiment, values, NULL)) {
            printf("the claim '%s' holds on wrong data\n", name);
            CU_FAIL("holds on wrong data");
        }
        /* A number that is missing proves nothing. */
        values[kinds[i].planted] = (double)NAN;
        CU_ASSERT_FALSE(holds(experiment, values, NULL));
        free(experiment);
    }
}

/* Whatever else is in the file, a claim that could not be decided is refused with its line. */
static void bad_claims_are_refused(void) {
    static const struct {
        const char *claim, *says;
    } cases[] = {
        {"quantity = \"objective\"; at_most = 1;", "name"},
        {"name = \"a\"; at_most = 1;", "quantity"},
        {"name = \"a\"; quantity = \"objective\";", "at_most"},
        {"name = \"a\"; quantity = \"loss\"; at_most = 1;", "loss"},
        {"name = \"a\"; quantity = \"objective\"; at_mots = 1;", "did you mean at_most"},
        {"name = \"a\"; quantity = \"objective\"; at_most = \"1\";", "number"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; at_least = 2;", "below"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; at = \"clocks=3\";", "clocks=3"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; at = \"clock=x\";", "clock=x"},
        {"name = \"a\"; quantity = \"wait_share\"; at_most = 1; at = \"clock=1\";", "metrics.csv"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; of = { polcy = \"bsp\"; };",
         "polcy"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; of = { policy = \"vap:*\"; };",
         "vap:*"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; of = \"bsp\";", "group"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; over = \"policy\";", "statistic"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; statistic = \"mean\";", "over"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; over = \"policy\"; statistic = "
         "\"sprad\";",
         "did you mean spread"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; over = \"policy\"; statistic = "
         "\"slope\";",
         "'bsp' has no number"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; over = \"policy\"; statistic = "
         "\"spread\"; of = { policy = \"bsp\"; };",
         "fewer than two"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; compare = \"difference\";",
         "against"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; of = { policy = \"bsp\"; }; against "
         "= { policy = \"bsp\"; };",
         "no other runs"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; averaged = \"sed\";", "no axis sed"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; averaged = \"seed\"; over = "
         "\"seed\"; "
         "statistic = \"max\";",
         "an axis of its own"},
        {"name = \"a\"; quantity = \"objective\"; at_most = 1; plus = 1;", "slopes and exponents"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_fault fault = {0};
        tt_experiment *const experiment = experiment_of(cases[i].claim, &fault);
        CU_ASSERT_PTR_NULL(experiment);
        if (strstr(fault.text, "claims.cfg:6: ") == NULL ||
            strstr(fault.text, cases[i].says) == NULL) {
            printf("%s: '%s' does not say line 6 and '%s'\n", cases[i].claim, fault.text,
                   cases[i].says);
            CU_FAIL("a refusal that says too little");
        }
        free(experiment);
    }
}

/* A table of two columns, as csv_table.c makes it of a file. */
static tt_csv_table table_of(const char *const names[2], const char **cells, size_t rows) {
    return (tt_csv_table){
        .cells = cells, .names = {names[0], names[1]}, .row_count = rows, .column_count = 2};
}

static void metrics_are_read_between_rows(void) {
    static const char *const names[] = {"time_s", "objective"};
    const char *cells[] = {"0", "9", "2", "5", "4", "3"};
    const tt_csv_table table = table_of(names, cells, 3);
    tt_claim claim = {.quantity = "objective"};
    CU_ASSERT_DOUBLE_EQUAL(tt_claim_of_metrics(&claim, &table), 3, 0);
    (void)strcpy(claim.at_column, "time_s");
    claim.at_value = 2;
    CU_ASSERT_DOUBLE_EQUAL(tt_claim_of_metrics(&claim, &table), 5, 0);
    claim.at_value = 1;
    CU_ASSERT_DOUBLE_EQUAL(tt_claim_of_metrics(&claim, &table), 7, 1e-12);
    claim.at_value = 4.1; /* the run has ended */
    CU_ASSERT_TRUE(isnan(tt_claim_of_metrics(&claim, &table)));
    claim.at_value = -1; /* or not begun */
    CU_ASSERT_TRUE(isnan(tt_claim_of_metrics(&claim, &table)));
    (void)strcpy(claim.quantity, "loss");
    CU_ASSERT_TRUE(isnan(tt_claim_of_metrics(&claim, &table)));
}

static void histograms_have_figures(void) {
    static const char *const names[] = {"clock_difference", "reads"};
    const char *cells[] = {"-3", "1", "-1", "3"};
    const tt_csv_table table = table_of(names, cells, 2);
    static const double right[TT_STALENESS_FIGURES] = {-1.5, 0.8660254037844386, 0.75};
    for (size_t i = 0; i < TT_STALENESS_FIGURES; i++) {
        tt_claim claim = {.source = TT_FROM_STALENESS};
        (void)snprintf(claim.quantity, sizeof claim.quantity, "%s", tt_staleness_figures[i]);
        CU_ASSERT_DOUBLE_EQUAL(tt_claim_of_staleness(&claim, &table), right[i], 1e-12);
    }
}

/* Who never arrives takes for ever; who did not run took no time at all, which proves nothing. */
static void never_is_for_ever(void) {
    static const char *const names[] = {"state", "time_to_target_s"};
    const char *cells[] = {"ok", "2.5", "ok", "", "missing", ""};
    const tt_csv_table table = table_of(names, cells, 3);
    const tt_claim claim = {.quantity = "time_to_target_s", .source = TT_FROM_SUMMARY};
    CU_ASSERT_DOUBLE_EQUAL(tt_claim_of_summary(&claim, &table, 0), 2.5, 0);
    CU_ASSERT_TRUE(isinf(tt_claim_of_summary(&claim, &table, 1)));
    CU_ASSERT_TRUE(isnan(tt_claim_of_summary(&claim, &table, 2)));
    CU_ASSERT_TRUE(isnan(tt_claim_of_summary(&claim, &table, 3)));
}

static const suite_test tests[] = {
    SUITE_TEST(every_kind_fails_on_wrong_data),
    SUITE_TEST(bad_claims_are_refused),
    SUITE_TEST(metrics_are_read_between_rows),
    SUITE_TEST(histograms_have_figures),
    SUITE_TEST(never_is_for_ever),
};
SUITE_MAIN("claims", tests)
