/* SIGINT and SIGTERM end a run cleanly: what was measured so far is kept. A second one ends the
 * program at once. */
#ifndef TT_INTERRUPT_H
#define TT_INTERRUPT_H

/* Starts watching. The flag that is returned becomes non-zero with the first signal. */
const volatile int *tt_interrupt_watch(void);

#endif
