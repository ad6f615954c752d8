/* What must hold in a world, at every read and after every action. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/core_world.h"

/* Any number that floats cannot add exactly in every order. */
float world_float(uint32_t rank, uint32_t clock, uint32_t row, uint32_t column) {
    const uint32_t mixed =
        (rank * 7919u + clock * 104729u + row * 31u + column * 17u) * 2654435761u;
    return (float)(mixed >> 8) * (1.0f / 4096.0f) * (rank % 2 == 0 ? 1.0f : 1e-3f) + 0.1f;
}

/* Updates of both signs, so that sums of some are larger than those of all. */
double world_value(uint32_t rank, uint32_t clock, uint32_t row) {
    static const double values[] = {0.5, 0.75, -0.375, 0.5, -1.0};
    return values[(rank + 3 * clock + row) % (sizeof values / sizeof *values)];
}

uint32_t world_columns(const world_config *config, uint32_t table) {
    const uint32_t tags = config->client_count * config->workers_per_client * config->clock_count;
    if (config->kinds[table] == WORLD_VALUES) {
        return tags + 1;
    }
    return config->kinds[table] == WORLD_FLOATS ? 2 : tags;
}

/* Which updates of tags a value must and may hold. */
typedef struct claim_demand {
    const char *who; /* "worker", "shard", "cache of client" */
    uint32_t id;
    uint32_t row_clock;            /* every update stamped below must be in (G1) */
    bool is_exact;                 /* bsp: and none stamped at or above */
    uint32_t own_first, own_count; /* ranks whose finished clocks must all be in (G2) */
    uint32_t pending_rank;         /* its clock that runs is in too; UINT32_MAX: nobody's */
} claim_demand;

/* One row of a table of tags, as somebody sees it. */
typedef struct tag_view {
    const uint8_t *dense;
    const psi_sparse *sparse;
    bool has_values; /* dense numbers in units of WORLD_TAG */
} tag_view;

static int64_t count_of(const tag_view *view, uint32_t column) {
    if (view->has_values) {
        double count;
        memcpy(&count, view->dense + (size_t)column * sizeof count, sizeof count);
        return (int64_t)(count / WORLD_TAG);
    }
    if (view->sparse == NULL) {
        int32_t count;
        memcpy(&count, view->dense + (size_t)column * sizeof count, sizeof count);
        return count;
    }
    for (uint32_t i = 0; i < view->sparse->count; i++) {
        if (view->sparse->columns[i] == column) {
            int64_t count;
            memcpy(&count, view->sparse->values + (size_t)i * sizeof count, sizeof count);
            return count;
        }
    }
    return 0;
}

static bool is_own(const claim_demand *demand, uint32_t rank) {
    return rank >= demand->own_first && rank - demand->own_first < demand->own_count;
}

static bool check_update(core_world *world, const claim_demand *demand, uint32_t rank,
                         uint32_t clock, int64_t seen) {
    const bool is_required = clock < demand->row_clock || is_own(demand, rank);
    if (seen == 0 && is_required) {
        return world_fail(world, "%s %u (row clock %u) misses update (worker %u, clock %u): %s",
                          demand->who, demand->id, demand->row_clock, rank, clock,
                          clock < demand->row_clock ? "G1" : "G2");
    }
    if (seen != 0 && demand->is_exact && clock >= demand->row_clock && !is_own(demand, rank)) {
        return world_fail(world, "%s %u (row clock %u) sees update (worker %u, clock %u) early: G1",
                          demand->who, demand->id, demand->row_clock, rank, clock);
    }
    return true;
}

static bool check_tags(core_world *world, const claim_demand *demand, uint32_t table, uint32_t row,
                       const tag_view *view) {
    const uint32_t clock_count = world->config->clock_count;
    for (uint32_t rank = 0; rank < world->worker_count; rank++) {
        bool has_gap = false;
        for (uint32_t clock = 0; clock < clock_count; clock++) {
            const int64_t seen = count_of(view, rank * clock_count + clock);
            const world_worker *const worker = &world->workers[rank];
            const bool is_pending = demand->pending_rank == rank && worker->clock == clock &&
                                    (worker->adding[table] >> row & 1) != 0;
            const bool is_made = is_pending || (world->made[rank][clock][table] >> row & 1) != 0;
            if (seen < 0 || seen > is_made) {
                return world_fail(world,
                                  "%s %u sees update (worker %u, clock %u) of row %u "
                                  "%lld times: G3",
                                  demand->who, demand->id, rank, clock, row, (long long)seen);
            }
            if (seen != 0 && has_gap) {
                return world_fail(world,
                                  "%s %u sees update (worker %u, clock %u) of row %u "
                                  "before an earlier one: G4",
                                  demand->who, demand->id, rank, clock, row);
            }
            if (is_made && !check_update(world, demand, rank, clock, is_pending ? 1 : seen)) {
                return false;
            }
            has_gap = has_gap || (is_made && seen == 0);
        }
    }
    return true;
}

