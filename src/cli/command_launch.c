/* `tortoise launch`: the ranks of a run, on this machine or over ssh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>
#include <unistd.h>

#include "command.h"
#include "interrupt.h"
#include "launched.h"
#include "numbers.h"
#include "runtime/hostfile.h"
#include "runtime/runtime.h"
#include "settings.h"

static const tt_option launch_options[] = {
    {.name = "ranks", .argument = "N", .help = "ranks to start, also -n N (default: all slots)"},
    {.name = "hosts", .argument = "A,B:2,...", .help = "hosts and their slots"},
    {.name = "hostfile", .argument = "FILE", .help = "the same: a host per line"},
    {.name = "ssh",
     .argument = "COMMAND",
     .default_value = "ssh -o BatchMode=yes",
     .help = "what reaches a host; gets its name and one command"},
    {.name = "coordinator",
     .argument = "HOST:PORT",
     .help = "where rank 0 listens (default: the first host, a random port)"},
    {.name = "job", .argument = "NAME", .help = "ranks of another job are turned away"},
    {.name = "program", .argument = "PATH", .help = "tortoise on the hosts (default: as here)"},
};
const tt_option_list tt_launch_option_list = {launch_options,
                                              sizeof launch_options / sizeof launch_options[0]};

/* All that a launch owns. */
typedef struct launch_call {
    tt_settings settings;
    psi_hosts hosts;
    const char **rank_hosts; /* owned array */
    char *host_list;         /* owned */
    char program[4096], coordinator[300], id[24];
    tt_launch_plan plan;
} launch_call;

