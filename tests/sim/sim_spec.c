/* What people type about clusters: accepted as meant, or refused with a line that helps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

#include "sim/disturbance.h"
#include "sim/sim.h"

static void options_that_are_wrong_are_named(void) {
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"bandwith", "1Gbps", "did you mean '--bandwidth'"},
        {"bandwidth", "1Gbit", "--bandwidth"},
        {"bandwidth", "-1Gbps", "--bandwidth"},
        {"bandwidth", "0bps", "--bandwidth"},
        {"latency", "50", "--latency"},
        {"latency", "nan", "--latency"},
        {"net", "nics", "did you mean 'nic'"},
        {"flow-model", "LV80", "did you mean 'LV08'"},
        {"jobs", "0", "1..1024"},
        {"jobs", "two", "--jobs"},
        {"server-cost", "frame=1us,rows=2ns", "did you mean 'row'"},
        {"server-cost", "", "--server-cost"},
        {"straggler", "", "unknown kind"},
        {"straggler", "slow", "slow:node=0,factor=2x"},
        {"straggler", "slow:", "slow:node=0,factor=2x"},
        {"straggler", "lognormall:sigma=1", "did you mean 'lognormal'"},
        {"straggler", "slow:node=0", "'factor' is missing"},
        {"straggler", "slow:factor=2x", "'node' is missing"},
        {"straggler", "slow:node=0,factor=2x,", "comma"},
        {"straggler", "slow:node=0,factor=2x,node=1", "twice"},
        {"straggler", "slow:node=0,factor=0x", "factor"},
        {"straggler", "slow:node=-1,factor=2x", "node"},
        {"straggler", "slow:node=99999999,factor=2x", "beyond the largest"},
        {"straggler", "slow:node=0;factor=2x", "node"},
        {"straggler", "slow:nodes=0,factor=2x", "did you mean 'node'"},
        {"straggler", "slow:=0,factor=2x", "key=value"},
        {"straggler", "lognormal:sigma=abc", "sigma"},
        {"straggler", "lognormal:sigma=99", "at most 10"},
        {"straggler", "exponential:mean=0", "above 0"},
        {"straggler", "pareto:alpha=0.01", "at least 0.1"},
        {"straggler", "rotate:factor=4x,period=10", "period"},
        {"straggler", "rotate:factor=4x,period=0s", "at least 1us"},
        {"straggler", "pause:node=3,at=5s", "'for' is missing"},
        {"straggler", "trace:/no/such/file", "/no/such/file: No such file"},
        {"fail", "node=3", "'at' is missing"},
        {"fail", "at=3s", "'node' is missing"},
        {"fail", "node=3,at=5s,until=4s", "returns before it fails"},
        {"fail", "nod=3,at=5s", "did you mean 'node'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_sim_spec *spec = NULL;
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
        CU_ASSERT_NOT_EQUAL(psi_sim_spec_set(spec, cases[i].name, cases[i].value, &fault), PS_OK);
        CU_ASSERT_EQUAL(ps_err_exit_code(fault.err), 2);
        if (strstr(fault.text, cases[i].says) == NULL) {
            printf("--%s '%s': '%s' does not say '%s'\n", cases[i].name, cases[i].value, fault.text,
                   cases[i].says);
            CU_FAIL("the message does not help");
        }
        CU_ASSERT_EQUAL(spec->options_set, 0);
        CU_ASSERT_EQUAL(spec->straggler_count + spec->failure_count, 0);
        psi_sim_spec_destroy(spec);
    }
}

/* What psi_sim_spec_value() writes into a manifest sets the same spec again. */
static void values_survive_the_way_back(void) {
    static const char *const settings[][2] = {{"net", "flow"},
                                              {"flow-model", "CM02"},
                                              {"bandwidth", "2.5Gbps"},
                                              {"latency", "130us"},
                                              {"jitter", "7us"},
                                              {"loopback-bandwidth", "3GB/s"},
                                              {"loopback-latency", "1us"},
                                              {"speed", "0.75x"},
                                              {"server-cost", "frame=3us,byte=0.5ns,row=70ns"},
                                              {"unit-cost", "12ns"},
                                              {"work-scale", "400x"},
                                              {"straggler", "pause:node=3,at=5s,for=2s"},
                                              {"fail", "link=3,at=5s,until=7s"},
                                              {"jobs", "3"}};
    psi_sim_spec *first = NULL;
    psi_sim_spec *second = NULL;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&first), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&second), PS_OK);
    CU_ASSERT_EQUAL(sizeof settings / sizeof settings[0], psi_sim_option_count);
    for (size_t i = 0; i < psi_sim_option_count; i++) {
        char text[256];
        char again[256];
        CU_ASSERT_STRING_EQUAL_FATAL(settings[i][0], psi_sim_options[i].name);
        CU_ASSERT_EQUAL(psi_sim_spec_set(first, settings[i][0], settings[i][1], &fault), PS_OK);
        CU_ASSERT_TRUE(psi_sim_spec_value(first, i, text, sizeof text) > 0);
        CU_ASSERT_EQUAL(psi_sim_spec_set(second, settings[i][0], text, &fault), PS_OK);
        (void)psi_sim_spec_value(second, i, again, sizeof again);
        CU_ASSERT_STRING_EQUAL(text, again);
    }
    CU_ASSERT_EQUAL(second->bandwidth_bytes_per_s, 2.5e9 / 8.0);
    CU_ASSERT_EQUAL(second->latency_s, 130e-6);
    CU_ASSERT_DOUBLE_EQUAL(second->server.per_byte_s, 0.5e-9, 1e-20);
    CU_ASSERT_EQUAL(second->stragglers[0].node, 3);
    CU_ASSERT_TRUE(second->failures[0].is_link);
    CU_ASSERT_EQUAL(second->failures[0].until_s, 7.0);
    psi_sim_spec_destroy(first);
    psi_sim_spec_destroy(second);
}

