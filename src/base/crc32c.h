/* CRC-32C (Castagnoli; RFC 3720 appendix B.4): finds damaged frames. No protection against
 * malice. */
#ifndef PSI_CRC32C_H
#define PSI_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the start) over `bytes`[0..size_bytes). crc32c(0, "123456789", 9) =
 * 0xe3069283. O(size_bytes); the fastest way that the processor has, chosen while running. */
uint32_t psi_crc32c(uint32_t crc, const void *bytes, size_t size_bytes);

typedef enum psi_crc32c_way {
    PSI_CRC32C_PORTABLE, /* by tables, eight bytes a step */
    PSI_CRC32C_FOLD_128, /* by carry-less products of 16 bytes (SSE 4.2, PCLMULQDQ) */
    PSI_CRC32C_FOLD_512  /* of 64 bytes (AVX-512, VPCLMULQDQ) */
} psi_crc32c_way;

/* The same in one certain way, or by tables where the processor lacks it. Public inside the library
 * so that a test can compare them all. */
uint32_t psi_crc32c_by(psi_crc32c_way way, uint32_t crc, const void *bytes, size_t size_bytes);

#endif
