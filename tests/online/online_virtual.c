/* Virtual workers must play what Ho et al. (2013) define and nothing milder: a bound that was only
 * ever tried on reads that are fresher than allowed would say nothing of the worst case. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/online/virtual_workers.h"
#include "online_fixture.h"
#include "support/suite.h"

/* ---- The definition once more, by plain loops over all rounds, in one dimension ---- */

enum { FRESH, STALEST, FARTHEST, RANDOM, READS };
static const char *const reads_names[READS] = {"fresh", "stalest", "farthest", "random"};

typedef struct plain {
    int reads, is_dual, is_squared;
    long workers, staleness, rounds;
    double scale; /* eta_t = scale / sqrt(t) */
    const double *y;
    ps_random random;
    double *update;
    int *is_played;
    double loss, in_flight, squares, weighted;
} plain;

/* Whether the read of round `own` has the update of round `other`. */
static int plain_has(plain *p, long own, long other) {
    const long clock = own / p->workers, stamp = other / p->workers;
    if (own % p->workers == other % p->workers) {
        return other < own;
    }
    if (stamp <= clock - p->staleness - 1) {
        return 1;
    }
    if (stamp > clock + p->staleness - 1 || !p->is_played[other]) {
        return 0;
    }
    switch (p->reads) {
    case FRESH:
        return other < own;
    case STALEST:
        return 0;
    case FARTHEST:
        return other > own;
    default:
        return ps_random_uniform(&p->random) < 0.5;
    }
}

static void plain_round(plain *p, long own) {
    double x = 0;
    long in_flight = 0;
    for (long other = 0; other < p->rounds; other++) {
        const int has = plain_has(p, own, other);
        x += has ? p->update[other] : 0;
        in_flight += other != own && has != (other < own);
    }
    const double step = p->scale / sqrt((double)own + 1);
    x = p->is_dual ? fmax(-1, fmin(1, step * x)) : x;
    const double y = p->y[own], gradient = p->is_squared ? x - y : -y;
    p->loss += p->is_squared ? 0.5 * (x - y) * (x - y) : -y * x;
    p->update[own] = p->is_dual ? -gradient : -step * gradient;
    p->is_played[own] = 1;
    p->in_flight += (double)in_flight / (double)p->rounds;
    const long oldest = p->is_dual ? own + 1 : own + 1 - (p->staleness + 1) * p->workers;
    p->weighted += (double)in_flight / sqrt(oldest > 1 ? (double)oldest : 1);
    p->squares += (double)(in_flight * in_flight) / (double)p->rounds;
}

/* The slow half is s clocks behind the fast one, but where reads are to be fresh. */
static void plain_play(plain *p) {
    const long clocks = p->rounds / p->workers + 1, lag = p->reads == FRESH ? 0 : p->staleness;
    for (long k = 0; k <= clocks + lag; k++) {
        for (long q = 0; q < p->workers; q++) {
            const long own = (q < p->workers / 2 ? k - lag : k) * p->workers + q;
            if (own >= 0 && own < p->rounds) {
                plain_round(p, own);
            }
        }
    }
}

/* The least sum of losses of one point of [-1, 1]. */
static double plain_best(const plain *p) {
    double sum = 0;
    for (long t = 0; t < p->rounds; t++) {
        sum += p->y[t];
    }
    const double mean = sum / (double)p->rounds;
    return p->is_squared ? (double)p->rounds * 0.5 * (1 - mean * mean) : -fabs(sum);
}

