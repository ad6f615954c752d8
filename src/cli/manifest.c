#include "manifest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_version.h>
#include <libconfig.h>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "features.h"
#include "run_files.h"
#include "version.h"

static json_t *real_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text) {
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

/* JSON has no unsigned 64-bit numbers; the few counts beyond 2^63 are cut there. */
static json_t *count_of(uint64_t value) {
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *settings_object(const tt_run *run) {
    json_t *const object = json_object();
    for (size_t i = 0; i < run->settings.count; i++) {
        const tt_setting *const item = &run->settings.items[i];
        json_t *value = NULL;
        if (item->option.is_repeatable) {
            value = json_array();
            for (size_t v = 0; v < item->value_count; v++) {
                (void)json_array_append_new(value, json_string(item->values[v]));
            }
        } else {
            value = item->value_count == 0 ? json_null()
                                           : json_string(item->values[item->value_count - 1]);
        }
        (void)json_object_set_new(
            object, item->option.name,
            json_pack("{s:o,s:s}", "value", value, "origin", tt_origin_text(item->origin)));
    }
    return object;
}

/* What the simulated cluster came to after its file, the options and the calibration were put
 * together. */
static json_t *cluster_object(const tt_run *run) {
    if (run->sim == NULL) {
        return json_null();
    }
    json_t *const object = json_object();
    for (size_t i = 0; i < psi_sim_option_count; i++) {
        if (strcmp(psi_sim_options[i].name, "jobs") == 0) {
            continue;
        }
        char text[4096];
        const int length = psi_sim_spec_value(run->sim, i, text, sizeof text);
        (void)json_object_set_new(object, psi_sim_options[i].name,
                                  length > 0 ? json_string(text) : json_null());
    }
    return object;
}

json_t *tt_manifest_versions(bool with_simulator) {
    char simulator[256] = "";
    char openssl[64];
    (void)snprintf(openssl, sizeof openssl, "%s", OpenSSL_version(OPENSSL_VERSION));
    if (!with_simulator || psi_sim_available(simulator, sizeof simulator, NULL) != PS_OK) {
        simulator[0] = '\0';
    }
    simulator[strcspn(simulator, ",")] = '\0'; /* where it lies is of no interest */
    return json_pack("{s:s,s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:s}", "tortoise", TT_VERSION, "git", TT_GIT,
                     "compiler", tt_feature_compiler(), "simgrid", text_or_null(simulator), "gsl",
                     gsl_version, "jansson", JANSSON_VERSION, "libconfig", tt_feature_libconfig(),
                     "openssl", openssl, "zlib", zlibVersion());
}

static json_t *host_object(const tt_run *run) {
    struct utsname system;
    struct rusage usage;
    (void)uname(&system);
    (void)getrusage(RUSAGE_SELF, &usage);
    const double cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                         1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return json_pack("{s:s,s:s,s:s,s:i,s:f,s:f,s:f,s:I}", "name", system.nodename, "system",
                     system.release, "machine", system.machine, "cores",
                     (int)sysconf(_SC_NPROCESSORS_ONLN), "wall_s", tt_run_wall_s(run), "cpu_s",
                     cpu_s, "evaluation_s", run->results.evaluation_s, "peak_memory_bytes",
                     (json_int_t)usage.ru_maxrss * 1024);
}

json_t *tt_manifest_results(const tt_run *run) {
    const psi_results *const results = &run->results;
    const tt_totals totals = tt_totals_of(results);
    json_t *const metrics = json_object();
    for (size_t i = 0; results->metrics_count > 0 && i < run->plan.algo->metric_count; i++) {
        (void)json_object_set_new(
            metrics, run->plan.algo->metrics[i],
            real_or_null(results->metrics[results->metrics_count - 1].values[i]));
    }
    json_t *const object = json_pack(
        "{s:f,s:i,s:i,s:o,s:o,s:f,s:f,s:f,s:f,s:o,s:o,s:b,s:b,s:o}", "time_s", totals.time_s,
        "clock_min", (int)totals.clock_min, "clock_max", (int)totals.clock_max, "metrics", metrics,
        "evaluations", count_of(results->metrics_count), "compute_s", totals.compute_s, "wait_s",
        totals.wait_s, "wait_share", totals.wait_share, "compute_share", totals.compute_share,
        "bytes_sent", count_of(totals.bytes_sent), "frames_sent", count_of(totals.frames_sent),
        "until_reached", (int)results->until_reached, "interrupted", (int)results->was_interrupted,
        "model_sha256", text_or_null(run->model_sha256));
    for (size_t i = 0; i < run->extras.count; i++) {
        (void)json_object_set_new(object, run->extras.items[i].name,
                                  real_or_null(run->extras.items[i].value));
    }
    return object;
}

static void format_time(const struct timespec *at, char text[static 40]) {
    struct tm parts;
    (void)gmtime_r(&at->tv_sec, &parts);
    char second[24];
    (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text, 40, "%s.%03ldZ", second, at->tv_nsec / 1000000);
}

/* The metrics of which more is better. */
static json_t *maximised_array(const ps_algo *algo) {
    json_t *const names = json_array();
    for (size_t i = 0; i < algo->metric_count; i++) {
        if ((algo->maximised >> i & 1) != 0) {
            (void)json_array_append_new(names, json_string(algo->metrics[i]));
        }
    }
    return names;
}

static json_t *manifest_object(const tt_run *run) {
    char start[40];
    char end[40];
    format_time(&run->start, start);
    format_time(&run->end, end);
    json_t *const command = json_array();
    for (size_t i = 0; i < run->argument_count; i++) {
        (void)json_array_append_new(command, json_string(run->arguments[i]));
    }
    json_t *const object = json_pack(
        "{s:i,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:s}", "format", 1, "command_line", command, "world",
        run->settings.world == TT_SIM ? "sim" : "run", "algorithm", run->plan.algo->name,
        "settings", settings_object(run), "cluster", cluster_object(run), "versions",
        tt_manifest_versions(run->settings.world == TT_SIM), "seed", count_of(run->plan.seed),
        "data", run->data_text, "data_sha256", run->data_sha256);
    if (object == NULL) {
        return NULL;
    }
    const bool is_ranked = run->rank.placement.is_ranked;
    const bool is_insecure = is_ranked && tt_setting_flag(&run->settings, "insecure");
    (void)json_object_set_new(object, "ranks",
                              text_or_null(is_ranked ? run->rank.placement.line : NULL));
    (void)json_object_set_new(object, "warning",
                              text_or_null(is_insecure ? tt_rank_warning : NULL));
    (void)json_object_set_new(object, "key", text_or_null(run->key));
    (void)json_object_set_new(object, "model_sha256", text_or_null(run->model_sha256));
    (void)json_object_set_new(object, "metrics_sha256", text_or_null(run->metrics_sha256));
    (void)json_object_set_new(object, "results", tt_manifest_results(run));
    (void)json_object_set_new(object, "maximised", maximised_array(run->plan.algo));
    (void)json_object_set_new(object, "interrupted", json_boolean(run->results.was_interrupted));
    (void)json_object_set_new(object, "exit_code", json_integer(ps_err_exit_code(run->ended_with)));
    (void)json_object_set_new(object, "failure", text_or_null(run->failure.text));
    (void)json_object_set_new(object, "start", json_string(start));
    (void)json_object_set_new(object, "end", json_string(end));
    (void)json_object_set_new(object, "host", host_object(run));
    return object;
}

ps_err tt_manifest_write(const tt_run *run, const char *directory, ps_fault *fault) {
    char path[TT_PATH_MAX];
    if (!tt_path_join(path, directory, "manifest.json")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
    }
    json_t *const object = manifest_object(run);
    char *const text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2));
    ps_err err = PS_ENOMEM;
    if (text != NULL) {
        err = tt_file_replace(path, text, strlen(text), fault);
    }
    free(text);
    json_decref(object);
    return err;
}

json_t *tt_manifest_read(const char *directory, ps_fault *fault) {
    char path[TT_PATH_MAX];
    json_error_t error;
    if (!tt_path_join(path, directory, "manifest.json")) {
        (void)ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
        return NULL;
    }
    if (access(path, R_OK) != 0) {
        (void)ps_fault_set(fault, PS_EINVAL, "%s: holds no run (there is no manifest.json)",
                           directory);
        return NULL;
    }
    json_t *const object = json_load_file(path, 0, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        (void)ps_fault_set(fault, PS_EFORMAT, "%s:%d:%d: %s", path, error.line, error.column,
                           error.text);
        return NULL;
    }
    return object;
}

bool tt_manifest_is_of(const char *directory, const char *key) {
    json_t *const object = tt_manifest_read(directory, NULL);
    const char *const own = json_string_value(json_object_get(object, "key"));
    const json_t *const code = json_object_get(object, "exit_code");
    const bool is_whole = json_is_integer(code) && json_integer_value(code) == 0 &&
                          !json_is_true(json_object_get(object, "interrupted"));
    const bool is_same = own != NULL && strcmp(own, key) == 0;
    json_decref(object);
    return is_whole && is_same;
}
