/* A small run of the pure core whose peers need not be correct: clients, shards and the channels
 * between them in one thread. The input decides what workers do, which frame arrives next, and
 * which frames are damaged or made up. For the targets `shard` and `client`. */
#ifndef TEST_FUZZ_CORE_H
#define TEST_FUZZ_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs the input. Bad frames go to the shards if `to_shards`, else to the clients.
 *
 * A frame that is refused must leave the state as it was and have no effect; as long as no bad
 * frame was accepted, no correct one may be refused. */
void fuzz_core_run(const uint8_t *data, size_t size, bool to_shards);

#endif
