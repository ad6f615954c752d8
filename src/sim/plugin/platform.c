#include "sim/plugin/platform.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <simgrid/engine.h>
#include <simgrid/version.h>
#include <xbt/config.h>

/* Room for each actor's stack, of which only what is used becomes memory: workers run algorithms on
 * it. */
enum { STACK_KIB = 256, MANY_ACTORS = 20000 };

/* Starts the engine with an argument list of its own: it would take its options out of the
 * program's. It also takes SIGINT, which belongs to the program. */
static void engine_start(const psi_sim_spec *spec, bool is_probe) {
    char program[] = "tortoise";
    char quiet[] = "--log=root.thresh:critical";
    char loud[] = "--log=root.thresh:error";
    char *argv[] = {program, is_probe ? loud : quiet, NULL};
    int argc = 2;
    struct sigaction interrupt;
    (void)sigaction(SIGINT, NULL, &interrupt);
    simgrid_init(&argc, argv);
    (void)sigaction(SIGINT, &interrupt, NULL);
    sg_cfg_set_int("contexts/stack-size", STACK_KIB);
    if (spec->resolved_node_count > MANY_ACTORS) {
        sg_cfg_set_int("contexts/guard-size",
                       0); /* a guarded stack takes two of vm.max_map_count mappings */
    }
    sg_cfg_set_string("network/model", spec->flow_model == PSI_SIM_FLOW_CM02 ? "CM02" : "LV08");
}

/* A Cluster zone: each host has a link up and a link down, and any two hosts are connected through
 * them. The nic model needs no links. SimGrid reads "%.17g" back exactly. */
static void platform_write(FILE *file, const psi_sim_spec *spec) {
    const bool has_links = spec->net == PSI_SIM_NET_FLOW;
    (void)fprintf(
        file,
        "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        "<platform version=\"4.1\">\n<zone id=\"cluster\" routing=\"%s\">\n",
        has_links ? "Cluster" : "None");
    for (size_t i = 0; i < spec->resolved_node_count; i++) {
        (void)fprintf(file, "<host id=\"node-%zu\" speed=\"%.17gf\"/>\n", i,
                      spec->nodes[i].speed * 1e9);
    }
    for (size_t i = 0; has_links && i < spec->resolved_node_count; i++) {
        const psi_sim_node *const node = &spec->nodes[i];
        (void)fprintf(file,
                      "<link id=\"up-%zu\" bandwidth=\"%.17gBps\" latency=\"%.17gs\"/>"
                      "<link id=\"down-%zu\" bandwidth=\"%.17gBps\" latency=\"%.17gs\"/>\n",
                      i, node->up_bytes_per_s, node->latency_s, i, node->down_bytes_per_s,
                      node->latency_s);
    }
    for (size_t i = 0; has_links && i < spec->resolved_node_count; i++) {
        (void)fprintf(file, "<host_link id=\"node-%zu\" up=\"up-%zu\" down=\"down-%zu\"/>\n", i, i,
                      i);
    }
    (void)fprintf(file, "</zone>\n</platform>\n");
}

static ps_err platform_generate(const psi_sim_spec *spec) {
    const int fd = memfd_create("tortoise-platform", MFD_CLOEXEC);
    FILE *const file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        return PS_EIO;
    }
    platform_write(file, spec);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const bool is_written = fflush(file) == 0;
    if (is_written) {
        simgrid_load_platform(path);
    }
    (void)fclose(file);
    return is_written ? PS_OK : PS_EIO;
}

/* Names in the order that people expect: node-2 before node-10. */
static int name_compare(const char *left, const char *right) {
    while (*left != '\0' && *right != '\0') {
        const bool are_digits = isdigit((unsigned char)*left) && isdigit((unsigned char)*right);
        if (are_digits) {
            char *left_end = NULL;
            char *right_end = NULL;
            const unsigned long long left_number = strtoull(left, &left_end, 10);
            const unsigned long long right_number = strtoull(right, &right_end, 10);
            if (left_number != right_number) {
                return left_number < right_number ? -1 : 1;
            }
            left = left_end;
            right = right_end;
        } else if (*left != *right) {
            return (unsigned char)*left < (unsigned char)*right ? -1 : 1;
        } else {
            left++;
            right++;
        }
    }
    return (*left != '\0') - (*right != '\0');
}

static int host_compare(const void *left, const void *right) {
    const sg_host_t *const left_host = left;
    const sg_host_t *const right_host = right;
    const char *const left_name = sg_host_get_name(*left_host);
    const char *const right_name = sg_host_get_name(*right_host);
    const int order = name_compare(left_name, right_name);
    return order != 0 ? order : strcmp(left_name, right_name);
}

/* All hosts of a user's platform by name; the caller frees the array. */
static sg_host_t *hosts_sorted(void) {
    sg_host_t *const hosts = sg_host_list();
    qsort(hosts, sg_host_count(), sizeof(sg_host_t), host_compare);
    return hosts;
}

ps_err psi_platform_load(const psi_sim_spec *spec, sg_host_t *hosts_out) {
    engine_start(spec, false);
    if (!spec->is_platform_xml) {
        PS_TRY(platform_generate(spec));
        for (size_t i = 0; i < spec->resolved_node_count; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "node-%zu", i);
            hosts_out[i] = sg_host_by_name(name);
            PS_ASSERT(hosts_out[i] != NULL);
        }
        return PS_OK;
    }
    simgrid_load_platform(spec->cluster_path);
    sg_host_t *const hosts = hosts_sorted();
    PS_ASSERT(sg_host_count() >= spec->resolved_node_count);
    memcpy(hosts_out, hosts, spec->resolved_node_count * sizeof(sg_host_t));
    free(hosts);
    return PS_OK;
}

/* The link of a host is described by its route to a neighbour: half the latency, all the bandwidth.
 */
void psi_platform_describe(psi_sim_spec *spec, psi_platform_facts *facts_out) {
    engine_start(spec, true);
    simgrid_load_platform(spec->cluster_path);
    sg_host_t *const hosts = hosts_sorted();
    const size_t host_count = sg_host_count();
    const size_t count =
        host_count < spec->resolved_node_count ? host_count : spec->resolved_node_count;
    *facts_out =
        (psi_platform_facts){.host_count = host_count,
                             .first_speed = host_count == 0 ? 0.0 : sg_host_get_speed(hosts[0])};
    for (size_t i = 0; i < count; i++) {
        const sg_host_t other = hosts[i == 0 ? count - 1 : i - 1];
        psi_sim_node *const node = &spec->nodes[i];
        node->speed = sg_host_get_speed(hosts[i]) / facts_out->first_speed;
        if (count > 1) {
            node->latency_s = sg_host_get_route_latency(hosts[i], other) / 2.0;
            node->up_bytes_per_s = sg_host_get_route_bandwidth(hosts[i], other);
            node->down_bytes_per_s = sg_host_get_route_bandwidth(other, hosts[i]);
        }
    }
    free(hosts);
}
