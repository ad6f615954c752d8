/* From settings to a plan. */
#include "one_run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/registry.h"
#include "base/nearest.h"
#include "calibration.h"
#include "data/synthetic.h"
#include "numbers.h"
#include "subject.h"
#include "version.h"

enum { NODES_MAX = 1000000, WORKERS_MAX = 1000000, DEFAULT_NODES = 4 };

static ps_err read_count(const tt_settings *settings, const char *name, uint64_t min, uint64_t max,
                         uint64_t *value_out, ps_fault *fault) {
    char what[64];
    (void)snprintf(what, sizeof what, "--%s", name);
    const char *const text = tt_setting_text(settings, name);
    const ps_err err = tt_number_read_count(what, text, min, max, value_out, fault);
    return tt_settings_blame(settings, name, err, fault);
}

static bool is_default(const tt_settings *settings, const char *name) {
    return tt_setting_of(settings, name)->origin == TT_BY_DEFAULT;
}

/* Writes a count that followed from others back, so that the manifest tells what ran. */
static ps_err note_count(tt_settings *settings, const char *name, uint64_t value) {
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return tt_settings_set(settings, "--", name, text, TT_BY_DEFAULT, NULL);
}

/* In a run of ranks, those are the nodes. */
static ps_err read_rank_count(tt_run *run, uint64_t *nodes, ps_fault *fault) {
    const uint32_t size = run->rank.placement.size;
    if (!is_default(&run->settings, "nodes") && *nodes != size) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--nodes: %llu nodes, but there are %u ranks (%s); leave --nodes out",
                            (unsigned long long)*nodes, size, run->rank.placement.line);
    }
    *nodes = size;
    return note_count(&run->settings, "nodes", size);
}

/* Nodes and workers: what is not given follows from what is, so that --nodes 32 alone has a worker
 * on each. */
static ps_err read_counts(tt_run *run, ps_fault *fault) {
    tt_settings *const settings = &run->settings;
    uint64_t nodes = 0;
    uint64_t workers = 0;
    uint64_t servers = 0;
    PS_TRY(read_count(settings, "nodes", 1, NODES_MAX, &nodes, fault));
    PS_TRY(read_count(settings, "workers", 0, WORKERS_MAX, &workers, fault));
    PS_TRY(read_count(settings, "servers", 0, NODES_MAX, &servers, fault));
    if (run->rank.placement.is_ranked) {
        PS_TRY(read_rank_count(run, &nodes, fault));
    } else if (is_default(settings, "nodes")) {
        const bool file_knows = run->sim != NULL && run->sim->node_count > 0;
        nodes = file_knows ? run->sim->node_count : DEFAULT_NODES;
        while (!file_knows && workers % nodes != 0) {
            nodes--;
        }
        PS_TRY(note_count(settings, "nodes", nodes));
    }
    if (workers == 0 || (is_default(settings, "workers") && workers % nodes != 0)) {
        workers = nodes;
        PS_TRY(note_count(settings, "workers", workers));
    }
    if (workers % nodes != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--workers: %llu workers cannot be shared evenly by %llu nodes",
                            (unsigned long long)workers, (unsigned long long)nodes);
    }
    if (servers > nodes) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--servers: %llu shards on %llu nodes; at most one per node",
                            (unsigned long long)servers, (unsigned long long)nodes);
    }
    run->plan.node_count = (uint32_t)nodes;
    run->plan.worker_count = (uint32_t)workers;
    run->plan.shard_count = (uint32_t)(servers == 0 ? nodes : servers);
    run->plan.process_count = settings->world == TT_SIM ? 1 : (uint32_t)nodes;
    return PS_OK;
}

/* Examples, or a share of all below 1; 0: the algorithm's own. */
static ps_err read_batch(tt_run *run, ps_fault *fault) {
    const char *const text = tt_setting_text(&run->settings, "batch");
    PS_TRY(tt_number_read_real("--batch", text, 0, 1e15, &run->batch, fault));
    if (run->batch > 1 && run->batch > floor(run->batch)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--batch: %s is neither a share below 1 nor a whole number of examples",
                            text);
    }
    return PS_OK;
}

/* "objective<=0.75" */
static ps_err read_until(tt_run *run, ps_fault *fault) {
    const char *const text = tt_setting_text(&run->settings, "until");
    if (text == NULL) {
        return PS_OK;
    }
    const ps_algo *const algo = run->plan.algo;
    const size_t name_length = strcspn(text, "<>=");
    const char *const sign = text + name_length;
    psi_until until = {.is_set = true};
    if (strncmp(sign, "<=", 2) == 0) {
        until.comparison = PSI_AT_MOST;
    } else if (strncmp(sign, ">=", 2) == 0) {
        until.comparison = PSI_AT_LEAST;
    } else {
        return ps_fault_set(fault, PS_EINVAL,
                            "--until: '%s' is not KEY<=X or KEY>=X, as in '%s%s0.75'", text,
                            algo->metrics[0], (algo->maximised & 1) != 0 ? ">=" : "<=");
    }
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", (int)name_length, text);
    for (until.metric = 0; until.metric < algo->metric_count; until.metric++) {
        if (strcmp(algo->metrics[until.metric], name) == 0) {
            break;
        }
    }
    if (until.metric == algo->metric_count) {
        const char *const nearest = psi_nearest(name, algo->metrics, algo->metric_count);
        return ps_fault_set(fault, PS_EINVAL, "--until: %s has no metric '%s'; did you mean '%s'?",
                            algo->name, name, nearest == NULL ? algo->metrics[0] : nearest);
    }
    PS_TRY(tt_number_read_real("--until", sign + 2, -1e300, 1e300, &until.value, fault));
    if (strcmp(tt_setting_text(&run->settings, "eval-every"), "0") == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--until needs evaluations: --eval-every 0 makes none before the end");
    }
    run->plan.until = until;
    return PS_OK;
}

