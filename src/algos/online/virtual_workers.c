#include "algos/online/virtual_workers.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rounds_of(const psi_virtual *game) {
    return game->problem->stream.round_count;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

ps_err psi_virtual_init(psi_virtual *game, const psi_online_problem *problem) {
    const uint64_t rounds = problem->stream.round_count, workers = problem->virtual_workers;
    const uint32_t d = problem->game.set.dimension;
    const uint64_t clocks = (rounds + workers - 1) / workers;
    *game = (psi_virtual){.problem = problem, .clock_count = clocks};
    game->random = ps_random_stream(problem->seed, "online-reads", 0);
    game->updates = calloc(rounds, d * sizeof *game->updates);
    game->sums = calloc(clocks + 1, d * sizeof *game->sums);
    game->played = calloc(rounds, sizeof *game->played);
    game->is_played = calloc(rounds, sizeof *game->is_played);
    if (game->updates == NULL || game->sums == NULL || game->played == NULL ||
        game->is_played == NULL) {
        return PS_ENOMEM;
    }
    if (problem->learner != PSI_LEARNER_DUAL) {
        psi_set_start(&problem->game.set, game->sums);
    }
    return PS_OK;
}

void psi_virtual_fini(psi_virtual *game) {
    free(game->updates);
    free(game->sums);
    free(game->played);
    free(game->is_played);
    *game = (psi_virtual){.problem = NULL};
}

static void update_add(const psi_virtual *game, uint64_t round, double *values) {
    const uint32_t d = game->problem->game.set.dimension;
    for (uint32_t i = 0; i < d; i++) {
        values[i] += game->updates[round * d + i];
    }
}

/* The sums of all clocks that every worker has played, in the order of the ranks. */
static void sums_extend(psi_virtual *game) {
    const uint32_t d = game->problem->game.set.dimension;
    const uint64_t workers = game->problem->virtual_workers;
    while (game->sum_count < game->clock_count) {
        const uint64_t first = game->sum_count * workers;
        const uint64_t end = smaller(first + workers, rounds_of(game));
        double *const sum = game->sums + (game->sum_count + 1) * d;
        for (uint64_t round = first; round < end; round++) {
            if (!game->is_played[round]) {
                return;
            }
        }
        memcpy(sum, sum - d, d * sizeof *sum);
        for (uint64_t round = first; round < end; round++) {
            update_add(game, round, sum);
        }
        game->sum_count++;
    }
}

/* Whether the read of `own`, which SSP leaves free to have update `other` or not, has it. */
static int is_chosen(psi_virtual *game, uint64_t own, uint64_t other) {
    switch (game->problem->reads) {
    case PSI_READS_FRESH:
        return other < own;
    case PSI_READS_STALEST:
        return 0;
    case PSI_READS_FARTHEST:
        return other > own;
    case PSI_READS_RANDOM:
        break;
    }
    return ps_random_uniform(&game->random) < 0.5;
}

/* A read that is being made. */
typedef struct reader {
    psi_virtual *game;
    uint64_t round; /* that is played */
    double values[PSI_SET_DIMENSION_MAX];
    psi_read read;
} reader;

/* Adds an update if the read has it, and notes if it is in flight: lacking though its round came
 * before, or there though its round comes later. */
static void update_note(reader *r, uint64_t other, int is_in) {
    if (is_in) {
        update_add(r->game, other, r->values);
    }
    if (other == r->round || is_in == (other < r->round)) {
        return;
    }
    r->read.in_flight++;
    if (!is_in && r->round - other > r->read.delay) {
        r->read.delay = r->round - other;
    }
}

/* All updates of one stamp, in the order of the ranks. SSP leaves the others' free up to c+s-1. */
static void stamp_read(reader *r, uint64_t stamp) {
    psi_virtual *const game = r->game;
    const uint64_t workers = game->problem->virtual_workers;
    const uint64_t start = stamp * workers;
    const uint64_t end = smaller(start + workers, rounds_of(game));
    const int is_free = stamp < r->round / workers + game->problem->staleness;
    const uint64_t own = start + r->round % workers;
    for (uint64_t other = start; other < end; other++) {
        const int is_admitted = is_free && game->is_played[other];
        const int is_in =
            other == own ? other < r->round : is_admitted && is_chosen(game, r->round, other);
        update_note(r, other, is_in);
    }
}

static void round_play(psi_virtual *game, uint64_t round) {
    const uint64_t staleness = game->problem->staleness;
    const uint64_t clock = round / game->problem->virtual_workers;
    const uint64_t promised = clock < staleness ? 0 : clock - staleness;
    const uint64_t last = smaller(clock + staleness, game->clock_count - 1);
    const uint32_t d = game->problem->game.set.dimension;
    reader r = {.game = game, .round = round};
    memcpy(r.values, game->sums + promised * d, d * sizeof *r.values);
    for (uint64_t stamp = promised; stamp <= last; stamp++) {
        stamp_read(&r, stamp);
    }
    game->played[round] =
        psi_stale_play(game->problem, r.values, r.read, round + 1, game->updates + round * d);
    game->is_played[round] = 1;
}

/* Workers first .. end - 1 play their round of a clock. */
static void clock_play(psi_virtual *game, uint64_t clock, uint64_t first, uint64_t end) {
    const uint64_t start = clock * game->problem->virtual_workers;
    for (uint64_t round = start + first; round < start + end && round < rounds_of(game); round++) {
        round_play(game, round);
    }
}

void psi_virtual_play(psi_virtual *game, uint64_t rounds) {
    const uint64_t workers = game->problem->virtual_workers;
    const uint64_t target = smaller(rounds, rounds_of(game));
    const int is_fresh = game->problem->reads == PSI_READS_FRESH;
    const uint64_t lag = is_fresh ? 0 : game->problem->staleness;
    while (game->round < target) {
        if (game->is_played[game->round]) {
            psi_stale_log(game->problem, &game->played[game->round], game->round + 1, &game->log);
            game->round++;
            continue;
        }
        if (game->step >= lag) {
            clock_play(game, game->step - lag, 0, workers / 2);
        }
        sums_extend(game);
        clock_play(game, game->step, workers / 2, workers);
        sums_extend(game);
        game->step++;
    }
}

void psi_virtual_sum(const psi_virtual *game, double *values_out) {
    const uint64_t workers = game->problem->virtual_workers;
    const uint64_t clock = smaller(game->round / workers, game->sum_count);
    const uint32_t d = game->problem->game.set.dimension;
    memcpy(values_out, game->sums + clock * d, d * sizeof *values_out);
    for (uint64_t round = clock * workers; round < game->round; round++) {
        update_add(game, round, values_out);
    }
}
