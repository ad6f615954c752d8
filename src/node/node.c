#include "node/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/inside.h"

/* ---- Setting up ---- */

/* Fills the rows of a shard with the algorithm's initial values. */
static void fill_shard(const psi_node *node, psi_shard *shard) {
    const psi_layout *const layout = shard->options.layout;
    if (node->plan->algo->row_init == NULL) {
        return;
    }
    for (uint32_t t = 0; t < layout->table_count; t++) {
        if (layout->tables[t].layout != PS_DENSE) {
            continue;
        }
        for (uint32_t local = 0; local < shard->tables[t].row_count; local++) {
            const psi_place place = {.shard = shard->options.shard, .local = local};
            node->plan->algo->row_init(node->plan->problem, t, psi_place_row(layout, t, place),
                                       psi_shard_dense_row(shard, t, local));
        }
    }
}

static ps_err create_shards(psi_node *node) {
    const psi_plan *const plan = node->plan;
    for (uint32_t m = 0; m < plan->shard_count; m++) {
        if (psi_endpoint_node(plan, psi_endpoint_shard(plan, m)) == node->id) {
            node->first_shard = node->shard_count == 0 ? m : node->first_shard;
            node->shard_count++;
        }
    }
    node->shards = calloc(node->shard_count == 0 ? 1 : node->shard_count, sizeof *node->shards);
    if (node->shards == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t i = 0; i < node->shard_count; i++) {
        const psi_shard_options options = {
            .layout = psi_monitor_layout(node->monitor),
            .policy = plan->policy,
            .shard = node->first_shard + i,
            .client_count = plan->node_count,
            .worker_count = plan->worker_count,
        };
        PS_TRY(psi_shard_init(&node->shards[i], &options));
        fill_shard(node, &node->shards[i]);
    }
    return PS_OK;
}

static ps_err create_workers(psi_node *node) {
    const psi_layout *const layout = psi_monitor_layout(node->monitor);
    node->worker_count = node->plan->worker_count / node->plan->node_count;
    node->workers = calloc(node->worker_count, sizeof *node->workers);
    node->woken = calloc(node->worker_count, sizeof *node->woken);
    if (node->workers == NULL || node->woken == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t i = 0; i < node->worker_count; i++) {
        ps_worker *const worker = &node->workers[i];
        worker->node = node;
        worker->index = i;
        worker->rank = node->id * node->worker_count + i;
        PS_TRY(psi_rows_init(&worker->rows, layout));
    }
    node->active_count = node->worker_count;
    const psi_client_options options = {
        .layout = layout,
        .policy = node->plan->policy,
        .client = node->id,
        .client_count = node->plan->node_count,
        .worker_count = node->worker_count,
    };
    return psi_client_init(&node->client, &options);
}

ps_err psi_node_create(const psi_plan *plan, uint32_t node_id, psi_port *port, psi_monitor *monitor,
                       psi_node **node_out) {
    *node_out = NULL;
    psi_node *const node = calloc(1, sizeof *node);
    if (node == NULL) {
        return PS_ENOMEM;
    }
    node->plan = plan;
    node->id = node_id;
    node->port = port;
    node->monitor = monitor;
    if (create_shards(node) != PS_OK || create_workers(node) != PS_OK) {
        psi_node_destroy(node);
        return PS_ENOMEM;
    }
    psi_monitor_join(monitor, node);
    node->spans = psi_monitor_spans(monitor);
    if (node->spans != NULL) {
        psi_node_mark(node, PSI_MARK_READY, 0);
    }
    for (uint32_t i = 0; i < node->shard_count; i++) {
        if (!psi_monitor_shard_clock(monitor, &node->shards[i], false)) {
            psi_node_destroy(node);
            return PS_ENOMEM;
        }
    }
    *node_out = node;
    return PS_OK;
}

void psi_node_destroy(psi_node *node) {
    if (node == NULL) {
        return;
    }
    for (uint32_t i = 0; node->shards != NULL && i < node->shard_count; i++) {
        psi_shard_fini(&node->shards[i]);
    }
    for (uint32_t i = 0; node->workers != NULL && i < node->worker_count; i++) {
        psi_rows_fini(&node->workers[i].rows);
        psi_block_fini(&node->workers[i].block);
    }
    if (node->client.options.layout != NULL) {
        psi_client_fini(&node->client);
    }
    free(node->shards);
    free(node->workers);
    free(node->woken);
    free(node);
}

