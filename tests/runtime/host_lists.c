/* Lists of hosts and host files: a list that is read wrongly starts ranks on the wrong machines, or
 * none at all, so each form is read exactly or refused with its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hostfile.h"
#include "runtime/hostlist.h"

#include "support/suite.h"

/* "a:1 b:2 " */
static void write_out(const psi_hosts *hosts, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < hosts->count && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s:%u", i > 0 ? " " : "",
                                 hosts->items[i].name, hosts->items[i].slots);
    }
}

static void expect_list(const char *text, const char *expected) {
    psi_hosts hosts = {0};
    ps_fault fault = {0};
    char got[1024];
    CU_ASSERT_EQUAL(psi_hostlist_parse(text, strlen(text), "--hosts", &hosts, &fault), PS_OK);
    write_out(&hosts, got, sizeof got);
    CU_ASSERT_STRING_EQUAL(got, expected);
    if (strcmp(got, expected) != 0) {
        printf("  %s: '%s', not '%s' (%s)\n", text, got, expected, fault.text);
    }
    psi_hosts_fini(&hosts);
}

static void expect_refusal(const char *text, const char *word) {
    psi_hosts hosts = {0};
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_hostlist_parse(text, strlen(text), "--hosts", &hosts, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, word));
    CU_ASSERT_EQUAL(strncmp(fault.text, "--hosts: ", 9), 0);
    if (strstr(fault.text, word) == NULL) {
        printf("  %s: '%s' is not in '%s'\n", text, word, fault.text);
    }
    psi_hosts_fini(&hosts);
}

static void lists_are_expanded(void) {
    expect_list("a", "a:1");
    expect_list("a,b:2,a", "a:1 b:2 a:1");
    expect_list("n[01-04,7]", "n01:1 n02:1 n03:1 n04:1 n7:1");
    expect_list("n[08-11]x", "n08x:1 n09x:1 n10x:1 n11x:1");
    expect_list("n[1-2],gpu[1-2]x[3-4]:3", "n1:1 n2:1 gpu1x3:3 gpu1x4:3 gpu2x3:3 gpu2x4:3");
    expect_list("rack[0-1]-n[007]", "rack0-n007:1 rack1-n007:1");
    expect_list("10.0.0.1,[fe80::1]:2,[::1],h-1.example.org", "10.0.0.1:1 fe80::1:2 ::1:1 "
                                                              "h-1.example.org:1");
    expect_list("[1-2]n", "1n:1 2n:1");
}

