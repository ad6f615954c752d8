/* Errors of tortoise: what failed, as a code that programs compare and as one line that people read.
 *
 * Three different things are kept apart. A bug stops the program (PS_ASSERT). A failure of the world
 * (no memory, a damaged file, a lost peer) is a ps_err that the caller must look at. An expected
 * outcome (would block, not fresh yet) is a bool or an enum of its own and never a ps_err. */
#ifndef TORTOISE_ERR_H
#define TORTOISE_ERR_H

#include <stddef.h>

#define PS_MUST_CHECK __attribute__((warn_unused_result))
#define PS_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

typedef enum ps_err {
    PS_OK = 0,
    PS_EINVAL,   /* an argument or option is out of its range */
    PS_ENOMEM,   /* memory is exhausted */
    PS_EIO,      /* the operating system failed a read, a write or a socket call */
    PS_EFORMAT,  /* a file or a message is damaged or of another format */
    PS_ESTOPPED, /* the run is ending; the worker returns */
    PS_EPEER,    /* a peer is lost or was refused */
    PS_ESTALL,   /* nothing moved for longer than the run allows */
    PS_EBROKEN,  /* a guarantee of the design was violated */
    PS_EFAILED,  /* the run or a claim of it failed */
    PS_ESKIPPED  /* what it would need is not here */
} ps_err;

/* Says in a few words what `err` means. The text is static. Any thread; never fails. */
const char *ps_err_text(ps_err err);

/* The exit code of the tortoise program for `err`: 0 ok, 1 failed, 2 usage or bad input, 3 a guarantee
 * was violated, 4 stall, 5 refused or lost peer, 77 skipped. Any thread; never fails. */
int ps_err_exit_code(ps_err err);

/* Returns from the calling function with the error of `call`, if it has one. Only where nothing is owed. */
#define PS_TRY(call)                   \
    do {                               \
        const ps_err try_err = (call); \
        if (try_err != PS_OK) {        \
            return try_err;            \
        }                              \
    } while (0)

/* A failure with its one clear line: where (file, line), what, and what to do about it. */
typedef struct ps_fault {
    ps_err err;
    char text[512]; /* one line without a newline; empty while err == PS_OK */
} ps_fault;

/* Writes `err` and the formatted line into `fault` (which may be NULL) and returns `err`, so that a
 * failing function ends with `return ps_fault_set(fault, PS_EFORMAT, "%s:%zu: ...", ...)`. Text that does
 * not fit is cut. The first fault wins: a fault that is already set keeps its text. Never blocks. */
ps_err ps_fault_set(ps_fault *fault, ps_err err, const char *format, ...) PS_PRINTF(3, 4);

/* Reports a broken invariant to stderr and aborts. Used by PS_ASSERT alone. */
_Noreturn void ps_assert_failed(const char *claim, const char *file, int line);

/* Stops the program when `claim` is false: a bug here, never bad input. On in every build. */
#define PS_ASSERT(claim) ((claim) ? (void)0 : ps_assert_failed(#claim, __FILE__, __LINE__))

#endif