/* ---- Recording ---- */

void psi_node_record(psi_node *node, psi_span span) {
    span.node = node->id;
    psi_spans_add(node->spans, &span);
}

void psi_node_mark(psi_node *node, psi_mark mark, uint32_t who) {
    const double now_s = node->port->ops->now_s(node->port);
    psi_node_record(node, (psi_span){.kind = PSI_SPAN_MARK,
                                     .begin_s = now_s,
                                     .end_s = now_s,
                                     .who = who,
                                     .what = (uint32_t)mark});
}

static void record_send(psi_node *node, const psi_frame *frame) {
    const double now_s = node->port->ops->now_s(node->port);
    psi_node_record(
        node, (psi_span){.kind = PSI_SPAN_SEND,
                         .begin_s = now_s,
                         .end_s = now_s,
                         .who = frame->from,
                         .what = frame->type,
                         .other = frame->to,
                         .amount = frame->size_bytes,
                         .number = psi_spans_number(node->spans, frame->from, frame->to, true)});
}

/* The frame has been handled since `begin_s`. Frames between monitors belong to the evaluation, not
 * to the run that is evaluated. */
static void record_delivery(psi_node *node, const psi_frame *frame, double begin_s) {
    if (frame->to >= psi_endpoint_monitor(node->plan, 0)) {
        return;
    }
    psi_node_record(
        node, (psi_span){.kind = PSI_SPAN_DELIVER,
                         .begin_s = begin_s,
                         .end_s = node->port->ops->now_s(node->port),
                         .who = frame->to,
                         .what = frame->type,
                         .other = frame->from,
                         .amount = frame->size_bytes,
                         .number = psi_spans_number(node->spans, frame->from, frame->to, false)});
}

/* ---- Effects ---- */

void psi_node_fail(psi_node *node, ps_err err) {
    if (node->failure == PS_OK) {
        node->failure = err;
    }
    psi_monitor_stop(node->monitor);
}

void psi_node_carry_out(psi_node *node, psi_effects *effects, const psi_shard *shard) {
    bool is_out_of_memory = effects->out_of_memory;
    if (shard != NULL && (effects->clock_advanced || effects->all_left)) {
        is_out_of_memory |= !psi_monitor_shard_clock(node->monitor, shard, effects->all_left);
    }
    psi_frame *frame = effects->frames;
    while (frame != NULL) {
        psi_frame *const next = frame->next;
        frame->next = NULL;
        if (psi_endpoint_node(node->plan, frame->to) != node->id) {
            psi_monitor_sent(node->monitor, frame);
        }
        if (node->spans != NULL) {
            record_send(node, frame);
        }
        node->port->ops->send(node->port, frame);
        frame = next;
    }
    for (uint32_t i = 0; i < effects->woken_count; i++) {
        node->port->ops->wake(node->port, effects->woken[i]);
    }
    if (is_out_of_memory) {
        psi_node_fail(node, PS_ENOMEM);
    }
}

static bool deliver_to_shard(psi_node *node, uint32_t shard_index, const psi_frame *frame) {
    if (shard_index - node->first_shard >= node->shard_count) {
        return false;
    }
    psi_shard *const shard = &node->shards[shard_index - node->first_shard];
    psi_effects effects = psi_node_effects(node);
    if (!psi_shard_step(shard, frame, &effects)) {
        return false;
    }
    psi_node_carry_out(node, &effects, shard);
    return true;
}

static bool deliver_to_client(psi_node *node, const psi_frame *frame) {
    psi_effects effects = psi_node_effects(node);
    const psi_client_event event = {.kind = PSI_CLIENT_FRAME, .frame = frame};
    if (!psi_client_step(&node->client, &event, &effects)) {
        return false;
    }
    psi_node_carry_out(node, &effects, NULL);
    return true;
}

