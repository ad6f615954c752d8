#include "sim/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ps/frame.h"

enum { PATH_MAX_BYTES = 4096, LINE_MAX_BYTES = 1024 };

#define INSTALL_HINT                                                                           \
    "install the package tortoise-sim, or SimGrid (Debian, Ubuntu: libsimgrid-dev) and build " \
    "tortoise again"
#define PLUGIN_FILE "tortoise_sim.so"

static ps_err plugin_check(const psi_plugin *plugin, const char *path, ps_fault *fault) {
    if (plugin == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s is not a plug-in of tortoise", path);
    }
    const bool is_same = plugin->version == PSI_PLUGIN_VERSION &&
                         plugin->spec_size_bytes == sizeof(psi_sim_spec) &&
                         plugin->plan_size_bytes == sizeof(psi_plan) &&
                         plugin->results_size_bytes == sizeof(psi_results) &&
                         plugin->frame_size_bytes == sizeof(psi_frame) &&
                         strcmp(plugin->tortoise_version, TORTOISE_VERSION) == 0;
    return is_same
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL,
                              "%s is of another build than this program; build both again", path);
}

/* Loads the module that $TORTOISE_SIM_PLUGIN names, or else the one on the search path of this
 * program or library (its RUNPATH): the build's own there, beside the installed file and in
 * ../lib/tortoise once it is installed, wherever that was moved. A module stays loaded: SimGrid
 * cannot be unloaded. */
static ps_err plugin_find(const psi_plugin **plugin_out, char path[static PATH_MAX_BYTES],
                          ps_fault *fault) {
    *plugin_out = NULL;
    const char *const named = getenv("TORTOISE_SIM_PLUGIN");
    const bool is_named = named != NULL && named[0] != '\0';
    void *const module = dlopen(is_named ? named : PLUGIN_FILE, RTLD_LAZY | RTLD_LOCAL);
    if (module == NULL) {
        const char *const why = dlerror();
        const bool lacks_simgrid = why != NULL && strstr(why, "libsimgrid") != NULL;
        const bool lacks_plugin =
            why != NULL && strncmp(why, PLUGIN_FILE, strlen(PLUGIN_FILE)) == 0;
        return ps_fault_set(fault, PS_EINVAL, "simulation does not work here: %s%s",
                            lacks_simgrid  ? "SimGrid's library is missing; " INSTALL_HINT
                            : lacks_plugin ? "there is no plug-in " PLUGIN_FILE "; " INSTALL_HINT
                                           : "dlopen: ",
                            lacks_simgrid || lacks_plugin || why == NULL ? "" : why);
    }
    const psi_plugin *const plugin = dlsym(module, PSI_PLUGIN_SYMBOL);
    Dl_info place = {0};
    const bool is_placed = plugin != NULL && dladdr(plugin, &place) != 0;
    (void)snprintf(path, PATH_MAX_BYTES, "%s", is_placed ? place.dli_fname : PLUGIN_FILE);
    PS_TRY(plugin_check(plugin, path, fault));
    *plugin_out = plugin;
    return PS_OK;
}

ps_err psi_plugin_load(const psi_plugin **plugin_out, ps_fault *fault) {
    char path[PATH_MAX_BYTES];
    return plugin_find(plugin_out, path, fault);
}

ps_err psi_sim_available(char *text, size_t text_size_bytes, ps_fault *fault) {
    const psi_plugin *plugin = NULL;
    char path[PATH_MAX_BYTES];
    char version[128];
    PS_TRY(plugin_find(&plugin, path, fault));
    plugin->simgrid_version(version, sizeof version);
    (void)snprintf(text, text_size_bytes, "%s, %s", version, path);
    return PS_OK;
}

ps_err psi_sim_run(const psi_plan *plan, const psi_sim_spec *spec, psi_results *results,
                   ps_fault *fault) {
    PS_ASSERT(spec->is_resolved);
    const psi_plugin *plugin = NULL;
    PS_TRY(psi_plugin_load(&plugin, fault));
    if (plan->process_count != 1 || plan->node_count != spec->resolved_node_count) {
        return ps_fault_set(fault, PS_EINVAL, "a simulation has all nodes in one process");
    }
    return plugin->run(plan, spec, results, fault);
}

