/* CRC-32C (Castagnoli; RFC 3720 appendix B.4): finds damaged frames. No protection against
 * malice. */
#ifndef PSI_CRC32C_H
#define PSI_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the start) over `bytes`[0..size_bytes). crc32c(0, "123456789", 9) =
 * 0xe3069283. O(size_bytes); with the processor's instruction where it has one. */
uint32_t psi_crc32c(uint32_t crc, const void *bytes, size_t size_bytes);

/* The same by tables alone, eight bytes a step: what psi_crc32c() does where there is no
 * instruction. Public inside the library so that a test can compare the two. */
uint32_t psi_crc32c_portable(uint32_t crc, const void *bytes, size_t size_bytes);

#endif