bool psi_node_deliver(psi_node *node, psi_frame *frame, ps_fault *fault) {
    const psi_plan *const plan = node->plan;
    const bool is_known =
        frame->to < psi_endpoint_count(plan) && frame->from < psi_endpoint_count(plan);
    const double begin_s = node->spans == NULL ? 0.0 : node->port->ops->now_s(node->port);
    bool is_accepted = false;
    if (is_known && psi_endpoint_node(plan, frame->to) == node->id) {
        if (frame->to < plan->node_count) {
            is_accepted = deliver_to_client(node, frame);
        } else if (frame->to < plan->node_count + plan->shard_count) {
            is_accepted = deliver_to_shard(node, frame->to - plan->node_count, frame);
        } else {
            is_accepted = psi_monitor_receive(node->monitor, frame, fault);
        }
    }
    if (!is_accepted) {
        (void)ps_fault_set(
            fault, PS_EBROKEN,
            "node %u refuses a frame of type %u from endpoint %u to endpoint %u: no correct "
            "peer sends it",
            node->id, frame->type, frame->from, frame->to);
    } else if (node->spans != NULL) {
        record_delivery(node, frame, begin_s);
    }
    psi_frame_release(node->port->pool, frame);
    return is_accepted;
}

/* ---- Stopping and describing ---- */

void psi_node_stop(psi_node *node) {
    if (node->is_stopping) {
        return;
    }
    node->is_stopping = true;
    if (node->spans != NULL) {
        psi_node_mark(node, PSI_MARK_STOP, 0);
    }
    for (uint32_t i = 0; i < node->worker_count; i++) {
        psi_client_abandon_pulls(&node->client,
                                 i); /* their buffers may go as soon as the worker knows */
        node->port->ops->wake(node->port, i);
    }
}

bool psi_node_is_stopping(const psi_node *node) {
    return node->is_stopping;
}

uint32_t psi_node_workers_active(const psi_node *node) {
    return node->active_count;
}

bool psi_node_worker_is_waiting(const psi_node *node, uint32_t worker_index) {
    return psi_client_is_waiting(&node->client, worker_index);
}

uint32_t psi_node_worker_clock(const psi_node *node, uint32_t worker_index) {
    return node->workers[worker_index].clock;
}

bool psi_node_failed_worker(const psi_node *node, uint32_t *rank_out, uint32_t *clock_out) {
    if (node->failed_worker == NULL) {
        return false;
    }
    *rank_out = node->failed_worker->rank;
    *clock_out = node->failed_worker->clock;
    return true;
}

bool psi_node_waiting_describe(const psi_node *node, uint32_t worker_index, char *text,
                               size_t text_size) {
    if (!psi_node_worker_is_waiting(node, worker_index)) {
        return false;
    }
    const ps_worker *const worker = &node->workers[worker_index];
    const double waited_s = node->port->ops->now_s(node->port) - worker->waiting_since_s;
    psi_lack lack;
    if (!psi_client_lacks(&node->client, worker_index, &lack)) {
        (void)snprintf(text, text_size,
                       "worker %u at clock %u has waited %.3g s for a push or pull to be answered",
                       worker->rank, worker->clock, waited_s);
        return true;
    }
    if (lack.is_seen) {
        (void)snprintf(text, text_size,
                       "worker %u at clock %u has waited %.3g s until all workers have seen its "
                       "updates before "
                       "clock %u on shard %u of node %u, last heard of: those before clock %u",
                       worker->rank, worker->clock, waited_s, lack.need_clock, lack.shard,
                       psi_endpoint_node(node->plan, psi_endpoint_shard(node->plan, lack.shard)),
                       lack.known_clock);
        return true;
    }
    (void)snprintf(text, text_size,
                   "worker %u at clock %u has waited %.3g s for row %llu of table %s at clock %u "
                   "from shard %u of node %u, last heard of at clock %u",
                   worker->rank, worker->clock, waited_s, (unsigned long long)lack.row,
                   node->plan->specs[lack.table].name, lack.need_clock, lack.shard,
                   psi_endpoint_node(node->plan, psi_endpoint_shard(node->plan, lack.shard)),
                   lack.known_clock);
    return true;
}
