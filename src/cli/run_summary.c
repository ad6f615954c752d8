#include "run_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "manifest.h"
#include "numbers.h"
#include "run_files.h"

static void print_text(const tt_run *run, bool has_files) {
    const psi_results *const results = &run->results;
    const ps_algo *const algo = run->plan.algo;
    const bool is_sim = run->settings.world == TT_SIM;
    const tt_totals totals = tt_totals_of(results);
    char policy[32];
    char first[TT_NUMBER_TEXT_BYTES];
    char second[TT_NUMBER_TEXT_BYTES];
    psi_policy_format(&run->plan.policy, policy);
    (void)printf("%s under %s, %s: %u nodes, %u workers, %u shards, seed %llu\n", algo->name,
                 policy, is_sim ? "simulated" : "for real", run->plan.node_count,
                 run->plan.worker_count, run->plan.shard_count, (unsigned long long)run->plan.seed);
    for (size_t i = 0; results->metrics_count > 0 && i < algo->metric_count; i++) {
        (void)printf("  %-14s %.8g\n", algo->metrics[i],
                     results->metrics[results->metrics_count - 1].values[i]);
    }
    for (size_t i = 0; i < run->extras.count; i++) {
        (void)printf("  %-14s %.8g\n", run->extras.items[i].name, run->extras.items[i].value);
    }
    (void)printf("  %-14s %s%s; %s on the wall\n", "time", tt_number_time(totals.time_s, first),
                 is_sim ? " simulated" : "", tt_number_time(tt_run_wall_s(run), second));
    (void)printf("  %-14s %u of %u%s\n", "clocks", totals.clock_min, run->plan.clock_count,
                 results->was_interrupted ? ", interrupted"
                 : results->until_reached ? ", as far as --until asks"
                                          : "");
    (void)printf("  %-14s %.1f %% computing, %.1f %% waiting\n", "workers",
                 100 * totals.compute_share, 100 * totals.wait_share);
    (void)printf("  %-14s %s in %llu frames\n", "sent",
                 tt_number_bytes((double)totals.bytes_sent, first),
                 (unsigned long long)totals.frames_sent);
    (void)printf("  %-14s %s\n", "model_sha256",
                 run->model_sha256[0] == '\0' ? "none, the model is not complete"
                                              : run->model_sha256);
    if (has_files) {
        (void)printf("  %-14s %s\n", "files", run->out.path);
    }
}

static json_t *summary_object(const tt_run *run, bool has_files) {
    char policy[32];
    psi_policy_format(&run->plan.policy, policy);
    json_t *const object = json_pack(
        "{s:s,s:s,s:s,s:i,s:i,s:i,s:I,s:s,s:f}", "world",
        run->settings.world == TT_SIM ? "sim" : "run", "algorithm", run->plan.algo->name, "policy",
        policy, "nodes", (int)run->plan.node_count, "workers", (int)run->plan.worker_count,
        "servers", (int)run->plan.shard_count, "seed", (json_int_t)run->plan.seed, "out",
        has_files ? run->out.path : "", "wall_s", tt_run_wall_s(run));
    json_t *const results = tt_manifest_results(run);
    (void)json_object_update(object, results);
    json_decref(results);
    return object;
}

static void print_field(const json_t *value, char end) {
    char text[TT_NUMBER_TEXT_BYTES];
    if (json_is_real(value)) {
        (void)fputs(tt_number_exact(json_real_value(value), text), stdout);
    } else if (json_is_integer(value)) {
        (void)printf("%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        (void)fputs(json_is_true(value) ? "1" : "0", stdout);
    } else if (json_is_string(value)) {
        (void)fputs(json_string_value(value), stdout);
    }
    (void)putchar(end);
}

/* The summary's fields flat, metrics among them by their own names. */
static void print_csv(json_t *object) {
    json_t *const metrics = json_incref(json_object_get(object, "metrics"));
    (void)json_object_del(object, "metrics");
    (void)json_object_update(object, metrics);
    json_decref(metrics);
    const char *key = NULL;
    json_t *value = NULL;
    size_t left = json_object_size(object);
    json_object_foreach(object, key, value) {
        left--;
        (void)printf("%s%c", key, left == 0 ? '\n' : ',');
    }
    left = json_object_size(object);
    json_object_foreach(object, key, value) {
        left--;
        print_field(value, left == 0 ? '\n' : ',');
    }
}

void tt_run_summary_print(const tt_run *run, bool has_files) {
    const char *const format = tt_setting_text(&run->settings, "format");
    if (strcmp(format, "text") == 0) {
        print_text(run, has_files);
        return;
    }
    json_t *const object = summary_object(run, has_files);
    if (strcmp(format, "csv") == 0) {
        print_csv(object);
    } else {
        (void)json_dumpf(object, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    }
    json_decref(object);
}
