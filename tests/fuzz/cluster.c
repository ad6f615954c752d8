/* Cluster files: libconfig, told from platform XML by content. What is accepted fits a run, or is
 * refused then with the reason; an XML is only told apart here, SimGrid reads it. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "fuzz/fuzz.h"
#include "sim/sim.h"

/* Other files are not read: the fuzzer must not choose which. */
static bool names_a_file(const fuzz_input *input) {
    return memmem(input->at, input->left, "@include", 8) != NULL ||
           memmem(input->at, input->left, "trace", 5) != NULL;
}

static void check_run(psi_sim_spec *spec) {
    const psi_plan plan = {.node_count = 4,
                           .worker_count = 4,
                           .shard_count = 4,
                           .process_count = 1,
                           .clock_count = 10};
    ps_fault fault = {0};
    const ps_err err = psi_sim_spec_resolve(spec, &plan, &fault);
    fuzz_check_fault(err, &fault);
    for (uint32_t i = 0; err == PS_OK && i < plan.node_count; i++) {
        FUZZ_CHECK(spec->nodes[i].speed > 0 && spec->nodes[i].latency_s >= 0);
        FUZZ_CHECK(spec->nodes[i].up_bytes_per_s > 0 && spec->nodes[i].down_bytes_per_s > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    if (names_a_file(&input)) {
        return 0;
    }
    psi_sim_spec *spec = NULL;
    ps_fault fault = {0};
    FUZZ_CHECK(psi_sim_spec_create(&spec) == PS_OK);
    const ps_err err = psi_sim_spec_read_file(spec, fuzz_file(&input), &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK && !spec->is_platform_xml) {
        check_run(spec);
    }
    psi_sim_spec_destroy(spec);
    return 0;
}