/* Under bsp, floats are the sum over all stamps below `row_clock`, in order of stamp and rank. */
static bool check_floats(core_world *world, const claim_demand *demand, uint32_t table,
                         uint32_t row, const uint8_t *dense) {
    if (!demand->is_exact) {
        return true;
    }
    for (uint32_t column = 0; column < 2; column++) {
        float sum = 0;
        for (uint32_t clock = 0; clock < world->config->clock_count; clock++) {
            for (uint32_t rank = 0; clock < demand->row_clock && rank < world->worker_count;
                 rank++) {
                if ((world->made[rank][clock][table] >> row & 1) != 0) {
                    sum += world_float(rank, clock, row, column);
                }
            }
        }
        if (demand->pending_rank != UINT32_MAX) {
            const world_worker *const worker = &world->workers[demand->pending_rank];
            if ((worker->adding[table] >> row & 1) != 0) {
                sum += world_float(demand->pending_rank, worker->clock, row, column);
            }
        }
        if (memcmp(&sum, dense + column * sizeof sum, sizeof sum) != 0) {
            return world_fail(world,
                              "%s %u (row clock %u) sees another sum of floats in row %u: G1",
                              demand->who, demand->id, demand->row_clock, row);
        }
    }
    return true;
}

/* ---- Reads ---- */

