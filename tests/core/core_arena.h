/* Memory that can be saved and restored as a whole, so that a search can go back to an earlier
 * state.
 *
 * While the arena is active, malloc() and its kin of the whole program take from one fixed block
 * (the program is linked with --wrap for them). Pointers into it stay right when it is restored,
 * since it never moves. Nothing in it is freed one by one. */
#ifndef TEST_CORE_ARENA_H
#define TEST_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Empties the arena and makes it active; afterwards the heap is used again. */
void arena_open(void);
void arena_close(void);

/* Pauses and resumes its use, for memory of the searcher itself. */
void arena_pause(void);
void arena_resume(void);

size_t arena_used_bytes(void);
void arena_save(void *to);
void arena_restore(const void *from, size_t used_bytes);

#endif
