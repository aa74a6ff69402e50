/* edits.c - fuzz input as edits of a good example. */
#include "edits.h"

#include "common/util/mem.h"

uint8_t *edits_apply(const uint8_t *input, size_t input_size, const uint8_t *example,
                     size_t example_size, size_t *ret_size)
{
    uint8_t *bytes;

    if (input_size > 0 && input[0] % 2 == 1) {
        *ret_size = input_size - 1;
        return ls_memdup(input + 1, input_size - 1);
    }
    bytes = ls_memdup(example, example_size);
    for (size_t i = 1; i + 3 <= input_size; i += 3) {
        size_t where = (size_t)input[i] << 8 | input[i + 1];

        bytes[where % example_size] = input[i + 2];
    }
    *ret_size = example_size;
    return bytes;
}
