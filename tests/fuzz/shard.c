/* A shard whose clients may send anything: under each policy, after any history. */
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_core_run(data, size, true);
    return 0;
}
