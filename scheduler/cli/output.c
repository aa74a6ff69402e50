/* scheduler/cli/output.c - printing the ranks' output. */
#include "scheduler/cli/output.h"

#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum {
    STREAM_STDERR = 2,          /* LogChunk.stream */
    LINE_MAX_BYTES = 64 * 1024, /* a longer line is printed in pieces */
};

/* One stream of one rank. */
struct stream {
    uint64_t key;          /* rank, and below it the number: 1 stdout, 2 stderr */
    uint64_t offset;       /* of the first byte not yet taken */
    struct ls_strbuf line; /* with labels: the start of a line */
    UT_hash_handle hh;
};

struct ls_output {
    bool labels;
    int failed;
    struct stream *streams;
};

struct ls_output *ls_output_new(bool labels)
{
    struct ls_output *output = ls_calloc(1, sizeof(*output));

    output->labels = labels;
    return output;
}

int ls_output_failed(const struct ls_output *output)
{
    return output->failed;
}

static struct stream *find_stream(struct ls_output *output, const Ls__LogChunk *chunk)
{
    uint64_t key = (uint64_t)chunk->rank << 32 | chunk->stream;
    struct stream *stream;

    HASH_FIND(hh, output->streams, &key, sizeof(key), stream);
    if (stream)
        return stream;
    stream = ls_calloc(1, sizeof(*stream));
    stream->key = key;
    HASH_ADD(hh, output->streams, key, sizeof(stream->key), stream);
    return stream;
}

static int write_out(struct ls_output *output, const struct stream *stream,
                     const void *bytes, size_t size, struct ls_error *err)
{
    int fd = (uint32_t)stream->key == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
    int rc = ls_write_all(fd, bytes, size);

    if (rc >= 0)
        return 0;
    output->failed = rc;
    return ls_error_sys(err, rc, "cannot write the output");
}

/* Print the line that was gathered, with its label and a newline. */
static int write_line(struct ls_output *output, struct stream *stream,
                      struct ls_error *err)
{
    struct ls_strbuf text = {0};
    int rc;

    ls_strbuf_printf(&text, "%u: ", (uint32_t)(stream->key >> 32));
    ls_strbuf_add_bytes(&text, stream->line.text, stream->line.length);
    ls_strbuf_add(&text, "\n");
    stream->line.length = 0;
    rc = write_out(output, stream, text.text, text.length, err);
    ls_strbuf_free(&text);
    return rc;
}

static int add_labelled(struct ls_output *output, struct stream *stream,
                        const char *bytes, size_t size, struct ls_error *err)
{
    int rc = 0;

    while (size && rc == 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;

        ls_strbuf_add_bytes(&stream->line, bytes, length);
        if (newline || stream->line.length >= LINE_MAX_BYTES)
            rc = write_line(output, stream, err);
        length += newline != NULL;
        bytes += length;
        size -= length;
    }
    return rc;
}

int ls_output_add(struct ls_output *output, const Ls__LogChunk *chunk,
                  struct ls_error *err)
{
    struct stream *stream = find_stream(output, chunk);
    const char *bytes = (const char *)chunk->data.data;
    size_t size = chunk->data.len;

    if (chunk->offset + size <= stream->offset)
        return 0;
    if (chunk->offset < stream->offset) {
        bytes += stream->offset - chunk->offset;
        size -= stream->offset - chunk->offset;
    }
    stream->offset = chunk->offset + chunk->data.len;
    if (output->labels)
        return add_labelled(output, stream, bytes, size, err);
    return write_out(output, stream, bytes, size, err);
}

int ls_output_finish(struct ls_output *output, struct ls_error *err)
{
    struct stream *stream, *next;
    int rc = 0;

    HASH_ITER(hh, output->streams, stream, next)
    {
        if (rc == 0 && stream->line.length)
            rc = write_line(output, stream, err);
    }
    return rc;
}

void ls_output_free(struct ls_output *output)
{
    struct stream *stream, *next;

    if (!output)
        return;
    HASH_ITER(hh, output->streams, stream, next)
    {
        HASH_DEL(output->streams, stream);
        ls_strbuf_free(&stream->line);
        ls_free(stream);
    }
    ls_free(output);
}
