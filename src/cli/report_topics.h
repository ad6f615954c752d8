/* The section of a run's page that shows what its topics are about, if it has topics.csv. */
#ifndef TT_REPORT_TOPICS_H
#define TT_REPORT_TOPICS_H

#include <stdio.h>

/* Writes the section for the run in `directory`; nothing where there is no topics.csv, and a line
 * that says so where it cannot be read. */
void tt_report_topics(FILE *page, const char *directory);

#endif
