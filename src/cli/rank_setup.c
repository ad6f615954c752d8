#include "rank_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/units.h"
#include "one_run.h"
#include "version.h"

const char tt_rank_warning[] =
    "--insecure: connections are neither encrypted nor authenticated; whoever reaches the ports of "
    "this run can read and change it";

static const char *get_variable(void *context, const char *name) {
    (void)context;
    return getenv(name);
}

ps_err tt_rank_find(tt_rank *rank, const tt_settings *settings, ps_fault *fault) {
    *rank = (tt_rank){.must_speak = true};
    if (settings->world != TT_RUN) {
        return PS_OK;
    }
    const psi_environment environment = {.get = get_variable, .parent_pid = (long)getppid()};
    const psi_placement_options options = {
        .launcher = tt_setting_text(settings, "launcher"),
        .rank = tt_setting_text(settings, "ps-rank"),
        .size = tt_setting_text(settings, "ps-size"),
        .coordinator = tt_setting_text(settings, "coordinator"),
        .hosts = tt_setting_text(settings, "hosts"),
        .hostfile = tt_setting_text(settings, "hostfile"),
        .job = tt_setting_text(settings, "job"),
    };
    if (gethostname(rank->host, sizeof rank->host - 1) != 0) {
        (void)strcpy(rank->host, "?");
    }
    PS_TRY(psi_placement_find(&rank->placement, &options, &environment, fault));
    const char *const beyond[] = {"bind", "advertise"};
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        if (!rank->placement.is_ranked && tt_setting_text(settings, beyond[i]) != NULL) {
            return ps_fault_set(fault, PS_EINVAL,
                                "--%s is of a run on several machines; local processes always "
                                "talk over loopback (see --ps-rank, or 'tortoise launch')",
                                beyond[i]);
        }
    }
    return PS_OK;
}

/* All that decides the result, in the order of the options, but for where the data lies. */
static size_t list_aspects(const tt_run *run, psi_aspect *aspects) {
    size_t count = 0;
    aspects[count++] = (psi_aspect){"algorithm", run->plan.algo->name};
    for (size_t i = 0; i < run->settings.count; i++) {
        const tt_setting *const item = &run->settings.items[i];
        const bool is_data = strcmp(item->option.name, "data") == 0;
        if (item->option.group != TT_OUTPUT && !is_data) {
            const bool has_value = item->value_count > 0;
            aspects[count++] = (psi_aspect){item->option.name,
                                            has_value ? item->values[item->value_count - 1] : ""};
        }
    }
    /* Last, as synthetic data follows from other settings. */
    aspects[count++] = (psi_aspect){"data (SHA-256)", run->data_sha256};
    return count;
}

ps_err tt_rank_prepare(tt_run *run, ps_fault *fault) {
    tt_rank *const rank = &run->rank;
    const tt_settings *const settings = &run->settings;
    const psi_placement *const placement = &rank->placement;
    rank->aspects = calloc(settings->count + 2, sizeof *rank->aspects);
    if (rank->aspects == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    rank->options = (psi_rank_options){
        .rank = placement->rank,
        .coordinator = placement->coordinator[0] == '\0' ? NULL : placement->coordinator,
        .meeting = placement->meeting,
        .bind = tt_setting_text(settings, "bind"),
        .advertise = tt_setting_text(settings, "advertise"),
        .job = placement->job,
        .host = rank->host,
        .program = TT_VERSION " " TT_GIT,
        .hosts = placement->hosts.count > 0 ? &placement->hosts : NULL,
        .aspects = rank->aspects,
        .aspect_count = list_aspects(run, rank->aspects),
        .is_insecure = tt_setting_flag(settings, "insecure"),
        .names_may_appear = placement->names_may_appear,
    };
    return PS_OK;
}

void tt_rank_fini(tt_rank *rank) {
    psi_placement_fini(&rank->placement);
    free(rank->aspects);
    rank->aspects = NULL;
}

bool tt_rank_is_first(const tt_rank *rank) {
    return !rank->placement.is_ranked || rank->placement.rank == 0;
}

void tt_rank_sign(const tt_rank *rank, ps_fault *fault) {
    if (tt_rank_is_first(rank) || strncmp(fault->text, "rank ", 5) == 0) {
        return;
    }
    ps_fault line = {0};
    (void)ps_fault_set(&line, fault->err, "rank %u on %s: %.380s", rank->placement.rank, rank->host,
                       fault->text[0] == '\0' ? ps_err_text(fault->err) : fault->text);
    *fault = line;
}

/* What an option's time may be, and in words. */
typedef struct time_range {
    const char *name;
    double min_s, max_s;
    const char *min, *max;
} time_range;

enum { START_TIMEOUT, STALL_TIMEOUT, SILENCE_TIMEOUT, SPIN };

/* Beyond them a mistyped unit is likelier than a wish: a machine that is busy for 100 ms would be
 * dead or stalled, and one that polls for more than a second does nothing else. */
static const time_range time_ranges[] = {
    [START_TIMEOUT] = {"start-timeout", 0.1, 7 * 86400.0, "100ms", "168h"},
    [STALL_TIMEOUT] = {"stall-timeout", 0.1, 7 * 86400.0, "100ms", "168h"},
    [SILENCE_TIMEOUT] = {"silence-timeout", 1.0, 7 * 86400.0, "1s", "168h"},
    [SPIN] = {"spin", 0.0, 1.0, "0", "1s"},
};

/* Leaves *value_out alone if nothing was given. */
static ps_err read_seconds(const tt_settings *settings, const time_range *range, double *value_out,
                           ps_fault *fault) {
    char what[64];
    double value_s = 0.0;
    const char *const text = tt_setting_text(settings, range->name);
    if (text == NULL) {
        return PS_OK;
    }
    (void)snprintf(what, sizeof what, "--%s", range->name);
    PS_TRY(psi_parse_seconds(text, what, &value_s, fault));
    if (value_s < range->min_s || value_s > range->max_s) {
        return ps_fault_set(fault, PS_EINVAL, "%s: '%.40s' is not within %s to %s", what, text,
                            range->min, range->max);
    }
    *value_out = value_s;
    return PS_OK;
}

ps_err tt_runtime_options_read(const tt_settings *settings, psi_runtime_options *options_out,
                               ps_fault *fault) {
    *options_out = (psi_runtime_options){0};
    const time_range *const ranges = time_ranges;
    PS_TRY(read_seconds(settings, &ranges[START_TIMEOUT], &options_out->start_timeout_s, fault));
    PS_TRY(read_seconds(settings, &ranges[STALL_TIMEOUT], &options_out->stall_timeout_s, fault));
    PS_TRY(
        read_seconds(settings, &ranges[SILENCE_TIMEOUT], &options_out->silence_timeout_s, fault));
    if (tt_setting_text(settings, ranges[SPIN].name) != NULL) {
        PS_TRY(read_seconds(settings, &ranges[SPIN], &options_out->spin_s, fault));
        options_out->spin_s = options_out->spin_s > 0.0 ? options_out->spin_s : -1.0;
    }
    PS_TRY(psi_parse_bytes(tt_setting_text(settings, "send-buffer"), "--send-buffer",
                           &options_out->send_buffer_bytes, fault));
    return options_out->send_buffer_bytes > 0
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL, "--send-buffer: it must be more than 0");
}