static bool is_this_machine(const char *host) {
    char own[256] = "";
    (void)gethostname(own, sizeof own - 1);
    const size_t short_length = strcspn(own, ".");
    const bool is_own = strcmp(host, own) == 0 ||
                        (strlen(host) == short_length && strncmp(host, own, short_length) == 0);
    return is_own || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

/* Where "--" stands; own_count if it does not. */
static size_t find_separator(const tt_call *call) {
    size_t at = 0;
    while (at < call->own_count && strcmp(call->own[at], "--") != 0) {
        at++;
    }
    return at;
}

/* Reads the options before "--"; -n is --ranks. */
static ps_err read_options(launch_call *all, size_t count, char *const *arguments,
                           bool *help_is_wanted, ps_fault *fault) {
    static char ranks[] = "--ranks";
    tt_words words;
    char **const own = calloc(count + 1, sizeof *own);
    if (own == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    for (size_t i = 0; i < count; i++) {
        own[i] = strcmp(arguments[i], "-n") == 0 ? ranks : arguments[i];
    }
    const ps_err err = tt_settings_read_arguments(&all->settings, count, own, &words, fault);
    free(own);
    *help_is_wanted = words.help_is_wanted;
    if (err == PS_OK && words.count > 0 && !words.help_is_wanted) {
        return ps_fault_set(fault, PS_EINVAL,
                            "unexpected argument '%s'; what is launched stands behind '--', as in "
                            "'%s launch -n 4 -- run mf'",
                            words.words[0], tt_program_name());
    }
    return err;
}

static ps_err read_hosts(launch_call *all, ps_fault *fault) {
    const char *const list = tt_setting_text(&all->settings, "hosts");
    const char *const file = tt_setting_text(&all->settings, "hostfile");
    if (list != NULL && file != NULL) {
        return ps_fault_set(fault, PS_EINVAL, "--hosts and --hostfile: give one of them");
    }
    if (list != NULL) {
        return psi_hostlist_parse(list, strlen(list), "--hosts", &all->hosts, fault);
    }
    return file != NULL ? psi_hostfile_read(file, &all->hosts, fault) : PS_OK;
}

static ps_err read_size(launch_call *all, ps_fault *fault) {
    const char *const text = tt_setting_text(&all->settings, "ranks");
    uint64_t size = psi_hosts_slots(&all->hosts);
    if (text != NULL) {
        PS_TRY(tt_number_read_count("--ranks", text, 1, PSI_RUNTIME_RANKS_MAX, &size, fault));
    }
    if (size == 0 || size > PSI_RUNTIME_RANKS_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%s; give -n N, from 1 to %d",
                            size == 0 ? "how many ranks?" : "the hosts have too many slots",
                            PSI_RUNTIME_RANKS_MAX);
    }
    all->plan.size = (uint32_t)size;
    return PS_OK;
}

/* "a:2,[::1]:1" */
static ps_err write_host_list(launch_call *all, ps_fault *fault) {
    size_t length = 0;
    FILE *const to = open_memstream(&all->host_list, &length);
    for (size_t i = 0; to != NULL && i < all->hosts.count; i++) {
        const psi_host *const host = &all->hosts.items[i];
        const bool is_ipv6 = strchr(host->name, ':') != NULL;
        (void)fprintf(to, "%s%s%s%s:%u", i > 0 ? "," : "", is_ipv6 ? "[" : "", host->name,
                      is_ipv6 ? "]" : "", host->slots);
    }
    if (to == NULL || fclose(to) != 0) {
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    all->plan.host_list = all->host_list;
    return PS_OK;
}

/* Gives every rank its host, slot by slot, and from the first one again when all are full. */
static ps_err place_ranks(launch_call *all, bool *has_remote, ps_fault *fault) {
    const uint32_t slots = psi_hosts_slots(&all->hosts);
    all->rank_hosts = calloc(all->plan.size, sizeof *all->rank_hosts);
    if (all->rank_hosts == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    for (uint32_t rank = 0; slots > 0 && rank < all->plan.size; rank++) {
        const char *const host = psi_hosts_name_of(&all->hosts, rank % slots);
        all->rank_hosts[rank] = is_this_machine(host) ? NULL : host;
        *has_remote = *has_remote || all->rank_hosts[rank] != NULL;
    }
    all->plan.hosts = all->rank_hosts;
    return PS_OK;
}

/* Where rank 0 listens, if there are ranks elsewhere. */
static ps_err choose_coordinator(launch_call *all, ps_fault *fault) {
    const char *const first = all->hosts.items[0].name;
    unsigned number = 0;
    for (size_t i = 0; i < all->plan.argument_count; i++) {
        const char *const argument = all->plan.arguments[i];
        number += strcmp(argument, "--insecure") == 0 || strcmp(argument, "--insecure=yes") == 0;
    }
    if (number == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "ranks on other machines talk without encryption and authentication "
                            "yet: add --insecure behind 'run' if everybody who can reach these "
                            "machines may be trusted");
    }
    if (all->plan.coordinator != NULL) {
        return PS_OK;
    }
    if (strcmp(first, "localhost") == 0 || strncmp(first, "127.", 4) == 0 ||
        strcmp(first, "::1") == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "rank 0 is on '%s', which means another machine elsewhere; write this "
                            "machine's name, or give --coordinator HOST:PORT",
                            first);
    }
    /* Below the ports that systems hand out by themselves. */
    enum { PORT_MIN = 20000, PORTS = 10000 };
    number = (unsigned)strtoul(all->id, NULL, 16) % PORTS + PORT_MIN;
    const bool is_ipv6 = strchr(first, ':') != NULL;
    (void)snprintf(all->coordinator, sizeof all->coordinator, "%s%s%s:%u", is_ipv6 ? "[" : "",
                   first, is_ipv6 ? "]" : "", number);
    all->plan.coordinator = all->coordinator;
    return PS_OK;
}

static ps_err find_program(launch_call *all, ps_fault *fault) {
    const char *const given = tt_setting_text(&all->settings, "program");
    const ssize_t length = readlink("/proc/self/exe", all->program, sizeof all->program - 1);
    if (given == NULL && length <= 0) {
        return ps_fault_set(fault, PS_EIO, "this program's own path is not known; give --program");
    }
    all->program[length > 0 ? length : 0] = '\0';
    all->plan.program = given == NULL ? all->program : given;
    return PS_OK;
}

static ps_err prepare(launch_call *all, const tt_call *call, size_t separator, ps_fault *fault) {
    uint32_t random[2];
    bool has_remote = false;
    if (separator + 1 >= call->own_count || strcmp(call->own[separator + 1], "run") != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "behind '--' stands the run, as in '%s launch -n 4 -- run mf --policy "
                            "bsp'",
                            tt_program_name());
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return ps_fault_set(fault, PS_EIO, "no random numbers from the system");
    }
    (void)snprintf(all->id, sizeof all->id, "%08x-%08x", random[0], random[1]);
    all->plan.id = all->id;
    all->plan.job = tt_setting_text(&all->settings, "job");
    all->plan.ssh = tt_setting_text(&all->settings, "ssh");
    all->plan.arguments = call->own + separator + 1;
    all->plan.argument_count = call->own_count - separator - 1;
    PS_TRY(find_program(all, fault));
    PS_TRY(read_hosts(all, fault));
    PS_TRY(read_size(all, fault));
    PS_TRY(place_ranks(all, &has_remote, fault));
    if (all->plan.ssh[strspn(all->plan.ssh, " \t")] == '\0') {
        return ps_fault_set(fault, PS_EINVAL, "--ssh: no command is given");
    }
    all->plan.coordinator = tt_setting_text(&all->settings, "coordinator");
    if (has_remote) {
        PS_TRY(write_host_list(all, fault));
        PS_TRY(choose_coordinator(all, fault));
    }
    return PS_OK;
}

static void print_help(const tt_settings *settings) {
    (void)printf("example: tortoise launch -n 4 --hostfile hosts.txt -- run mf --policy bsp "
                 "--insecure --out out/first\n"
                 "usage: tortoise launch [-n N] [options] -- run ALGO [options]\n");
    tt_settings_print_help(settings, false);
}

ps_err tt_command_launch(const tt_call *call, ps_fault *fault) {
    launch_call all = {0};
    const size_t separator = find_separator(call);
    bool help_is_wanted = false;
    PS_TRY(tt_settings_init_of(&all.settings, "launch", launch_options,
                               sizeof launch_options / sizeof launch_options[0]));
    ps_err err = read_options(&all, separator, call->own, &help_is_wanted, fault);
    if (err == PS_OK && help_is_wanted) {
        print_help(&all.settings);
    } else if (err == PS_OK) {
        err = prepare(&all, call, separator, fault);
        if (err == PS_OK) {
            err = tt_launched_run(&all.plan, tt_interrupt_watch(), fault);
        }
    }
    free(all.rank_hosts);
    free(all.host_list);
    psi_hosts_fini(&all.hosts);
    tt_settings_fini(&all.settings);
    return err;
}
