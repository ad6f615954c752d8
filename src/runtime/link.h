/* Link records: what two processes say to each other beside the frames of endpoints.
 *
 * A record has the header of a frame (ps/frame.h) with another magic, "TTSL"; `from` and `to` are
 * processes. Frames and records of one direction of a connection share one sequence, from 0.
 *
 *      A (higher number)                 B (lower number)
 *        | -- HELLO ---------------------> |   B closes a connection that is not of the run
 *        | <--------------------- HELLO -- |   now frames may flow in both directions
 *        | <--- frames, HEARTBEATs ------> |
 *        | -- GOODBYE or FAILURE --------> |   the last word; A reads until B's last word
 */
#ifndef PSI_LINK_H
#define PSI_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "node/run.h"
#include "ps/frame.h"

#define PSI_LINK_MAGIC UINT32_C(0x4c535454) /* "TTSL" */

enum {
    PSI_LINK_VERSION = 1,
    PSI_LINK_PAYLOAD_MAX_BYTES = 1024,
    PSI_JOB_ID_BYTES = 16,
    PSI_WAIT_TEXT_BYTES = 192
};

typedef enum psi_link_type {
    PSI_LINK_HELLO = 1,
    PSI_LINK_HEARTBEAT,
    PSI_LINK_FAILURE,
    PSI_LINK_GOODBYE,
    PSI_LINK_TYPES
} psi_link_type;

/* Who speaks, and what run it believes to be in. */
typedef struct psi_hello {
    uint8_t job_id[PSI_JOB_ID_BYTES]; /* random, known to the processes of the run alone */
    uint32_t process, process_count;
    uint32_t frame_version;
    uint64_t plan_hash;
} psi_hello;

/* A sign of life. */
typedef struct psi_heartbeat {
    uint64_t progress;  /* grows whenever anything moves in the process */
    uint32_t clock_min; /* of its workers */
    uint32_t workers_waiting, workers_computing, workers_active;
    uint32_t busy_rank, busy_clock, busy_ms; /* the longest of its computations under way */
    char waits[PSI_WAIT_TEXT_BYTES]; /* what one of its workers waits for; empty while all moves */
} psi_heartbeat;

/* Each makes a record from process `from` to process `to`, to be sent like a frame. NULL when
 * memory is exhausted. psi_link_failure() cuts texts that are too long. */
psi_frame *psi_link_hello(psi_frame_pool *pool, const psi_hello *hello, uint32_t to);
psi_frame *psi_link_heartbeat(psi_frame_pool *pool, const psi_heartbeat *heartbeat, uint32_t from,
                              uint32_t to);
psi_frame *psi_link_failure(psi_frame_pool *pool, const ps_fault *fault, uint32_t from,
                            uint32_t to);
psi_frame *psi_link_goodbye(psi_frame_pool *pool, uint32_t from, uint32_t to);

/* Each reads the payload of a received record. Returns false, outputs unchanged, if it is
 * malformed. */
PS_MUST_CHECK bool psi_link_hello_read(const psi_frame *record, psi_hello *hello_out);
PS_MUST_CHECK bool psi_link_heartbeat_read(const psi_frame *record, psi_heartbeat *heartbeat_out);
PS_MUST_CHECK bool psi_link_failure_read(const psi_frame *record, ps_fault *fault_out);

/* Decodes the header of a record as psi_frame_header_read() does for frames. O(1). */
psi_frame_verdict psi_link_header_read(const uint8_t *bytes, psi_frame_header *header_out);

/* A number that two processes share if they were given the same plan. O(tables). */
uint64_t psi_plan_hash(const psi_plan *plan);

typedef enum psi_greeting {
    PSI_GREETING_GOOD,
    PSI_GREETING_STRANGER, /* of another run, or of none: close the connection and go on */
    PSI_GREETING_MISMATCH  /* of this run, but it cannot work together: `fault` says why */
} psi_greeting;

/* Compares a peer's greeting with one's own. `fault` is set for PSI_GREETING_MISMATCH alone. */
psi_greeting psi_hello_judge(const psi_hello *own, const psi_hello *theirs, ps_fault *fault);

#endif