/* Defaults in the table of options are the defaults of the spec. */
static void documented_defaults_are_true(void) {
    for (size_t i = 0; i < psi_sim_option_count; i++) {
        psi_sim_spec *first = NULL;
        psi_sim_spec *second = NULL;
        ps_fault fault = {.err = PS_OK};
        char before[256];
        char after[256];
        if (psi_sim_options[i].default_value[0] == '\0') {
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&first), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&second), PS_OK);
        CU_ASSERT_EQUAL(psi_sim_spec_set(second, psi_sim_options[i].name,
                                         psi_sim_options[i].default_value, &fault),
                        PS_OK);
        (void)psi_sim_spec_value(first, i, before, sizeof before);
        (void)psi_sim_spec_value(second, i, after, sizeof after);
        CU_ASSERT_STRING_EQUAL(before, after);
        psi_sim_spec_destroy(first);
        psi_sim_spec_destroy(second);
    }
}

static ps_err file_load(const char *content, psi_sim_spec **spec_out, ps_fault *fault) {
    char path[512];
    suite_scratch_path("cluster.cfg", path, sizeof path);
    FILE *const file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(content, file);
    (void)fclose(file);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(spec_out), PS_OK);
    return psi_sim_spec_read_file(*spec_out, path, fault);
}

static void a_cluster_file_says_it_all(void) {
    psi_sim_spec *spec = NULL;
    ps_fault fault = {.err = PS_OK};
    const ps_err err =
        file_load("nodes = 8; net = \"nic\"; bandwidth = \"10Gbps\"; latency = \"20us\";\n"
                  "server-cost = \"frame=1us\"; speed = 2;\n"
                  "stragglers = (\"lognormal:sigma=0.5\", \"slow:node=7,factor=3x\");\n"
                  "failures = \"node=2,at=9s\";\n"
                  "hosts = ( { nodes = [0, 2]; speed = 0.5; up = \"100Mbps\"; },\n"
                  "          { nodes = 2; bandwidth = \"1Gbps\"; latency = \"1ms\"; } );\n",
                  &spec, &fault);
    const psi_plan plan = {.node_count = 6};
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    ps_fault too_far = {.err = PS_OK};
    CU_ASSERT_EQUAL(psi_sim_spec_resolve(spec, &plan, &too_far),
                    PS_EINVAL); /* node 7 is not in the run */
    CU_ASSERT_PTR_NOT_NULL(strstr(too_far.text, "slow:node=7,factor=3x"));
    psi_sim_spec_destroy(spec);
    CU_ASSERT_EQUAL_FATAL(
        file_load("nodes = 8; bandwidth = \"10Gbps\"; latency = \"20us\"; speed = 2;\n"
                  "hosts = ( { nodes = [0, 2]; speed = 0.5; up = \"100Mbps\"; },\n"
                  "          { nodes = 2; bandwidth = \"1Gbps\"; latency = \"1ms\"; } );\n",
                  &spec, &fault),
        PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_set(spec, "latency", "40us", &fault), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    const psi_sim_node *const nodes = spec->nodes;
    CU_ASSERT_EQUAL(nodes[0].speed, 0.5);
    CU_ASSERT_EQUAL(nodes[0].up_bytes_per_s, 100e6 / 8.0);
    CU_ASSERT_EQUAL(nodes[0].down_bytes_per_s, 10e9 / 8.0);
    CU_ASSERT_DOUBLE_EQUAL(nodes[0].latency_s, 20e-6,
                           1e-18); /* half of the option, which beats the file */
    CU_ASSERT_EQUAL(nodes[2].up_bytes_per_s, 1e9 / 8.0);
    CU_ASSERT_DOUBLE_EQUAL(nodes[2].latency_s, 500e-6, 1e-17);
    CU_ASSERT_EQUAL(nodes[5].speed, 2.0);
    CU_ASSERT_EQUAL(spec->net, PSI_SIM_NET_FLOW); /* by size */
    psi_sim_spec_destroy(spec);
}

static void bad_cluster_files_are_refused_by_line(void) {
    static const struct {
        const char *content, *says;
    } cases[] = {
        {"", "cluster.cfg: the file is empty"},
        {"nodes = 8;\nbandwith = \"1Gbps\";\n",
         "cluster.cfg:2: unknown key 'bandwith', did you mean 'bandwidth'"},
        {"nodes = 8;\nnet = \"nik\";\n",
         "cluster.cfg:2: net: unknown word 'nik', did you mean 'nic'"},
        {"nodes = 8\nlatency = ;\n", "cluster.cfg:2: syntax error"},
        {"nodes = -8;\n", "cluster.cfg:1: nodes"},
        {"nodes = 8000000;\n", "cluster.cfg:1: nodes: 8000000 is beyond the largest"},
        {"nodes = { a = 1; };\n", "cluster.cfg:1: nodes: expected a whole number"},
        {"latency = \"50\";\n", "cluster.cfg:1: latency"},
        {"latency = (1, 2);\n", "cluster.cfg:1: latency: expected a number or a text"},
        {"stragglers = (\"slow:node=0\");\n", "cluster.cfg:1"},
        {"\n\nstragglers = (\"slow:node=0,factor=2x\",\n \"slw:node=0\");\n",
         "cluster.cfg:4: unknown kind 'slw'"},
        {"failures = (\"node=1\");\n", "'at' is missing"},
        {"hosts = ( { speed = 2; } );\n", "cluster.cfg:1: 'nodes' is missing"},
        {"hosts = ( { nodes = [3, 1]; } );\n",
         "cluster.cfg:1: nodes: the first node, 3, is behind the last, 1"},
        {"hosts = ( { nodes = [1, 2, 3]; } );\n", "expected a node or [first, last]"},
        {"hosts = ( { nodes = 1;\n sped = 2; } );\n",
         "cluster.cfg:2: unknown key 'sped', did you mean 'speed'"},
        {"hosts = ( 3 );\n", "expected a group"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_sim_spec *spec = NULL;
        ps_fault fault = {.err = PS_OK};
        const ps_err err = file_load(cases[i].content, &spec, &fault);
        CU_ASSERT_EQUAL(ps_err_exit_code(err), 2);
        if (strstr(fault.text, cases[i].says) == NULL) {
            printf("%s\n-> '%s' does not say '%s'\n", cases[i].content, fault.text, cases[i].says);
            CU_FAIL("the message does not help");
        }
        psi_sim_spec_destroy(spec);
    }
}

static void a_cluster_that_is_not_there_or_no_text(void) {
    psi_sim_spec *spec = NULL;
    ps_fault fault = {.err = PS_OK};
    char path[512];
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_read_file(spec, "/no/such/cluster.cfg", &fault), PS_EIO);
    CU_ASSERT_STRING_EQUAL(fault.text, "/no/such/cluster.cfg: No such file or directory");
    suite_scratch_path("binary", path, sizeof path);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fwrite("\x7f"
                 "ELF\0\0\1",
                 1, 7, file);
    (void)fclose(file);
    fault = (ps_fault){.err = PS_OK};
    CU_ASSERT_EQUAL(psi_sim_spec_read_file(spec, path, &fault), PS_EFORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "no text"));
    psi_sim_spec_destroy(spec);
}