bool world_check_taken(core_world *world, uint32_t rank, uint32_t table, uint64_t rows) {
    const world_config *const config = world->config;
    world_worker *const worker = &world->workers[rank];
    /* G1 by its definition (design, section 1), without asking the policy's own code. */
    const bool is_bounded = strcmp(config->policy.ops->name, "async") != 0;
    const bool is_vap = strcmp(config->policy.ops->name, "vap") == 0;
    const uint32_t slack = is_vap ? (worker->clock + 1) / 2 : config->policy.slack;
    const uint32_t row_clock = is_bounded && worker->clock > slack ? worker->clock - slack : 0;
    const claim_demand demand = {.who = "worker",
                                 .id = rank,
                                 .row_clock = row_clock,
                                 .is_exact = strcmp(config->policy.ops->name, "bsp") == 0,
                                 .own_first = rank,
                                 .own_count = 1,
                                 .pending_rank = rank};
    for (uint32_t row = 0; row < config->row_count; row++) {
        if ((rows >> row & 1) == 0) {
            continue;
        }
        psi_private_row *const own = psi_rows_find(&worker->rows, table, row);
        if (own == NULL || !own->is_fetched) {
            return world_fail(world, "worker %u: row %u was fetched and is not there", rank, row);
        }
        const tag_view view = {
            .dense = own->sparse == 0 ? psi_rows_read(&worker->rows, own) : NULL,
            .sparse = own->sparse == 0 ? NULL : psi_rows_read_sparse(&worker->rows, own),
            .has_values = config->kinds[table] == WORLD_VALUES};
        const bool is_good = config->kinds[table] == WORLD_FLOATS
                                 ? check_floats(world, &demand, table, row, view.dense)
                                 : check_tags(world, &demand, table, row, &view);
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool check_pushes(core_world *world, const claim_demand *demand, uint32_t row,
                         const tag_view *view, const uint32_t *needs) {
    const uint32_t clock_count = world->config->clock_count;
    for (uint32_t rank = 0; rank < world->worker_count; rank++) {
        bool has_gap = false;
        for (uint32_t i = 0; i < clock_count; i++) {
            const int64_t seen = count_of(view, rank * clock_count + i);
            const bool is_made =
                i < world->workers[rank].push_count && (world->pushed[rank][i] >> row & 1) != 0;
            if (seen < 0 || seen > is_made || (seen != 0 && has_gap)) {
                return world_fail(world,
                                  "%s %u sees push (worker %u, number %u) of row %u "
                                  "%lld times or early: G3, G4",
                                  demand->who, demand->id, rank, i, row, (long long)seen);
            }
            if (is_made && seen == 0 && i < needs[rank]) {
                return world_fail(world, "%s %u misses push (worker %u, number %u) of row %u: G2",
                                  demand->who, demand->id, rank, i, row);
            }
            has_gap = has_gap || (is_made && seen == 0);
        }
    }
    return true;
}

bool world_check_pulled(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const claim_demand demand = {.who = "pull of worker", .id = rank};
    const size_t row_size_bytes = (size_t)world->worker_count * world->config->clock_count * 4;
    /* Keys descend where the clock is odd, and no clock can end before the wait. */
    const bool is_backwards = worker->clock % 2 == 1;
    size_t at = 0;
    for (uint32_t i = 0; i < world->config->row_count; i++) {
        const uint32_t row = is_backwards ? world->config->row_count - 1 - i : i;
        if ((worker->pull_rows >> row & 1) == 0) {
            continue;
        }
        const tag_view view = {.dense = (const uint8_t *)worker->pulled + at * row_size_bytes};
        if (!check_pushes(world, &demand, row, &view, worker->pull_needs)) {
            return false;
        }
        at++;
    }
    memset(worker->pulled, 0, at * row_size_bytes);
    return true;
}

/* ---- States ---- */

static bool check_row(core_world *world, const claim_demand *demand, uint32_t table, uint32_t row,
                      const tag_view *view) {
    static const uint32_t no_needs[WORLD_WORKERS_MAX] = {0};
    switch (world->config->kinds[table]) {
    case WORLD_DENSE:
    case WORLD_SPARSE:
    case WORLD_VALUES:
        return check_tags(world, demand, table, row, view);
    case WORLD_FLOATS:
        return check_floats(world, demand, table, row, view->dense);
    case WORLD_PUSHED:
        return check_pushes(world, demand, row, view, no_needs);
    }
    return false;
}

/* Every row of a shard has the shard's clock as its row clock. */
static bool check_shard(core_world *world, uint32_t m, bool is_over) {
    const psi_shard *const shard = &world->shards[m];
    const bool is_exact = strcmp(world->config->policy.ops->name, "bsp") == 0;
    const bool all_left = shard->clients_left == world->config->client_count;
    const claim_demand demand = {.who = "shard",
                                 .id = m,
                                 .row_clock = is_over || (is_exact && all_left) ? UINT32_MAX
                                                                                : shard->clock_min,
                                 .is_exact = is_exact,
                                 .pending_rank = UINT32_MAX};
    for (uint32_t row = 0; row < world->config->row_count; row++) {
        for (uint32_t t = 0; t < world->config->table_count; t++) {
            const psi_place place = psi_row_place(&world->layout, t, row);
            if (place.shard != m) {
                continue;
            }
            const tag_view view = {.dense = shard->tables[t].dense == NULL
                                                ? NULL
                                                : psi_shard_dense_row(shard, t, place.local),
                                   .sparse = shard->tables[t].sparse == NULL
                                                 ? NULL
                                                 : &shard->tables[t].sparse[place.local],
                                   .has_values = world->config->kinds[t] == WORLD_VALUES};
            if (!check_row(world, &demand, t, row, &view)) {
                return false;
            }
        }
    }
    return true;
}

/* What a cached row claims to hold it holds; where updates are not held back it has all of its
 * process. */
static bool check_cache(core_world *world, uint32_t c) {
    const psi_client *const client = &world->clients[c];
    const bool is_exact = strcmp(world->config->policy.ops->name, "bsp") == 0;
    const uint32_t per_client = world->config->workers_per_client;
    for (uint32_t t = 0; t < world->config->table_count; t++) {
        const psi_cache_table *const table = &client->tables[t];
        for (size_t i = 0; i < table->row_count; i++) {
            const psi_cached_row *const row = psi_cache_row(table, i);
            if (!row->has_value || world->config->kinds[t] == WORLD_PUSHED) {
                continue;
            }
            const uint32_t shard_clock = client->shards[row->shard].clock;
            const bool is_newer = row->is_subscribed && shard_clock > row->row_clock;
            const claim_demand demand = {.who = "cache of client",
                                         .id = c,
                                         .row_clock = is_newer ? shard_clock : row->row_clock,
                                         .is_exact = is_exact,
                                         .own_first = c * per_client,
                                         .own_count = is_exact ? 0 : per_client,
                                         .pending_rank = UINT32_MAX};
            const tag_view view = {.dense = table->is_sparse ? NULL : psi_cache_dense(table, i),
                                   .sparse = table->is_sparse ? psi_cache_sparse(table, i) : NULL,
                                   .has_values = world->config->kinds[t] == WORLD_VALUES};
            if (!check_row(world, &demand, t, (uint32_t)row->row, &view)) {
                return false;
            }
        }
    }
    return true;
}

/* G5, and that nobody believes in a clock that is not reached. */
static bool check_clocks(core_world *world) {
    uint32_t slowest = UINT32_MAX;
    for (uint32_t w = 0; w < world->worker_count; w++) {
        if (!world->workers[w].has_left && world->workers[w].clock < slowest) {
            slowest = world->workers[w].clock;
        }
    }
    for (uint32_t m = 0; m < world->config->shard_count; m++) {
        const uint32_t clock = world->shards[m].clock_min;
        if (clock < world->shard_clocks[m] || clock > slowest) {
            return world_fail(world, "shard %u: clock %u after %u, slowest worker at %u: G5", m,
                              clock, world->shard_clocks[m], slowest);
        }
        world->shard_clocks[m] = clock;
        for (uint32_t c = 0; c < world->config->client_count; c++) {
            const uint32_t known = world->clients[c].shards[m].clock;
            if (known < world->known_clocks[c][m] || known > clock) {
                return world_fail(world, "client %u knows clock %u of shard %u, which is at %u: G5",
                                  c, known, m, clock);
            }
            world->known_clocks[c][m] = known;
        }
    }
    for (uint32_t c = 0; c < world->config->client_count; c++) {
        if (world->clients[c].clock_min < world->client_clocks[c]) {
            return world_fail(world, "client %u: clock goes back: G5", c);
        }
        world->client_clocks[c] = world->clients[c].clock_min;
    }
    return true;
}

/* What one view of a row lacks of one worker's finished clocks: within V / (P sqrt(t)), where t is
 * that worker's clock + 1, or but one update (G7). */
static bool check_lack(core_world *world, uint32_t reader, uint32_t rank, const tag_view *view,
                       const psi_private_row *row) {
    const world_worker *const worker = &world->workers[rank];
    const double most = psi_policy_bound(&world->config->policy) /
                        (world->worker_count * sqrt((double)worker->clock + 1));
    double sum = 0;
    uint32_t count = 0;
    for (uint32_t clock = 0; clock < worker->clock; clock++) {
        const bool is_made = (world->made[rank][clock][row->table] >> row->row & 1) != 0;
        if (is_made && count_of(view, rank * world->config->clock_count + clock) == 0) {
            sum += world_value(rank, clock, (uint32_t)row->row);
            count++;
        }
    }
    world->transit_most = count > world->transit_most ? count : world->transit_most;
    if (count > 1 && fabs(sum) > most * (1 + 1e-12)) {
        return world_fail(world,
                          "worker %u at clock %u reads row %u without %u updates of worker %u at "
                          "clock %u, in all %g, more than %g: G7",
                          reader, world->workers[reader].clock, (uint32_t)row->row, count, rank,
                          worker->clock, sum, most);
    }
    return true;
}

/* By what workers read from at this moment, without asking how the policy keeps its bound. */
bool world_check_bound(core_world *world) {
    const bool is_bounded = strcmp(world->config->policy.ops->name, "vap") == 0;
    for (uint32_t reader = 0; is_bounded && reader < world->worker_count; reader++) {
        psi_rows *const rows = &world->workers[reader].rows;
        for (size_t i = 0; i < rows->row_count && !world->workers[reader].has_left; i++) {
            const psi_private_row *const row = &rows->rows[i];
            if (!row->is_fetched || world->config->kinds[row->table] != WORLD_VALUES) {
                continue;
            }
            const tag_view view = {.dense = row->value, .has_values = true};
            for (uint32_t rank = 0; rank < world->worker_count; rank++) {
                if (rank != reader && !check_lack(world, reader, rank, &view, row)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool world_check_state(core_world *world, uint32_t endpoint) {
    const uint32_t client_count = world->config->client_count;
    return check_clocks(world) &&
           (endpoint < client_count ? check_cache(world, endpoint)
                                    : check_shard(world, endpoint - client_count, false));
}

static bool check_pushed_sums(core_world *world, uint32_t table) {
    uint32_t all[WORLD_WORKERS_MAX];
    for (uint32_t w = 0; w < world->worker_count; w++) {
        all[w] = world->workers[w].push_count;
    }
    const claim_demand demand = {.who = "end of table", .id = table};
    for (uint32_t row = 0; row < world->config->row_count; row++) {
        const psi_place place = psi_row_place(&world->layout, table, row);
        const tag_view view = {
            .dense = psi_shard_dense_row(&world->shards[place.shard], table, place.local)};
        if (!check_pushes(world, &demand, row, &view, all)) {
            return false;
        }
    }
    return true;
}

bool world_is_complete(core_world *world) {
    for (uint32_t w = 0; w < world->worker_count; w++) {
        if (!world->workers[w].has_left) {
            return world_fail(world, "deadlock: worker %u waits at clock %u and nothing moves", w,
                              world->workers[w].clock);
        }
    }
    for (uint32_t m = 0; m < world->config->shard_count; m++) {
        const psi_shard *const shard = &world->shards[m];
        if (shard->clients_left != world->config->client_count || shard->held_count != 0) {
            return world_fail(world, "shard %u: %u clients left, updates of %zu clocks held: G6", m,
                              shard->clients_left, shard->held_count);
        }
        if (!check_shard(world, m, true)) {
            return false;
        }
    }
    if (!world_abandoned_are_untouched(world)) {
        return false;
    }
    for (uint32_t t = 0; t < world->config->table_count; t++) {
        if (world->config->kinds[t] == WORLD_PUSHED && !check_pushed_sums(world, t)) {
            return false;
        }
    }
    return true;
}