/* The regret, the moments of what was in flight, and the bound that its weighted sum makes. */
static void case_compare(plain *p, const psi_online_problem *problem) {
    double metrics[PSI_ONLINE_METRICS];
    p->y = problem->stream.y;
    p->scale = problem->theorem->step(&problem->facts, 1);
    p->random = ps_random_stream(problem->seed, "online-reads", 0);
    p->update = calloc((size_t)p->rounds, sizeof *p->update);
    p->is_played = calloc((size_t)p->rounds, sizeof *p->is_played);
    CU_ASSERT_FATAL(p->update != NULL && p->is_played != NULL);
    plain_play(p);
    online_fixture_play(problem, metrics);
    const double wanted = p->loss - plain_best(p);
    CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_REGRET], wanted, 1e-12 * (1 + fabs(p->loss)));
    CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_FLIGHT_MEAN], p->in_flight, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_FLIGHT_VARIANCE],
                           p->squares - p->in_flight * p->in_flight, 1e-6);
    const double root = sqrt((double)p->rounds), slope = p->is_squared ? 2 : 1;
    const double distance = p->is_dual ? 0.5 : 2; /* reach^2 / 2, or F^2 */
    CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_BOUND],
                           distance * root / p->scale +
                               p->scale * slope * slope * (root + p->weighted),
                           1e-9 * metrics[PSI_ONLINE_BOUND]);
    free(p->update);
    free(p->is_played);
}

static void reads_are_those_of_the_definition(void) {
    static const char *const workers[] = {"1", "2", "5", "8"}, *const staleness[] = {"0", "1", "3"};
    for (int n = 0; n < 4 * 3 * READS * 4; n++) {
        const char *const p = workers[n % 4], *const s = staleness[n / 4 % 3];
        plain all = {.reads = n / 12 % READS, .is_dual = n / 48 % 2, .is_squared = n / 96};
        const option_setting settings[] = {
            {PSI_ONLINE_THEOREM, all.is_dual ? "ssp-dual-in-flight" : "ssp-in-flight"},
            {PSI_ONLINE_LOSS, all.is_squared ? "squared" : "linear"},
            {PSI_ONLINE_VIRTUAL_WORKERS, p},
            {PSI_ONLINE_STALENESS, s},
            {PSI_ONLINE_READS, reads_names[all.reads]}};
        psi_online_problem *const problem = online_fixture_open((uint64_t)n, 203, settings, 5);
        all.workers = strtol(p, NULL, 10);
        all.staleness = strtol(s, NULL, 10);
        all.rounds = (long)problem->stream.round_count;
        case_compare(&all, problem);
        psi_online_problem_close(problem);
    }
}

/* ---- What SSP admits ---- */

typedef struct extent {
    uint64_t in_flight, delay;
} extent;

/* The largest of all reads, once none is short of rounds to lack or to have too many. */
static extent largest_of(const char *reads, const char *staleness, uint64_t *last_out) {
    const option_setting settings[] = {{PSI_ONLINE_THEOREM, "ssp-dual"},
                                       {PSI_ONLINE_VIRTUAL_WORKERS, "6"},
                                       {PSI_ONLINE_STALENESS, staleness},
                                       {PSI_ONLINE_READS, reads}};
    psi_online_problem *const problem = online_fixture_open(3, 600, settings, 4);
    psi_virtual game;
    extent most = {0};
    CU_ASSERT_EQUAL_FATAL(psi_virtual_init(&game, problem), PS_OK);
    psi_virtual_play(&game, 600);
    for (uint64_t round = 0; round < 600; round++) {
        const psi_read *const read = &game.played[round].read;
        most.in_flight = read->in_flight > most.in_flight ? read->in_flight : most.in_flight;
        most.delay = read->delay > most.delay ? read->delay : most.delay;
    }
    *last_out = game.played[599].read.in_flight;
    CU_ASSERT_EQUAL(game.log.reads_too_old, 0);
    psi_virtual_fini(&game);
    psi_online_problem_close(problem);
    return most;
}

/* Of P = 6 the last worker lacks s clocks of five others and their rounds before its own: 5 s + 5,
 * the oldest of them s P + 5 rounds ago. The slow ones' farthest reads lack 2 s for each fast
 * worker. Nothing is above (2 s + 1)(P - 1), which the proof allows. */
