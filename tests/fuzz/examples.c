/* The reader of labelled examples, libsvm. What is accepted has its arrays in order and nothing in
 * it that a learner could fall over. */
#include <math.h>

#include "data/examples.h"
#include "fuzz/fuzz.h"

static void check_examples(const psi_examples *examples) {
    FUZZ_CHECK(examples->count > 0 && examples->count <= examples->capacity);
    FUZZ_CHECK(examples->nonzero_count <= examples->nonzero_capacity);
    FUZZ_CHECK(examples->begins[0] == 0);
    FUZZ_CHECK(examples->begins[examples->count] == examples->nonzero_count);
    for (size_t i = 0; i < examples->count; i++) {
        FUZZ_CHECK(isfinite(examples->labels[i]));
        FUZZ_CHECK(examples->begins[i] <= examples->begins[i + 1]);
    }
    uint32_t most = 0;
    for (size_t n = 0; n < examples->nonzero_count; n++) {
        FUZZ_CHECK(isfinite(examples->values[n]));
        most = examples->features[n] >= most ? examples->features[n] + 1 : most;
    }
    FUZZ_CHECK(most == examples->feature_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    psi_examples examples;
    ps_fault fault = {0};
    const ps_err err = psi_examples_read(fuzz_file(&input), &examples, &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK) {
        check_examples(&examples);
    } else {
        FUZZ_CHECK(examples.features == NULL && examples.count == 0);
    }
    psi_examples_fini(&examples);
    return 0;
}
