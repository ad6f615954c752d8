/* The page that teaches how to write an algorithm must not lie: its program is taken from there, it
 * is short, it learns, and it gives the same bits simulated and over TCP. */
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/runtime.h"
#include "sim/sim.h"
#include "support/suite.h"

extern const ps_algo example_algo;

enum { LINES_MAX = 80, WEIGHT_COUNT = 4, NODES = 2, WORKERS = 4, CLOCKS = 60 };

static void open_plan(psi_plan *plan, uint32_t process_count) {
    const char *const step = "1.0";
    const ps_settings settings = {.data = "synthetic",
                                  .seed = 7,
                                  .worker_count = WORKERS,
                                  .clock_count = CLOCKS,
                                  .values = &step};
    void *problem;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(example_algo.open(&settings, &problem, &fault), PS_OK);
    *plan = (psi_plan){.algo = &example_algo,
                       .problem = problem,
                       .node_count = NODES,
                       .worker_count = WORKERS,
                       .shard_count = 1,
                       .process_count = process_count,
                       .clock_count = CLOCKS,
                       .eval_every_clocks = 20,
                       .seed = 7};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse("bsp", &plan->policy, &fault), PS_OK);
    plan->table_count = example_algo.tables(problem, plan->specs);
}

/* Checks what a world made of it and copies the weights. */
static void take_weights(psi_plan *plan, psi_results *results, double *weights) {
    CU_ASSERT_TRUE_FATAL(results->model_is_complete);
    memcpy(weights, results->model_dense[0], WEIGHT_COUNT * sizeof *weights);
    CU_ASSERT_EQUAL_FATAL(results->metrics_count, 1 + CLOCKS / 20);
    CU_ASSERT(results->metrics[0].values[0] > 1.0);
    CU_ASSERT(results->metrics[CLOCKS / 20].values[0] < 1e-3);
    for (int j = 0; j < WEIGHT_COUNT; j++) {
        CU_ASSERT_DOUBLE_EQUAL(weights[j], j + 1.0, 0.1);
    }
    void *const problem = (void *)(uintptr_t)plan->problem;
    psi_results_fini(results, plan);
    example_algo.close(problem);
}

static void simulate(double *weights) {
    psi_plan plan;
    psi_results results = {0};
    ps_fault fault = {0};
    psi_sim_spec *spec;
    open_plan(&plan, 1);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    const ps_err err = psi_sim_run(&plan, spec, &results, &fault);
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    psi_sim_spec_destroy(spec);
    take_weights(&plan, &results, weights);
}

static void run(double *weights) {
    psi_plan plan;
    psi_results results = {0};
    ps_fault fault = {0};
    uint32_t process = 0;
    open_plan(&plan, NODES);
    const ps_err err = psi_runtime_run_local(&plan, NULL, &results, &process, &fault);
    if (process != 0) {
        _exit(ps_err_exit_code(err));
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    take_weights(&plan, &results, weights);
}

static void the_example_is_short(void) {
    FILE *const file = fopen(EXAMPLE_PATH, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    int line_count = 0;
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        line_count += c == '\n';
    }
    CU_ASSERT(fclose(file) == 0);
    CU_ASSERT(line_count > 20);
    CU_ASSERT(line_count <= LINES_MAX);
}

static void it_learns_for_real(void) {
    double weights[WEIGHT_COUNT];
    run(weights);
}

static void both_worlds_give_the_same_bits(void) {
    if (!TORTOISE_WITH_SIM) {
        return;
    }
    double real[WEIGHT_COUNT];
    double simulated[WEIGHT_COUNT];
    run(real); /* before the simulation, which starts threads */
    simulate(simulated);
    CU_ASSERT_EQUAL(memcmp(real, simulated, sizeof real), 0);
}

static const suite_test tests[] = {SUITE_TEST(the_example_is_short), SUITE_TEST(it_learns_for_real),
                                   SUITE_TEST(both_worlds_give_the_same_bits)};
SUITE_MAIN("example", tests)