/* Tells the simulated cluster all that was given of it; the command line beats the cluster file. */
static ps_err read_cluster(tt_run *run, ps_fault *fault) {
    const tt_settings *const settings = &run->settings;
    PS_TRY(psi_sim_spec_create(&run->sim));
    const char *const cluster = tt_setting_text(settings, "cluster");
    if (cluster != NULL) {
        const ps_err err = psi_sim_spec_read_file(run->sim, cluster, fault);
        PS_TRY(tt_settings_blame(settings, "cluster", err, fault));
    }
    const char *const calibration = tt_setting_text(settings, "calibration");
    if (calibration != NULL) {
        char cost[TT_NUMBER_TEXT_BYTES];
        const ps_err err = tt_calibration_read_cost(calibration, settings->algo->name, cost, fault);
        PS_TRY(tt_settings_blame(settings, "calibration", err, fault));
        if (is_default(settings, "unit-cost")) {
            PS_TRY(psi_sim_spec_set(run->sim, "unit-cost", cost, fault));
        }
    }
    for (size_t i = 0; i < settings->count; i++) {
        const tt_setting *const item = &settings->items[i];
        for (size_t v = 0;
             item->option.is_of_sim && item->origin > TT_BY_ALGORITHM && v < item->value_count;
             v++) {
            const ps_err err =
                psi_sim_spec_set(run->sim, item->option.name, item->values[v], fault);
            PS_TRY(tt_setting_blame(item, v, err, fault));
        }
    }
    return PS_OK;
}

static ps_err read_option_values(tt_run *run) {
    const ps_algo *const algo = run->plan.algo;
    run->option_values = calloc(algo->option_count + 1, sizeof *run->option_values);
    if (run->option_values == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < algo->option_count; i++) {
        run->option_values[i] = tt_setting_text(&run->settings, algo->options[i].name);
    }
    return PS_OK;
}

static ps_err read_format(const tt_settings *settings, ps_fault *fault) {
    static const ps_option format = {
        .name = "format", .kind = PS_OPTION_WORD, .words = "text|json|csv"};
    const ps_err err = tt_option_check("--", &format, tt_setting_text(settings, "format"), fault);
    return tt_settings_blame(settings, "format", err, fault);
}

ps_err tt_run_read(tt_run *run, tt_settings *settings, ps_fault *fault) {
    run->settings = *settings;
    *settings = (tt_settings){.command = run->settings.command};
    const ps_algo *const algo = run->settings.algo;
    run->plan.algo = algo;
    uint64_t clocks = 0;
    uint64_t every = 0;
    uint64_t spans = 0;
    PS_TRY(read_format(&run->settings, fault));
    const char *const policy = tt_setting_text(&run->settings, "policy");
    const ps_err policy_err = psi_policy_parse(policy, &run->plan.policy, fault);
    PS_TRY(tt_settings_blame(&run->settings, "policy", policy_err, fault));
    if (run->settings.world == TT_SIM) {
        PS_TRY(read_cluster(run, fault));
    } else {
        PS_TRY(tt_runtime_options_read(&run->settings, &run->runtime, fault));
    }
    PS_TRY(read_counts(run, fault));
    PS_TRY(read_count(&run->settings, "clocks", 0, UINT32_MAX / 2, &clocks, fault));
    run->plan.eval_doubles = strcmp(tt_setting_text(&run->settings, "eval-every"), "doubling") == 0;
    if (!run->plan.eval_doubles) {
        PS_TRY(read_count(&run->settings, "eval-every", 0, UINT32_MAX / 2, &every, fault));
    }
    PS_TRY(read_count(&run->settings, "seed", 0, UINT64_MAX, &run->plan.seed, fault));
    if (tt_setting_text(&run->settings, "trace") != NULL) {
        PS_TRY(read_count(&run->settings, "trace-events", 1000, 10000000, &spans, fault));
    }
    run->plan.span_capacity = (size_t)spans;
    PS_TRY(tt_settings_blame(&run->settings, "batch", read_batch(run, fault), fault));
    PS_TRY(tt_settings_blame(&run->settings, "until", read_until(run, fault), fault));
    PS_TRY(read_option_values(run));
    run->plan.clock_count = clocks == 0 ? algo->default_clock_count : (uint32_t)clocks;
    run->plan.eval_every_clocks = (uint32_t)every;
    return PS_OK;
}

