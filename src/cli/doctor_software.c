/* The part of the doctor that looks at this program and at what it uses. */
#include <stdio.h>
#include <string.h>

#include "features.h"
#include "finding.h"
#include "gnuplot.h"
#include "place.h"
#include "sim/sim.h"
#include "version.h"

/* What is known of versions of SimGrid, as major * 100 + minor; the first row that fits counts. */
static const struct {
    int first, last;
    tt_verdict verdict;
    const char *what;
} simgrid_versions[] = {
    {0, 331, TT_BAD, "its C interface lacks what the simulator needs; install 3.32 or later"},
    {332, 401, TT_GOOD, ""},
    {402, 99999, TT_WARNING,
     "this version was not tried with tortoise; compare a run with one of 3.32 to 4.1"},
};

static void examine_simulator(tt_findings *all) {
    char text[512];
    ps_fault fault = {0};
    int major = 0;
    int minor = 0;
    if (psi_sim_available(text, sizeof text, &fault) != PS_OK) {
        tt_finding_judge(tt_finding_add(all, "simulator", "%.200s", fault.text), TT_WARNING,
                         "'sim' does not work without it; everything else does");
        return;
    }
    tt_finding *const finding = tt_finding_add(all, "simulator", "%.250s", text);
    if (strstr(text, "built with another") != NULL) {
        tt_finding_judge(finding, TT_WARNING, "build tortoise again with the SimGrid that is here");
    }
    if (sscanf(text, "SimGrid %d.%d", &major, &minor) != 2) {
        return;
    }
    const int version = 100 * major + minor;
    for (size_t i = 0; i < sizeof simgrid_versions / sizeof simgrid_versions[0]; i++) {
        if (version >= simgrid_versions[i].first && version <= simgrid_versions[i].last) {
            if (simgrid_versions[i].verdict != TT_GOOD) {
                tt_finding_judge(finding, simgrid_versions[i].verdict, "%s",
                                 simgrid_versions[i].what);
            }
            return;
        }
    }
}

static void examine_gnuplot(tt_findings *all) {
    char text[TT_PATH_MAX];
    if (!tt_gnuplot_version(text, sizeof text)) {
        tt_finding_judge(tt_finding_add(all, "gnuplot", "not found"), TT_WARNING,
                         "reports have no pictures until gnuplot-nox is installed");
        return;
    }
    (void)tt_finding_add(all, "gnuplot", "%.200s", text);
    tt_finding *const plots = tt_finding_add(all, "plot scripts", "there");
    if (!tt_place_find("plots", text)) {
        (void)snprintf(plots->text, sizeof plots->text, "not found beside the program");
        tt_finding_judge(plots, TT_WARNING, "reports have no pictures: set TORTOISE_PLOTS");
    }
}

void tt_doctor_software(tt_findings *all) {
    (void)tt_finding_add(all, "tortoise", TT_VERSION " (" TT_GIT "), %s, %s", tt_feature_compiler(),
                         tt_feature_build());
    examine_simulator(all);
    examine_gnuplot(all);
}
