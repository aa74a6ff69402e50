/* edits.h - fuzz input as edits of a good example, so that the deep parts are reached
 * without a corpus. */
#ifndef LS_TESTS_FUZZ_TOPOLOGY_EDITS_H
#define LS_TESTS_FUZZ_TOPOLOGY_EDITS_H

#include <stddef.h>
#include <stdint.h>

/* Input that starts with an odd byte is taken as it is, without that byte. Else each
 * three bytes are one edit of the example: where (16 bits), and the new byte. The
 * caller frees with ls_free(). */
uint8_t *edits_apply(const uint8_t *input, size_t input_size, const uint8_t *example,
                     size_t example_size, size_t *ret_size);

#endif