static void the_stalest_read_lacks_all_that_ssp_admits_and_no_more(void) {
    static const char *const staleness[] = {"0", "1", "4"};
    for (int i = 0; i < 3; i++) {
        const uint64_t s = strtoull(staleness[i], NULL, 10);
        uint64_t last = 0;
        const extent stalest = largest_of("stalest", staleness[i], &last);
        CU_ASSERT_EQUAL(stalest.in_flight, 5 * s + 5);
        CU_ASSERT_EQUAL(stalest.delay, s * 6 + 5);
        CU_ASSERT_EQUAL(last, 5 * s + 5); /* round 599 is worker 5's */
        const extent farthest = largest_of("farthest", staleness[i], &last);
        CU_ASSERT_EQUAL(farthest.delay, s * 6 + 5);
        CU_ASSERT(farthest.in_flight >= stalest.in_flight);
        CU_ASSERT(farthest.in_flight <= (2 * s + 1) * 5);
        const extent fresh = largest_of("fresh", staleness[i], &last);
        CU_ASSERT_EQUAL(fresh.in_flight, s == 0 ? 5 : 0);
    }
}

/* A worker alone reads all its own updates, whatever s is: ordinary online learning. */
static void a_virtual_worker_alone_is_a_serial_learner(void) {
    for (int n = 0; n < READS; n++) {
        const option_setting alone[] = {
            {PSI_ONLINE_THEOREM, "ssp-dual"},  {PSI_ONLINE_LOSS, "logistic"},
            {PSI_ONLINE_DIMENSION, "3"},       {PSI_ONLINE_STREAM, "iid"},
            {PSI_ONLINE_STALENESS, "2"},       {PSI_ONLINE_VIRTUAL_WORKERS, n == 0 ? "0" : "1"},
            {PSI_ONLINE_READS, reads_names[n]}};
        static double serial;
        double metrics[PSI_ONLINE_METRICS];
        psi_online_problem *const problem = online_fixture_open(4, 400, alone, 7);
        online_fixture_play(problem, metrics);
        serial = n == 0 ? metrics[PSI_ONLINE_REGRET] : serial;
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_REGRET], serial, 1e-12 * fabs(serial));
        psi_online_problem_close(problem);
    }
}

/* ---- The price of staleness ---- */

/* The mean over ten seeds of P = 8, T = 20000. */
static double mean_regret(const char *stream, const char *staleness) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        const option_setting settings[] = {{PSI_ONLINE_THEOREM, "ssp-dual"},
                                           {PSI_ONLINE_VIRTUAL_WORKERS, "8"},
                                           {PSI_ONLINE_STALENESS, staleness},
                                           {PSI_ONLINE_STREAM, stream}};
        psi_online_problem *const problem = online_fixture_open(seed, 20000, settings, 4);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 1);
        CU_ASSERT(metrics[PSI_ONLINE_RATIO] <= 1);
        sum += metrics[PSI_ONLINE_REGRET] / 10;
        psi_online_problem_close(problem);
    }
    return sum;
}

static void a_block_stream_costs_the_root_of_staleness_and_an_iid_one_nothing(void) {
    static const char *const staleness[] = {"0", "1", "4", "16"};
    const double iid_before = mean_regret("iid", staleness[0]);
    for (int i = 0; i < 4; i++) {
        const double s = strtod(staleness[i], NULL);
        const double block = mean_regret("block", staleness[i]) / sqrt((s + 1) * 8 * 20000);
        const double iid = mean_regret("iid", staleness[i]);
        printf("\n    s = %2s: %.3f of sqrt((s + 1) P T), iid %.4g", staleness[i], block, iid);
        CU_ASSERT(block > 0.5 && block < 1.3);
        CU_ASSERT(iid < 1.25 * iid_before && iid > 0);
    }
    printf("\n");
}

static const suite_test tests[] = {
    SUITE_TEST(reads_are_those_of_the_definition),
    SUITE_TEST(the_stalest_read_lacks_all_that_ssp_admits_and_no_more),
    SUITE_TEST(a_virtual_worker_alone_is_a_serial_learner),
    SUITE_TEST(a_block_stream_costs_the_root_of_staleness_and_an_iid_one_nothing),
};
SUITE_MAIN("online virtual workers", tests)
