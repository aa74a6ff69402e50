/* fabric_fuzz.c - any bytes as a fabric file: a model or an error, nothing else. */
#include <stdlib.h>
#include <string.h>

#include "common/topology/fabric.h"
#include "common/util/mem.h"
#include "edits.h"

static const char example[] = "name: a\n"
                              "levels:\n"
                              "  - {level: node, links: 8, gbit_per_s: 400}\n"
                              "racks:\n"
                              "  - {name: r0, nodes: \"n[0-3]\"}\n"
                              "  - name: r1\n"
                              "    nodes: n[4-7]\n"
                              "arrays:\n"
                              "  - {name: a0, racks: \"r[0-1]\"}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};
    size_t text_size;
    char *text = (char *)edits_apply(data, size, (const uint8_t *)example,
                                     sizeof(example) - 1, &text_size);

    text = ls_realloc(text, text_size + 1, 1);
    text[text_size] = '\0';
    if (ls_fabric_model_parse(text, text_size, "fuzz", &model, &err) == 0) {
        for (size_t i = 0; i < model->rack_count; i++) {
            for (size_t j = 0; j < model->racks[i].node_count; j++) {
                if (ls_fabric_model_rack_of(model, model->racks[i].nodes[j]) != (int)i)
                    abort();
            }
        }
        ls_fabric_model_free(model);
    } else if (err.text[0] == '\0' || strchr(err.text, '\n')) {
        abort();
    }
    ls_free(text);
    return 0;
}