/* What the child that tries a platform tells its parent, followed by the nodes. */
typedef struct probe_head {
    uint32_t is_complete;
    psi_platform_facts facts;
} probe_head;

static bool bytes_write(int fd, const void *bytes, size_t size_bytes) {
    const uint8_t *at = bytes;
    while (size_bytes > 0) {
        const ssize_t count = write(fd, at, size_bytes);
        if (count <= 0) {
            return false;
        }
        at += count;
        size_bytes -= (size_t)count;
    }
    return true;
}

static size_t bytes_read(int fd, void *bytes, size_t size_bytes) {
    uint8_t *const at = bytes;
    size_t length = 0;
    while (length < size_bytes) {
        const ssize_t count = read(fd, at + length, size_bytes - length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        length += (size_t)count;
    }
    return length;
}

/* The child: SimGrid's complaints go to a file of its own, results to the pipe. */
static _Noreturn void probe_child(psi_sim_spec *spec, const psi_plugin *plugin, int result_fd,
                                  FILE *complaints) {
    (void)dup2(fileno(complaints), STDERR_FILENO);
    (void)dup2(fileno(complaints), STDOUT_FILENO);
    probe_head head = {.is_complete = 1};
    plugin->probe(spec, &head.facts);
    const bool is_written =
        bytes_write(result_fd, &head, sizeof head) &&
        bytes_write(result_fd, spec->nodes, spec->resolved_node_count * sizeof *spec->nodes);
    _exit(is_written ? 0 : 1);
}

/* SimGrid's complaint that names the file and the line: "... Parse error at lab.xml:5: Bad
 * attribute ...". Where there is none, it crashed over the platform, as it does without routes. */
static void complaint_pick(FILE *complaints, const char *path, char text[static LINE_MAX_BYTES]) {
    char line[LINE_MAX_BYTES];
    rewind(complaints);
    while (fgets(line, sizeof line, complaints) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *const named = strstr(line, path);
        if (named != NULL) {
            (void)snprintf(text, LINE_MAX_BYTES, "%.400s", named);
            return;
        }
    }
    (void)snprintf(text, LINE_MAX_BYTES,
                   "%.300s: SimGrid cannot use this platform; are there routes between all hosts?",
                   path);
}

static ps_err probe_result(psi_sim_spec *spec, int result_fd, FILE *complaints, ps_fault *fault) {
    probe_head head = {.is_complete = 0};
    const size_t nodes_size_bytes = spec->resolved_node_count * sizeof *spec->nodes;
    const bool has_head =
        bytes_read(result_fd, &head, sizeof head) == sizeof head && head.is_complete == 1;
    if (!has_head) {
        char text[LINE_MAX_BYTES];
        complaint_pick(complaints, spec->cluster_path, text);
        return ps_fault_set(fault, PS_EFORMAT, "%s", text);
    }
    if (head.facts.host_count < spec->resolved_node_count) {
        return ps_fault_set(fault, PS_EINVAL, "the run has %zu nodes, %s only %llu hosts",
                            spec->resolved_node_count, spec->cluster_path,
                            (unsigned long long)head.facts.host_count);
    }
    return bytes_read(result_fd, spec->nodes, nodes_size_bytes) == nodes_size_bytes
               ? PS_OK
               : ps_fault_set(fault, PS_EFORMAT, "%s: SimGrid did not describe all hosts",
                              spec->cluster_path);
}

ps_err psi_platform_probe(psi_sim_spec *spec, ps_fault *fault) {
    const psi_plugin *plugin = NULL;
    int ends[2];
    PS_TRY(psi_plugin_load(&plugin, fault));
    FILE *const complaints = tmpfile();
    if (complaints == NULL || pipe(ends) != 0) {
        const int why = errno;
        if (complaints != NULL) {
            (void)fclose(complaints);
        }
        return ps_fault_set(fault, PS_EIO, "trying %s: %s", spec->cluster_path, strerror(why));
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        probe_child(spec, plugin, ends[1], complaints);
    }
    (void)close(ends[1]);
    const ps_err err = child < 0 ? ps_fault_set(fault, PS_EIO, "fork: %s", strerror(errno))
                                 : probe_result(spec, ends[0], complaints, fault);
    (void)close(ends[0]);
    if (child > 0) {
        (void)waitpid(child, NULL, 0);
    }
    (void)fclose(complaints);
    return err;
}
