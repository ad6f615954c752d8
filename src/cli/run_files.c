#include "run_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "npy.h"
#include "numbers.h"
#include "outdir.h"

/* One file that is being written. */
typedef struct csv_sheet {
    char path[TT_PATH_MAX];
    FILE *file;
} csv_sheet;

static ps_err sheet_open(csv_sheet *sheet, const char *directory, const char *name,
                         ps_fault *fault) {
    if (!tt_path_join(sheet->path, directory, name)) {
        return ps_fault_set(fault, PS_EINVAL, "%s/%s: the path is too long", directory, name);
    }
    sheet->file = fopen(sheet->path, "wb");
    return sheet->file != NULL
               ? PS_OK
               : ps_fault_set(fault, PS_EIO, "%s: %s", sheet->path, strerror(errno));
}

static ps_err sheet_close(csv_sheet *sheet, ps_err err, ps_fault *fault) {
    const bool failed = ferror(sheet->file) != 0;
    if (fclose(sheet->file) != 0 || failed || err != PS_OK) {
        return ps_fault_set(fault, PS_EIO, "%s: cannot be written: %s", sheet->path,
                            strerror(errno));
    }
    return PS_OK;
}

static void put_real(const csv_sheet *sheet, double value, char end) {
    char text[TT_NUMBER_TEXT_BYTES];
    (void)fputs(tt_number_exact(value, text), sheet->file);
    (void)putc(end, sheet->file);
}

static ps_err write_metrics(const char *directory, const psi_plan *plan, const psi_results *results,
                            ps_fault *fault) {
    csv_sheet out;
    PS_TRY(sheet_open(&out, directory, "metrics.csv", fault));
    (void)fputs("time_s,clock_min,clock_max,work_units,", out.file);
    for (size_t i = 0; i < plan->algo->metric_count; i++) {
        (void)fprintf(out.file, "%s,", plan->algo->metrics[i]);
    }
    (void)fputs("bytes_sent,frames_sent\n", out.file);
    for (size_t i = 0; i < results->metrics_count; i++) {
        const psi_metrics_row *const row = &results->metrics[i];
        put_real(&out, row->time_s, ',');
        (void)fprintf(out.file, "%" PRIu32 ",%" PRIu32 ",", row->clock_min, row->clock_max);
        put_real(&out, row->work_units, ',');
        for (size_t m = 0; m < plan->algo->metric_count; m++) {
            put_real(&out, row->values[m], ',');
        }
        (void)fprintf(out.file, "%" PRIu64 ",%" PRIu64 "\n", row->bytes_sent, row->frames_sent);
    }
    return sheet_close(&out, PS_OK, fault);
}

static ps_err write_workers(const char *directory, const psi_results *results, ps_fault *fault) {
    csv_sheet out;
    PS_TRY(sheet_open(&out, directory, "workers.csv", fault));
    (void)fputs("rank,clock,start_s,compute_s,wait_s,end_s\n", out.file);
    for (size_t i = 0; i < results->trace_count; i++) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        (void)fprintf(out.file, "%" PRIu32 ",%" PRIu32 ",", row->rank, row->clock);
        put_real(&out, row->start_s, ',');
        put_real(&out, row->compute_s, ',');
        put_real(&out, row->wait_s, ',');
        put_real(&out, row->end_s, '\n');
    }
    return sheet_close(&out, PS_OK, fault);
}

/* Reads that saw a clock difference of -1-d are in staleness[d]; the file goes from the stalest to
 * -1. */
static ps_err write_staleness(const char *directory, const psi_plan *plan,
                              const psi_results *results, ps_fault *fault) {
    char policy[32];
    psi_policy_format(&plan->policy, policy);
    size_t count = results->staleness_count;
    while (count > 0 && results->staleness[count - 1] == 0) {
        count--;
    }
    csv_sheet out;
    PS_TRY(sheet_open(&out, directory, "staleness.csv", fault));
    (void)fputs("policy,clock_difference,reads\n", out.file);
    for (size_t i = count; i-- > 0;) {
        (void)fprintf(out.file, "%s,%" PRId64 ",%" PRIu64 "\n", policy, -1 - (int64_t)i,
                      results->staleness[i]);
    }
    return sheet_close(&out, PS_OK, fault);
}

static ps_err write_dense(const char *directory, const ps_table_spec *spec, const void *values,
                          ps_fault *fault) {
    char name[256];
    (void)snprintf(name, sizeof name, "%s.npy", spec->name);
    csv_sheet out;
    PS_TRY(sheet_open(&out, directory, name, fault));
    const ps_err err =
        tt_npy_write_header(out.file, tt_npy_type(spec->type), spec->row_count, spec->column_count);
    const size_t row_bytes = spec->column_count * ps_type_size_bytes(spec->type);
    (void)fwrite(values, row_bytes, (size_t)spec->row_count, out.file);
    return sheet_close(&out, err, fault);
}

