/* The options of a simulated cluster as they are typed, one a line: stragglers, failures, rates,
 * costs. What is accepted can be shown and read again, and its slowness computed at any time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sim/sim.h"
#include "sim/straggler.h"

enum { LINES_MAX = 16, VALUE_BYTES = 4096, NODES = 8 };

/* Whether the option reads a file; the fuzzer must not choose which. */
static bool names_a_file(const char *value) {
    return strncmp(value, "trace", 5) == 0;
}

/* Values as they are shown are what they were. */
static void check_shown(const psi_sim_spec *spec, size_t option) {
    char shown[VALUE_BYTES];
    char again[VALUE_BYTES];
    const int length = psi_sim_spec_value(spec, option, shown, sizeof shown);
    FUZZ_CHECK(length >= 0);
    if (length == 0 || (size_t)length >= sizeof shown || psi_sim_options[option].repeats) {
        return;
    }
    psi_sim_spec *copy = NULL;
    FUZZ_CHECK(psi_sim_spec_create(&copy) == PS_OK);
    FUZZ_CHECK(psi_sim_spec_set(copy, psi_sim_options[option].name, shown, NULL) == PS_OK);
    (void)psi_sim_spec_value(copy, option, again, sizeof again);
    FUZZ_CHECK(strcmp(shown, again) == 0);
    psi_sim_spec_destroy(copy);
}

static void check_slowness(psi_sim_spec *spec) {
    const psi_plan plan = {.node_count = NODES,
                           .worker_count = NODES,
                           .shard_count = NODES,
                           .process_count = 1,
                           .clock_count = 10};
    ps_fault fault = {0};
    const ps_err err = psi_sim_spec_resolve(spec, &plan, &fault);
    fuzz_check_fault(err, &fault);
    if (err != PS_OK) {
        return;
    }
    const psi_slowness slowness = psi_slowness_of(spec);
    for (uint32_t node = 0; node < NODES; node++) {
        double time_s = 0;
        for (uint32_t step = 0; step < 8 && isfinite(time_s); step++) {
            double until_s = 0;
            const double factor = psi_slowness_factor(&slowness, node, time_s, &until_s);
            FUZZ_CHECK(factor > 0 && until_s > time_s);
            FUZZ_CHECK(psi_slowness_noise(&slowness, 1, node, node, step) >= 0);
            time_s = until_s;
        }
    }
}

static void set_line(psi_sim_spec *spec, char *line) {
    const size_t option = (size_t)(unsigned char)line[0] % psi_sim_option_count;
    const char *const value = line[0] == '\0' ? line : line + 1;
    if (names_a_file(value)) {
        return;
    }
    ps_fault fault = {0};
    const ps_err err = psi_sim_spec_set(spec, psi_sim_options[option].name, value, &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK) {
        check_shown(spec, option);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    char *const text = fuzz_text(&input);
    psi_sim_spec *spec = NULL;
    FUZZ_CHECK(psi_sim_spec_create(&spec) == PS_OK);
    char *line = text;
    for (uint32_t i = 0; i < LINES_MAX && line != NULL; i++) {
        char *const end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        set_line(spec, line);
        line = end == NULL ? NULL : end + 1;
    }
    check_slowness(spec);
    psi_sim_spec_destroy(spec);
    free(text);
    return 0;
}
