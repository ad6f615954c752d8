/* Platforms in SimGrid's XML: used as they are, and a bad one is one clear line, though SimGrid
 * itself aborts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"
#include "toy.h"

enum { WORKERS = 3, CLOCKS = 4 };

#define HEAD                                            \
    "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM " \
    "\"https://simgrid.org/simgrid.dtd\">\n<platform version=\"4.1\">\n"

static double seconds[CLOCKS * WORKERS];

static void run_platform(const char *content, const char *net, toy_outcome *outcome) {
    char path[512];
    suite_scratch_path("platform.xml", path, sizeof path);
    FILE *const file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(content, file);
    (void)fclose(file);
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        seconds[i] = 0.5;
    }
    const char *const options[] = {"cluster", path, "net", net, NULL};
    const toy_run run = {.problem = {.row_count = 5,
                                     .column_count = 4,
                                     .worker_count = WORKERS,
                                     .clock_count = CLOCKS,
                                     .seconds = seconds},
                         .node_count = WORKERS,
                         .shard_count = 1,
                         .eval_every_clocks = 1,
                         .seed = 1,
                         .policy = "async",
                         .options = options};
    CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, outcome));
}

static void hosts_are_used_by_name_and_speed(void) {
    static const char platform[] =
        HEAD "<zone id=\"z\" routing=\"Full\">\n"
             "<host id=\"host-10\" speed=\"4Gf\"/><host id=\"host-2\" speed=\"2Gf\"/>"
             "<host id=\"host-1\" speed=\"1Gf\"/><host id=\"host-30\" speed=\"8Gf\"/>\n"
             "<link id=\"l\" bandwidth=\"125MBps\" latency=\"50us\" sharing_policy=\"FATPIPE\"/>\n"
             "<route src=\"host-1\" dst=\"host-2\"><link_ctn id=\"l\"/></route>\n"
             "<route src=\"host-1\" dst=\"host-10\"><link_ctn id=\"l\"/></route>\n"
             "<route src=\"host-1\" dst=\"host-30\"><link_ctn id=\"l\"/></route>\n"
             "<route src=\"host-2\" dst=\"host-10\"><link_ctn id=\"l\"/></route>\n"
             "<route src=\"host-2\" dst=\"host-30\"><link_ctn id=\"l\"/></route>\n"
             "<route src=\"host-10\" dst=\"host-30\"><link_ctn id=\"l\"/></route>\n"
             "</zone></platform>\n";
    static const char *const nets[] = {"nic", "flow"};
    for (size_t i = 0; i < 2; i++) {
        static toy_outcome outcome;
        run_platform(platform, nets[i], &outcome);
        CU_ASSERT_EQUAL(outcome.err, PS_OK);
        CU_ASSERT_DOUBLE_EQUAL(outcome.compute_s[0], 0.5, 1e-9);   /* host-1: the reference */
        CU_ASSERT_DOUBLE_EQUAL(outcome.compute_s[1], 0.25, 1e-9);  /* host-2 */
        CU_ASSERT_DOUBLE_EQUAL(outcome.compute_s[2], 0.125, 1e-9); /* host-10 */
    }
}

static void a_cluster_tag_is_a_platform_too(void) {
    static toy_outcome outcome;
    run_platform(HEAD "<cluster id=\"c\" prefix=\"n\" suffix=\".lab\" radical=\"0-15\" "
                      "speed=\"1Gf\" bw=\"125MBps\" "
                      "lat=\"50us\"/></platform>\n",
                 "flow", &outcome);
    CU_ASSERT_EQUAL(outcome.err, PS_OK);
    CU_ASSERT_TRUE(outcome.time_s > 2.0);
}

static void bad_platforms_are_refused_in_one_line(void) {
    static const struct {
        const char *content, *says;
    } cases[] = {
        {"<?xml version='1.0'?>\n<platfrom>\n", "platform.xml:2: Invalid XML"},
        {HEAD "<zone id=\"z\" routing=\"Full\">\n<host id=\"a\" speed=\"1Gf\">\n",
         "platform.xml:6: Invalid XML"},
        {HEAD "<zone id=\"z\" routing=\"Full\">\n<host id=\"a\" sped=\"1Gf\"/></zone></platform>\n",
         "platform.xml:5: Invalid XML"},
        {HEAD
         "<zone id=\"z\" routing=\"Full\">\n<host id=\"a\" speed=\"fast\"/></zone></platform>\n",
         "platform.xml:5: cannot parse number:fast"},
        {HEAD
         "<zone id=\"z\" routing=\"None\">\n<host id=\"a\" speed=\"1Gf\"/></zone></platform>\n",
         "the run has 3 nodes"},
        {HEAD "<zone id=\"z\" routing=\"Full\">\n<host id=\"a\" speed=\"1Gf\"/><host id=\"b\" "
              "speed=\"1Gf\"/>"
              "<host id=\"c\" speed=\"1Gf\"/></zone></platform>\n",
         "platform.xml: SimGrid cannot use this platform; are there routes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static toy_outcome outcome;
        run_platform(cases[i].content, "flow", &outcome);
        CU_ASSERT_EQUAL(ps_err_exit_code(outcome.err), 2);
        CU_ASSERT_PTR_NULL(strchr(outcome.fault, '\n'));
        if (strstr(outcome.fault, cases[i].says) == NULL) {
            printf("\n    '%s' does not say '%s'\n", outcome.fault, cases[i].says);
            CU_FAIL("the message does not help");
        }
    }
}

static void the_plug_in_says_its_version(void) {
    char text[600];
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(psi_sim_available(text, sizeof text, &fault), PS_OK);
    CU_ASSERT_EQUAL(strncmp(text, "SimGrid ", 8), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "tortoise_sim.so"));
}

static void without_a_plug_in_it_says_what_to_install(void) {
    char text[600];
    char path[512];
    ps_fault fault = {.err = PS_OK};
    suite_scratch_path("no_plugin.so", path, sizeof path);
    FILE *const file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs("not a module\n", file);
    (void)fclose(file);
    CU_ASSERT_EQUAL(setenv("TORTOISE_SIM_PLUGIN", path, 1), 0);
    CU_ASSERT_EQUAL(psi_sim_available(text, sizeof text, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "simulation does not work here"));
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "no_plugin.so"));
    CU_ASSERT_EQUAL(unsetenv("TORTOISE_SIM_PLUGIN"), 0);
}

static const suite_test tests[] = {
    SUITE_TEST(hosts_are_used_by_name_and_speed),
    SUITE_TEST(a_cluster_tag_is_a_platform_too),
    SUITE_TEST(bad_platforms_are_refused_in_one_line),
    SUITE_TEST(the_plug_in_says_its_version),
    SUITE_TEST(without_a_plug_in_it_says_what_to_install),
};
SUITE_MAIN("sim_platform", tests)
