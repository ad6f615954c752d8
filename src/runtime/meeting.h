/* How ranks that were started one by one find each other (meeting_wire.h has what is said):
 *
 *     meeting.c        where a rank listens, and what is allowed
 *     meeting_host.c   rank 0: waits for all, tells them the addresses of all
 *     meeting_guest.c  the others: find rank 0, tell it where they listen
 *
 * It is over before the run begins. Signals of this process end it early. */
#ifndef PSI_MEETING_H
#define PSI_MEETING_H

#include <stdbool.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "base/bytes.h"
#include "runtime/meeting_wire.h"
#include "runtime/runtime.h"
#include "runtime/socket.h"

typedef struct psi_meeting {
    const psi_rank_options *options; /* borrowed */
    uint32_t size;
    double start_timeout_s;
    const volatile int *interrupted; /* borrowed; may be NULL */
    char coordinator_host[PSI_ADDRESS_HOST_BYTES];
    uint16_t coordinator_port;
    psi_join own;       /* its address: where others reach this rank */
    psi_buffer message; /* owned; JOIN of this rank, and what own.aspects points into */
    int listener;       /* owned; where the run's connections come in; -1: none */
    int local_listener; /* owned; rank 0's for ranks of this machine; -1: none */

    /* The outcome. */
    uint8_t job_id[PSI_JOB_ID_BYTES];
    psi_address *addresses;                /* owned; one per rank */
    char (*names)[PSI_MEETING_TEXT_BYTES]; /* owned; where each rank is, for messages */
    char refusal[512];                     /* why a connection was last refused, for messages */
} psi_meeting;

/* Checks the options and listens. PS_EINVAL, PS_EIO, PS_ENOMEM. psi_meeting_close() is due in any
 * case. */
PS_MUST_CHECK ps_err psi_meeting_open(psi_meeting *meeting, const psi_plan *plan,
                                      const psi_rank_options *options, double start_timeout_s,
                                      ps_fault *fault);

/* Blocks until all ranks are known; see psi_runtime_run_rank() for what it returns. */
PS_MUST_CHECK ps_err psi_meeting_host(psi_meeting *meeting, ps_fault *fault);
PS_MUST_CHECK ps_err psi_meeting_attend(psi_meeting *meeting, ps_fault *fault);

void psi_meeting_close(psi_meeting *meeting);

/* The socket address at which ranks of this machine meet: an abstract one, named by the user and
 * options->meeting. Returns its size. */
struct sockaddr_un;
socklen_t psi_meeting_local_address(const psi_meeting *meeting, struct sockaddr_un *address);

/* Whether the other end of a local socket is a process of the same user. */
bool psi_meeting_is_own_user(int fd);

bool psi_meeting_is_interrupted(const psi_meeting *meeting);

/* Writes all of a message to a socket that does not block, within `timeout_s`. */
PS_MUST_CHECK bool psi_meeting_send(int fd, const psi_buffer *message, double timeout_s);

/* Seconds of the monotonic clock. */
double psi_meeting_now_s(void);

#endif
