/* Lists of hosts, host files, and Slurm's tasks per node: whatever a launcher or a person wrote.
 * A name that is accepted is safe on a command line, and fits. */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "runtime/hostfile.h"
#include "runtime/hostlist.h"

static void check_hosts(const psi_hosts *hosts) {
    uint64_t slots = 0;
    FUZZ_CHECK(hosts->count <= PSI_HOSTS_MAX && hosts->count <= hosts->capacity);
    for (size_t i = 0; i < hosts->count; i++) {
        const psi_host *const host = &hosts->items[i];
        const size_t length = strnlen(host->name, sizeof host->name);
        FUZZ_CHECK(length > 0 && length < sizeof host->name);
        FUZZ_CHECK(host->name[0] != '-'); /* it would be taken for an option */
        for (size_t c = 0; c < length; c++) {
            FUZZ_CHECK(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-._:%",
                              host->name[c]) != NULL);
        }
        FUZZ_CHECK(host->slots >= 1 && host->slots <= PSI_HOST_SLOTS_MAX);
        slots += host->slots;
    }
    FUZZ_CHECK(psi_hosts_slots(hosts) == slots);
    FUZZ_CHECK(psi_hosts_name_of(hosts, (uint32_t)slots) == NULL);
    if (hosts->count > 0) {
        const psi_host *const last = &hosts->items[hosts->count - 1];
        FUZZ_CHECK(psi_hosts_name_of(hosts, 0) == hosts->items[0].name);
        FUZZ_CHECK(psi_hosts_name_of(hosts, (uint32_t)slots - 1) == last->name);
    }
}

/* The bytes in memory of exactly their size. */
static char *exact_copy(const fuzz_input *input) {
    char *const bytes = malloc(input->left == 0 ? 1 : input->left);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, input->at, input->left);
    return bytes;
}

static void judge_list(const fuzz_input *input, psi_hosts *hosts) {
    char *const text = exact_copy(input);
    ps_fault fault = {0};
    const ps_err err = psi_hostlist_parse(text, input->left, "--hosts", hosts, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err != PS_OK || hosts->count > 0);
    free(text);
}

static void judge_file(const fuzz_input *input, psi_hosts *hosts) {
    char *const text = exact_copy(input);
    ps_fault fault = {0};
    const ps_err err = psi_hostfile_parse(text, input->left, "hosts.txt", hosts, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err != PS_OK || hosts->count > 0);
    psi_hosts again = {0};
    ps_fault same = {0};
    FUZZ_CHECK(psi_hostfile_read(fuzz_file(input), &again, &same) == err);
    FUZZ_CHECK(again.count == hosts->count);
    psi_hosts_fini(&again);
    free(text);
}

static void judge_tasks(const fuzz_input *input, uint8_t how, psi_hosts *hosts) {
    static const char *const lists[] = {"n[1-3]", "n1", "a,b,c,d,n[1-40]", "n[1-4096]"};
    const char *const list = lists[how & 3];
    FUZZ_CHECK(psi_hostlist_parse(list, strlen(list), "list", hosts, NULL) == PS_OK);
    const size_t count = hosts->count;
    char *const text = exact_copy(input);
    ps_fault fault = {0};
    const ps_err err = psi_hostlist_parse_tasks(text, input->left, "tasks", hosts, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(hosts->count == count);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    psi_hosts hosts = {0};
    const uint8_t how = fuzz_u8(&input);
    switch (how % 3) {
    case 0:
        judge_list(&input, &hosts);
        break;
    case 1:
        judge_file(&input, &hosts);
        break;
    default:
        judge_tasks(&input, how / 3, &hosts);
        break;
    }
    check_hosts(&hosts);
    psi_hosts_fini(&hosts);
    return 0;
}