static void bad_traces_are_refused_by_line(void) {
    static const struct {
        const char *content, *says;
    } cases[] = {
        {"", "no line 'time_s node factor'"},
        {"# only words\n", "no line 'time_s node factor'"},
        {"0 0 2x\n1 0\n", ":2: expected 'time_s node factor'"},
        {"0 0 2x 7\n", ":1: expected 'time_s node factor'"},
        {"0 0 0x\n", ":1: factor"},
        {"-1 0 2x\n", ":1: time_s"},
        {"0 -1 2x\n", ":1: node"},
        {"0 5000000 2x\n", ":1: node 5000000 is beyond"},
        {"1 3 2x\n0 3 2x\n1 3 4x\n", "two factors of node 3 at 1 s"},
        {"inf 0 2x\n", ":1: time_s"},
    };
    char path[512];
    suite_scratch_path("bad.trace", path, sizeof path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *const file = fopen(path, "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        (void)fputs(cases[i].content, file);
        (void)fclose(file);
        psi_slowdown *steps = NULL;
        size_t count = 0;
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL(psi_slowdowns_read(path, &steps, &count, &fault), PS_EFORMAT);
        CU_ASSERT_PTR_NULL(steps);
        if (strstr(fault.text, cases[i].says) == NULL) {
            printf("%s\n-> '%s' does not say '%s'\n", cases[i].content, fault.text, cases[i].says);
            CU_FAIL("the message does not help");
        }
    }
}

static void the_network_model_follows_the_size(void) {
    static const struct {
        uint32_t node_count;
        const char *name, *value;
        psi_sim_net net;
        ps_err err;
    } cases[] = {
        {64, NULL, NULL, PSI_SIM_NET_FLOW, PS_OK},
        {65, NULL, NULL, PSI_SIM_NET_NIC, PS_OK},
        {4, "jitter", "1us", PSI_SIM_NET_NIC, PS_OK},
        {4, "bandwidth", "unlimited", PSI_SIM_NET_NIC, PS_OK},
        {65, "net", "flow", PSI_SIM_NET_FLOW, PS_OK},
        {4, "net", "nic", PSI_SIM_NET_NIC, PS_OK},
        {5000, "net", "flow", PSI_SIM_NET_FLOW, PS_EINVAL},
        {0, NULL, NULL, PSI_SIM_NET_FLOW, PS_EINVAL},
        {1, "fail", "node=1,at=2s", PSI_SIM_NET_FLOW, PS_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const psi_plan plan = {.node_count = cases[i].node_count};
        psi_sim_spec *spec = NULL;
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
        if (cases[i].name != NULL) {
            CU_ASSERT_EQUAL(psi_sim_spec_set(spec, cases[i].name, cases[i].value, &fault), PS_OK);
        }
        CU_ASSERT_EQUAL(psi_sim_spec_resolve(spec, &plan, &fault), cases[i].err);
        if (cases[i].err == PS_OK) {
            CU_ASSERT_EQUAL(spec->net, cases[i].net);
        }
        psi_sim_spec_destroy(spec);
    }
}

static double no_units(const void *problem) {
    (void)problem;
    return 1e6;
}

/* LV08 multiplies latency by 13.01, which surprises everybody: it is said. So is the cap of the TCP
 * window. */
static void descriptions_say_what_surprises(void) {
    static const ps_algo algo = {
        .name = "none", .unit = "rating", .unit_cost_s = 2e-9, .units_per_clock = no_units};
    psi_plan plan = {
        .algo = &algo, .node_count = 4, .worker_count = 8, .shard_count = 4, .clock_count = 10};
    psi_sim_spec *spec = NULL;
    ps_fault fault = {.err = PS_OK};
    char text[4096];
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse("bsp", &plan.policy, &fault), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_set(spec, "latency", "10ms", &fault), PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_set(spec, "straggler", "rotate:factor=4x,period=10s", &fault),
                    PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_set(spec, "fail", "node=1,at=2s", &fault), PS_OK);
    CU_ASSERT_EQUAL(psi_sim_spec_set(spec, "work-scale", "400x", &fault), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    const int length = psi_sim_describe(spec, &plan, text, sizeof text);
    CU_ASSERT_EQUAL((size_t)length, strlen(text));
    static const char *const said[] = {"4 nodes",
                                       "8 workers",
                                       "LV08",
                                       "13.01",
                                       "130.1ms",
                                       "warning: SimGrid's TCP window of 4 MiB",
                                       "rating",
                                       "node=1,at=2s",
                                       "rotate:factor=4x,period=10s",
                                       "expected: about",
                                       "2ns per rating, each of which stands for 400"};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (strstr(text, said[i]) == NULL) {
            printf("%s-> does not say '%s'\n", text, said[i]);
            CU_FAIL("the description does not say it");
        }
    }
    char cut[20];
    CU_ASSERT_EQUAL(psi_sim_describe(spec, &plan, cut, sizeof cut), length);
    CU_ASSERT_EQUAL(strlen(cut), sizeof cut - 1);
    psi_sim_spec_destroy(spec);
}

static const suite_test tests[] = {
    SUITE_TEST(options_that_are_wrong_are_named),
    SUITE_TEST(values_survive_the_way_back),
    SUITE_TEST(documented_defaults_are_true),
    SUITE_TEST(a_cluster_file_says_it_all),
    SUITE_TEST(bad_cluster_files_are_refused_by_line),
    SUITE_TEST(a_cluster_that_is_not_there_or_no_text),
    SUITE_TEST(bad_traces_are_refused_by_line),
    SUITE_TEST(the_network_model_follows_the_size),
    SUITE_TEST(descriptions_say_what_surprises),
};
SUITE_MAIN("sim_spec", tests)