typedef enum sparse_part { INDPTR, INDICES, VALUES } sparse_part;

static void put_sparse_rows(FILE *file, const ps_table_spec *spec, const ps_sparse_row *rows,
                            sparse_part part) {
    uint64_t begin = 0;
    if (part == INDPTR) {
        (void)fwrite(&begin, sizeof begin, 1, file);
    }
    for (uint64_t i = 0; i < spec->row_count; i++) {
        begin += rows[i].count;
        if (part == INDPTR) {
            (void)fwrite(&begin, sizeof begin, 1, file);
        } else if (part == INDICES && rows[i].count > 0) {
            (void)fwrite(rows[i].columns, sizeof *rows[i].columns, rows[i].count, file);
        } else if (part == VALUES && rows[i].count > 0) {
            (void)fwrite(rows[i].values, ps_type_size_bytes(spec->type), rows[i].count, file);
        }
    }
}

/* A sparse table is three files, as of compressed sparse rows: row i has the numbers
 * indptr[i]..indptr[i+1]. */
static ps_err write_sparse(const char *directory, const ps_table_spec *spec,
                           const ps_sparse_row *rows, ps_fault *fault) {
    static const char *const parts[] = {"indptr", "indices", "values"};
    uint64_t total = 0;
    for (uint64_t i = 0; i < spec->row_count; i++) {
        total += rows[i].count;
    }
    for (sparse_part part = INDPTR; part <= VALUES; part++) {
        char name[256];
        (void)snprintf(name, sizeof name, "%s.%s.npy", spec->name, parts[part]);
        csv_sheet out;
        PS_TRY(sheet_open(&out, directory, name, fault));
        const char *const type = part == VALUES ? tt_npy_type(spec->type) : TT_NPY_U32;
        const ps_err err = tt_npy_write_header(out.file, part == INDPTR ? TT_NPY_U64 : type,
                                               part == INDPTR ? spec->row_count + 1 : total, 0);
        put_sparse_rows(out.file, spec, rows, part);
        PS_TRY(sheet_close(&out, err, fault));
    }
    return PS_OK;
}

static ps_err write_model(const char *directory, const psi_plan *plan, const psi_results *results,
                          ps_fault *fault) {
    char inner[TT_PATH_MAX];
    if (!results->model_is_complete) {
        return PS_OK;
    }
    if (!tt_path_join(inner, directory, "model") || mkdir(inner, 0777) != 0) {
        return ps_fault_set(fault, PS_EIO, "%s/model: %s", directory, strerror(errno));
    }
    for (size_t t = 0; t < plan->table_count; t++) {
        const ps_table_spec *const spec = &plan->specs[t];
        if (spec->is_part) {
            continue;
        }
        if (spec->layout == PS_DENSE && results->model_dense[t] != NULL) {
            PS_TRY(write_dense(inner, spec, results->model_dense[t], fault));
        }
        if (spec->layout == PS_SPARSE && results->model_sparse[t] != NULL) {
            PS_TRY(write_sparse(inner, spec, results->model_sparse[t], fault));
        }
    }
    return PS_OK;
}

ps_err tt_run_files_write(const char *directory, const psi_plan *plan, const psi_results *results,
                          tt_extras *extras_out, ps_fault *fault) {
    *extras_out = (tt_extras){.count = 0};
    PS_TRY(write_metrics(directory, plan, results, fault));
    PS_TRY(write_workers(directory, results, fault));
    PS_TRY(write_staleness(directory, plan, results, fault));
    PS_TRY(write_model(directory, plan, results, fault));
    return results->model_is_complete
               ? tt_model_files_write(directory, plan, results, extras_out, fault)
               : PS_OK;
}

tt_totals tt_totals_of(const psi_results *results) {
    tt_totals totals = {0};
    for (size_t i = 0; i < results->trace_count; i++) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        totals.compute_s += row->compute_s;
        totals.wait_s += row->wait_s;
        totals.clocks_s += row->end_s - row->start_s;
    }
    if (totals.clocks_s > 0) {
        totals.wait_share = totals.wait_s / totals.clocks_s;
        totals.compute_share = totals.compute_s / totals.clocks_s;
    }
    totals.time_s = results->time_s;
    totals.bytes_sent = results->bytes_sent;
    totals.frames_sent = results->frames_sent;
    if (results->metrics_count > 0) {
        const psi_metrics_row *const last = &results->metrics[results->metrics_count - 1];
        totals.clock_min = last->clock_min;
        totals.clock_max = last->clock_max;
        totals.time_s = totals.time_s > last->time_s ? totals.time_s : last->time_s;
        totals.bytes_sent =
            totals.bytes_sent > last->bytes_sent ? totals.bytes_sent : last->bytes_sent;
        totals.frames_sent =
            totals.frames_sent > last->frames_sent ? totals.frames_sent : last->frames_sent;
    }
    return totals;
}
