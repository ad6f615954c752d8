/* Numbers with units, as people type and read them: 10Gbps, 1GB/s, 64MiB, 50us, 2x, 0.1, 100.
 *
 * Strict: the whole text must be a number directly followed by a known unit; no spaces, signs,
 * hexadecimal, infinities or NaN. Prefixes are SI (k, M, G, T: powers of 1000) or binary (Ki, Mi,
 * Gi, Ti: of 1024) and their case matters, for "m" is milli and "M" is mega; but a capital K is
 * taken for k. Independent of the locale as long as the program does not set LC_NUMERIC.
 *
 * Every parser: `what` names the setting in the message ("--latency"); NULL leaves it out. On
 * failure the result is PS_EINVAL, `fault` (may be NULL) quotes the text and says what was
 * expected, with an example, and *value_out is unchanged. Pure; any thread; O(length). */
#ifndef PSI_UNITS_H
#define PSI_UNITS_H

#include <stdint.h>

#include "tortoise/err.h"

/* A plain number >= 0: "0.1", "100", "1e-3". */
PS_MUST_CHECK ps_err psi_parse_number(const char *text, const char *what, double *value_out,
                                      ps_fault *fault);

/* A plain whole number, 0 .. 2^64-1: "100". Digits only. */
PS_MUST_CHECK ps_err psi_parse_count(const char *text, const char *what, uint64_t *value_out,
                                     ps_fault *fault);

/* A time, in seconds: ns, us, ms, s, min, h. "0" needs no unit. */
PS_MUST_CHECK ps_err psi_parse_seconds(const char *text, const char *what, double *seconds_out,
                                       ps_fault *fault);

/* A size, in bytes: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB. "0" needs no unit. Must be whole bytes <
 * 2^53. */
PS_MUST_CHECK ps_err psi_parse_bytes(const char *text, const char *what, uint64_t *bytes_out,
                                     ps_fault *fault);

/* A data rate > 0, in bytes per second: bits as bps, kbps, Mbps, Gbps, Tbps; bytes as B/s, kB/s,
 * MiB/s ... */
PS_MUST_CHECK ps_err psi_parse_rate(const char *text, const char *what, double *bytes_per_s_out,
                                    ps_fault *fault);

/* A factor > 0: "2x", "0.5x"; a plain "2" is taken too. */
PS_MUST_CHECK ps_err psi_parse_factor(const char *text, const char *what, double *factor_out,
                                      ps_fault *fault);

/* The other way: at most four significant digits and the unit that suits ("50us", "64MiB",
 * "1.25GB/s" is written as bits, "10Gbps"). For people; not every value survives the way back.
 * Never fail. */
enum { PSI_UNITS_TEXT_MAX = 32 };
void psi_format_seconds(double seconds, char text[static PSI_UNITS_TEXT_MAX]);
void psi_format_bytes(double bytes, char text[static PSI_UNITS_TEXT_MAX]);
void psi_format_rate(double bytes_per_s, char text[static PSI_UNITS_TEXT_MAX]);

#endif