static void add_text(tt_digest *digest, const char *text) {
    tt_digest_add(digest, text, strlen(text) + 1);
}

/* A file's content, or nothing. */
static ps_err add_file(tt_digest *digest, const char *path, ps_fault *fault) {
    char content[TT_DIGEST_TEXT_BYTES];
    if (path != NULL) {
        PS_TRY(tt_digest_file(path, content, fault));
        add_text(digest, content);
    }
    return PS_OK;
}

static ps_err identify_data(tt_run *run, ps_fault *fault) {
    const char *const data = tt_setting_text(&run->settings, "data");
    (void)snprintf(run->data_text, sizeof run->data_text, "%s", data);
    if (!psi_synthetic_is_named(data)) {
        return tt_digest_file(data, run->data_sha256, fault);
    }
    /* What a caller's own algorithm makes of the keys is its own affair. */
    if (!tt_subject_is_own(run->plan.algo)) {
        const ps_settings asked = {
            .data = data, .seed = run->plan.seed, .worker_count = run->plan.worker_count};
        PS_TRY(psi_algo_synthetic_text(run->plan.algo, &asked, run->data_text,
                                       sizeof run->data_text, fault));
    }
    tt_digest *const digest = tt_digest_begin();
    tt_digest_add(digest, run->data_text, strlen(run->data_text));
    return tt_digest_end(digest, run->data_sha256) ? PS_OK : PS_ENOMEM;
}

ps_err tt_run_identify(tt_run *run, ps_fault *fault) {
    PS_TRY(tt_settings_blame(&run->settings, "data", identify_data(run, fault), fault));
    tt_digest *const digest = tt_digest_begin();
    const tt_settings *const settings = &run->settings;
    add_text(digest, TT_VERSION " " TT_GIT);
    add_text(digest, settings->world == TT_SIM ? "sim" : "run");
    add_text(digest, settings->algo->name);
    add_text(digest, run->data_sha256);
    /* The commit does not tell which caller's algorithm ran; its program does. */
    const bool is_own = tt_subject_is_own(settings->algo);
    ps_err err = is_own ? add_file(digest, "/proc/self/exe", fault) : PS_OK;
    static const char trace[] = "trace:"; /* a straggler that a file describes */
    for (size_t i = 0; i < settings->count; i++) {
        const tt_setting *const item = &settings->items[i];
        if (item->option.group == TT_OUTPUT) {
            continue;
        }
        add_text(digest, item->option.name);
        for (size_t v = 0; v < item->value_count && err == PS_OK; v++) {
            add_text(digest, item->values[v]);
            if (strncmp(item->values[v], trace, strlen(trace)) == 0) {
                err = add_file(digest, item->values[v] + strlen(trace), fault);
            }
        }
    }
    if (settings->world == TT_SIM) {
        err = err != PS_OK ? err : add_file(digest, tt_setting_text(settings, "cluster"), fault);
        err =
            err != PS_OK ? err : add_file(digest, tt_setting_text(settings, "calibration"), fault);
    }
    if (!tt_digest_end(digest, run->key) && err == PS_OK) {
        err = PS_ENOMEM;
    }
    return err;
}

ps_err tt_run_open(tt_run *run, ps_fault *fault) {
    const ps_algo *const algo = run->plan.algo;
    const ps_settings settings = {.data = tt_setting_text(&run->settings, "data"),
                                  .seed = run->plan.seed,
                                  .worker_count = run->plan.worker_count,
                                  .clock_count = run->plan.clock_count,
                                  .batch = run->batch,
                                  .values = run->option_values};
    PS_TRY(algo->open(&settings, &run->problem, fault));
    run->plan.problem = run->problem;
    run->plan.table_count = algo->tables(run->problem, run->plan.specs);
    PS_TRY(psi_plan_check(&run->plan, fault));
    return run->sim == NULL ? PS_OK : psi_sim_spec_resolve(run->sim, &run->plan, fault);
}

void tt_run_fini(tt_run *run) {
    if (run->workers_abandoned) {
        return;
    }
    psi_results_fini(&run->results, &run->plan);
    psi_sim_spec_destroy(run->sim);
    if (run->problem != NULL) {
        run->plan.algo->close(run->problem);
    }
    free(run->option_values);
    tt_outdir_discard(&run->out);
    tt_rank_fini(&run->rank);
    tt_settings_fini(&run->settings);
    *run = (tt_run){0};
}

void tt_run_default_directory(const tt_run *run, char path[static TT_PATH_MAX]) {
    char policy[32];
    psi_policy_format(&run->plan.policy, policy);
    for (char *at = policy; *at != '\0'; at++) {
        *at = *at == ':' ? '-' : *at;
    }
    (void)snprintf(path, TT_PATH_MAX, "out/%s-%s-%s-n%u-w%u-s%llu", run->plan.algo->name,
                   run->settings.world == TT_SIM ? "sim" : "run", policy, run->plan.node_count,
                   run->plan.worker_count, (unsigned long long)run->plan.seed);
}
