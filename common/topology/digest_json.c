/* common/topology/digest_json.c - a node's digest as JSON. */
#include "common/topology/digest.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *index_or_null(int32_t index)
{
    return index >= 0 ? json_integer(index) : json_null();
}

static json_t *number_or_null(uint64_t number)
{
    return number > 0 ? json_integer((json_int_t)number) : json_null();
}

static json_t *gpu_to_json(const Ls__NodeDigest *digest, const Ls__GpuInfo *gpu)
{
    json_t *object = json_object();

    json_object_set_new(object, "index", json_integer(gpu->index));
    json_object_set_new(object, "model", text_or_null(gpu->model));
    json_object_set_new(object, "bus_id", text_or_null(gpu->bus_id));
    json_object_set_new(object, "numa", index_or_null(gpu->numa));
    json_object_set_new(object, "nic",
                        gpu->nic >= 0 ? json_string(digest->nics[gpu->nic]->name)
                                      : json_null());
    json_object_set_new(object, "nic_index", index_or_null(gpu->nic));
    json_object_set_new(object, "vendor", text_or_null(gpu->vendor));
    json_object_set_new(object, "uuid", text_or_null(gpu->uuid));
    json_object_set_new(object, "memory_bytes", number_or_null(gpu->memory_bytes));
    json_object_set_new(object, "cores", json_string(gpu->cores));
    json_object_set_new(object, "backend", text_or_null(gpu->subtype));
    return object;
}

static json_t *nic_to_json(const Ls__NicInfo *nic)
{
    json_t *object = json_object();

    json_object_set_new(object, "index", json_integer(nic->index));
    json_object_set_new(object, "name", json_string(nic->name));
    json_object_set_new(object, "kind", json_string(nic->kind));
    json_object_set_new(object, "numa", index_or_null(nic->numa));
    json_object_set_new(object, "bus_id", text_or_null(nic->bus_id));
    json_object_set_new(object, "guid", text_or_null(nic->guid));
    json_object_set_new(object, "active", json_boolean(nic->active));
    json_object_set_new(object, "bits_per_s", number_or_null(nic->bits_per_s));
    json_object_set_new(object, "cores", json_string(nic->cores));
    return object;
}

static json_t *numa_to_json(const Ls__NumaInfo *numa)
{
    json_t *object = json_object();

    json_object_set_new(object, "index", json_integer(numa->os_index));
    json_object_set_new(object, "package", json_integer(numa->package));
    json_object_set_new(object, "memory_bytes",
                        json_integer((json_int_t)numa->memory_bytes));
    json_object_set_new(object, "cores", json_string(numa->cores));
    return object;
}

/* One row per GPU of words: "X", "NV18", "PXB" … . */
static json_t *gpu_paths_to_json(const Ls__NodeDigest *digest)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < digest->n_gpus; i++) {
        json_t *row = json_array();

        for (size_t j = 0; j < digest->n_gpus; j++) {
            char word[16];

            ls_digest_gpu_word(digest, i, j, word);
            json_array_append_new(row, json_string(word));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *nic_paths_to_json(const Ls__NodeDigest *digest)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < digest->n_gpus; i++) {
        json_t *row = json_array();

        for (size_t j = 0; j < digest->n_nics; j++)
            json_array_append_new(
                row, json_string(ls_path_name(ls_digest_gpu_nic(digest, i, j))));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *links_to_json(const Ls__NodeDigest *digest)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < digest->n_gpus; i++) {
        json_t *row = json_array();

        for (size_t j = 0; j < digest->n_gpus; j++)
            json_array_append_new(row,
                                  json_integer(ls_digest_link_mb_per_s(digest, i, j)));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *lists_to_json(const Ls__NodeDigest *digest)
{
    json_t *object = json_object();
    json_t *gpus = json_array(), *nics = json_array(), *numas = json_array();

    for (size_t i = 0; i < digest->n_gpus; i++)
        json_array_append_new(gpus, gpu_to_json(digest, digest->gpus[i]));
    for (size_t i = 0; i < digest->n_nics; i++)
        json_array_append_new(nics, nic_to_json(digest->nics[i]));
    for (size_t i = 0; i < digest->n_numas; i++)
        json_array_append_new(numas, numa_to_json(digest->numas[i]));
    json_object_set_new(object, "gpus", gpus);
    json_object_set_new(object, "nics", nics);
    json_object_set_new(object, "numas", numas);
    return object;
}

json_t *ls_digest_to_json(const Ls__NodeDigest *digest)
{
    json_t *object = lists_to_json(digest);

    json_object_set_new(object, "cores", json_integer(digest->cores));
    json_object_set_new(object, "memory_bytes",
                        json_integer((json_int_t)digest->memory_bytes));
    json_object_set_new(object, "packages", json_integer(digest->packages));
    json_object_set_new(object, "threads", json_integer(digest->pus));
    json_object_set_new(object, "cpu_model", text_or_null(digest->cpu_model));
    json_object_set_new(object, "host", text_or_null(digest->host));
    json_object_set_new(object, "source", text_or_null(digest->source));
    json_object_set_new(object, "modelled", json_boolean(digest->modelled));
    json_object_set_new(object, "gpu_paths", gpu_paths_to_json(digest));
    json_object_set_new(object, "gpu_nic_paths", nic_paths_to_json(digest));
    json_object_set_new(object, "gpu_link_mb_per_s", links_to_json(digest));
    return object;
}
