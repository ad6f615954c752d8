/* What a state machine wants done: data that the caller carries out after the step, in this order.
 */
#ifndef PSI_EFFECTS_H
#define PSI_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "ps/frame.h"

typedef struct psi_effects {
    psi_frame_pool *pool; /* in: where frames come from; borrowed */

    psi_frame *frames; /* to send, first to last; owned by the caller of the step from then on */
    psi_frame *last_frame;

    uint32_t *woken; /* workers of a client that need not wait any more; caller's array, one place a
                        worker */
    uint32_t woken_count;

    bool clock_advanced; /* the shard's clock went up */
    bool all_left;       /* every client of the shard has left */
    bool out_of_memory;  /* something could not be done; the run must end */
} psi_effects;

/* Takes a frame for sending and appends it to the effects. Returns NULL, and notes it, when memory
 * is out. */
static inline psi_frame *psi_effects_frame(psi_effects *effects, psi_frame_type type, uint32_t from,
                                           uint32_t to, size_t payload_size_bytes) {
    psi_frame *const frame = psi_frame_take(effects->pool, type, from, to, payload_size_bytes);
    if (frame == NULL) {
        effects->out_of_memory = true;
        return NULL;
    }
    if (effects->frames == NULL) {
        effects->frames = frame;
    } else {
        effects->last_frame->next = frame;
    }
    effects->last_frame = frame;
    return frame;
}

#endif