static void what_is_no_list_is_refused(void) {
    static const char *const cases[][2] = {
        {"", "a host's name is missing"},
        {"a,", "at character 3: a host's name is missing"},
        {"a,,b", "at character 3"},
        {"a b", "cannot stand in a host list"},
        {"n[1-", "a number is missing"},
        {"n[1", "ends with ']'"},
        {"n[]", "a number is missing"},
        {"n[4-2]", "a range that ends before it begins"},
        {"n[1-x]", "a number is missing"},
        {"n[[1-2]]", "a number is missing"},
        {"n[1-999999999]", "more than 4096 hosts"},
        {"n[1-9999999999]", "more than nine digits"},
        {"n[1-64]x[1-64]y[1-2]", "more than 4096 hosts"},
        {"a[1]b[1]c[1]d[1]e[1]f[1]g[1]h[1]i[1]", "too many brackets"},
        {"-oProxyCommand=x", "cannot begin with '-'"},
        {"[-o:x]", "no IPv6 address"},
        {"fe80::1", "IPv6 goes in brackets"},
        {"a:0", "1 to 4096 slots"},
        {"a:4097", "1 to 4096 slots"},
        {"a;reboot", "cannot stand in a host list"},
        {"$(x)", "a host's name is missing"},
        {"h\xc3\xa4user", "cannot stand in a host list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refusal(cases[i][0], cases[i][1]);
    }
    char name[300];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    expect_refusal(name, "more than 253 characters");
}

static void tasks_become_slots(void) {
    psi_hosts hosts = {0};
    ps_fault fault = {0};
    char got[256];
    CU_ASSERT_EQUAL_FATAL(psi_hostlist_parse("n[1-4]", 6, "hosts", &hosts, NULL), PS_OK);
    CU_ASSERT_EQUAL(psi_hostlist_parse_tasks("2(x3),1", 7, "tasks", &hosts, NULL), PS_OK);
    write_out(&hosts, got, sizeof got);
    CU_ASSERT_STRING_EQUAL(got, "n1:2 n2:2 n3:2 n4:1");
    CU_ASSERT_EQUAL(psi_hosts_slots(&hosts), 7);
    CU_ASSERT_STRING_EQUAL(psi_hosts_name_of(&hosts, 5), "n3");
    CU_ASSERT_STRING_EQUAL(psi_hosts_name_of(&hosts, 6), "n4");
    CU_ASSERT_PTR_NULL(psi_hosts_name_of(&hosts, 7));
    static const char *const wrong[] = {
        "2(x3)", "2(x5)", "2(x3),1,1", "2(3),1",     "(x4)",  "2(x3),0",         "",
        "2(x4",  "2,",    "a",         "1(x999999)", "1(x0)", "9999999999,1,1,1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fault = (ps_fault){0};
        CU_ASSERT_EQUAL(
            psi_hostlist_parse_tasks(wrong[i], strlen(wrong[i]), "tasks", &hosts, &fault),
            PS_EINVAL);
        CU_ASSERT_NOT_EQUAL(fault.text[0], '\0');
    }
    psi_hosts_fini(&hosts);
}

static void files_are_read_line_by_line(void) {
    static const char content[] = "# the cluster\r\n\r\nn01 slots=4\r\nn02:4  # not :5\n\t n[03-04]"
                                  "\tslots=2 max_slots=8\n[fe80::1] slots=3\n\nlast";
    psi_hosts hosts = {0};
    ps_fault fault = {0};
    char got[256];
    CU_ASSERT_EQUAL(psi_hostfile_parse(content, sizeof content - 1, "f", &hosts, &fault), PS_OK);
    write_out(&hosts, got, sizeof got);
    CU_ASSERT_STRING_EQUAL(got, "n01:4 n02:4 n03:2 n04:2 fe80::1:3 last:1");
    psi_hosts_fini(&hosts);
}

static void what_is_no_host_file_is_refused(void) {
    static const char *const cases[][2] = {
        {"", "f: names no host"},
        {"# nothing\n\n", "f: names no host"},
        {"a\nb cores=4\n", "f:2: 'cores=4' is not known"},
        {"a slots=\n", "f:1: 'slots=' is not known"},
        {"a slots=0\n", "f:1: a host has 1 to 4096 slots"},
        {"a\nb slots=4x\n", "f:2: a host has 1 to 4096 slots"},
        {"a slots=99999\n", "f:1: a host has 1 to 4096 slots"},
        {"a\n\nn[1-\n", "f:3: at character 5"},
        {"a slots 4\n", "f:1: 'slots' is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_hosts hosts = {0};
        ps_fault fault = {0};
        CU_ASSERT_EQUAL(psi_hostfile_parse(cases[i][0], strlen(cases[i][0]), "f", &hosts, &fault),
                        PS_EFORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, cases[i][1]));
        if (strstr(fault.text, cases[i][1]) == NULL) {
            printf("  '%s' is not in '%s'\n", cases[i][1], fault.text);
        }
        psi_hosts_fini(&hosts);
    }
    psi_hosts hosts = {0};
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_hostfile_read("no/such/file", &hosts, &fault), PS_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "no/such/file: the host file cannot be read"));
}

static const suite_test tests[] = {
    SUITE_TEST(lists_are_expanded),
    SUITE_TEST(what_is_no_list_is_refused),
    SUITE_TEST(tasks_become_slots),
    SUITE_TEST(files_are_read_line_by_line),
    SUITE_TEST(what_is_no_host_file_is_refused),
};
SUITE_MAIN("host_lists", tests)
