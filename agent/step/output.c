/* agent/step/output.c - rank output from a pipe to a file.
 *
 * Depends on common/util, libuv. */
#include "agent/step/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    CHUNK_SIZE = 64 * 1024,
    CHUNKS_A_TURN = 8, /* then others have theirs */
};

struct ls_output {
    uv_poll_t poll;
    int read_fd, write_fd, file_fd;
    bool polling;
    size_t lost;
    int lost_code;
};

int ls_output_open(uv_loop_t *loop, int file_fd, struct ls_output **ret_output,
                   struct ls_error *err)
{
    struct ls_output *output;
    int fds[2];
    int rc;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        rc = ls_error_sys(err, -errno, "output: no pipe");
        goto close_file;
    }
    output = ls_calloc(1, sizeof(*output));
    rc = uv_poll_init(loop, &output->poll, fds[0]); /* makes it non-blocking */
    if (rc < 0) {
        ls_error_sys(err, rc, "output: cannot poll");
        goto free_output;
    }
    output->poll.data = output;
    output->read_fd = fds[0];
    output->write_fd = fds[1];
    output->file_fd = file_fd;
    *ret_output = output;
    return 0;

free_output:
    ls_free(output);
    close(fds[0]);
    close(fds[1]);
close_file:
    close(file_fd);
    return rc;
}

int ls_output_pipe(const struct ls_output *output)
{
    return output->write_fd;
}

/* Write a chunk; what could not be written is lost and counted. A full disk may take a
 * part of it. */
static void store(struct ls_output *output, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(output->file_fd, bytes, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            if (!output->lost)
                output->lost_code = -errno;
            output->lost += size;
            return;
        }
        bytes += done;
        size -= (size_t)done;
    }
}

/* Move one chunk. 1 when something moved, 0 when the pipe is empty, -1 at its end. */
static int move_chunk(struct ls_output *output)
{
    char bytes[CHUNK_SIZE];
    ssize_t size;

    do
        size = read(output->read_fd, bytes, sizeof(bytes));
    while (size < 0 && errno == EINTR);
    if (size > 0) {
        store(output, bytes, (size_t)size);
        return 1;
    }
    return size < 0 && errno == EAGAIN ? 0 : -1;
}

static void stop(struct ls_output *output)
{
    if (output->polling)
        uv_poll_stop(&output->poll);
    output->polling = false;
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct ls_output *output = poll->data;
    int moved = 1;

    (void)status; /* an error shows in read() */
    (void)events;
    for (int i = 0; i < CHUNKS_A_TURN && moved > 0; i++)
        moved = move_chunk(output);
    if (moved < 0)
        stop(output);
}

void ls_output_read(struct ls_output *output)
{
    ls_close(output->write_fd);
    output->write_fd = -1;
    uv_poll_start(&output->poll, UV_READABLE, readable);
    output->polling = true;
}

void ls_output_drain(struct ls_output *output)
{
    if (!output->polling)
        return;
    while (move_chunk(output) > 0)
        ;
    stop(output);
}

size_t ls_output_lost(const struct ls_output *output, int *ret_code)
{
    *ret_code = output->lost_code;
    return output->lost;
}

static void poll_closed(uv_handle_t *handle)
{
    struct ls_output *output = handle->data;

    ls_close(output->read_fd);
    ls_close(output->write_fd);
    ls_close(output->file_fd);
    ls_free(output);
}

void ls_output_close(struct ls_output *output)
{
    if (!output)
        return;
    stop(output);
    uv_close((uv_handle_t *)&output->poll, poll_closed);
}
