/* agent/daemon/logs.c - output of ranks, sent to who asked for it.
 *
 * One `request` has one `stream` per file. A stream watches its file and sends what is
 * new; the request ends when the job has and all streams are at their end.
 * Depends on wire, common/util, libuv. */
#include "agent/daemon/logs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/log_file.h"
#include "agent/proc/step_dir.h"
#include "common/util/file.h"
#include "common/util/mem.h"

struct stream {
    struct stream *next;
    struct request *request;
    uint32_t rank, number; /* 1 stdout, 2 stderr */
    int fd;
    dev_t device;
    ino_t inode;
    uint64_t offset;
    bool at_end; /* all that is there has been sent */
    uv_fs_event_t event;
};

struct request {
    struct request *next;
    struct ls_logs *logs;
    uint64_t number, job;
    bool follow, one_rank;
    uint32_t rank;
    uint64_t credit;
    struct stream *streams;
    unsigned open_handles;
    bool done;
};

struct ls_logs {
    struct ls_logs_config config;
    struct request *requests;
    unsigned count;
    bool closing;
};

/* ---- ends ------------------------------------------------------------------ */

static void free_request(struct request *request)
{
    struct ls_logs *logs = request->logs;
    struct request **link = &logs->requests;

    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    logs->count--;
    ls_free(request);
    if (logs->closing && !logs->requests)
        ls_free(logs);
}

static void stream_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    struct request *request = stream->request;

    close(stream->fd);
    ls_free(stream);
    if (--request->open_handles == 0)
        free_request(request);
}

/* No more is sent; freed when the watchers are closed. */
static void end_request(struct request *request)
{
    struct stream *stream = request->streams;

    if (request->done)
        return;
    request->done = true;
    request->streams = NULL;
    if (!stream) {
        free_request(request);
        return;
    }
    while (stream) {
        struct stream *next = stream->next;

        uv_close((uv_handle_t *)&stream->event, stream_closed);
        stream = next;
    }
}

static void send_end(struct request *request, const char *text)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogEnd message = LS__LOG_END__INIT;

    message.text = (char *)text;
    frame.request = request->number;
    frame.body_case = LS__FRAME__BODY_LOG_END;
    frame.log_end = &message;
    request->logs->config.send(request->logs->config.context, &frame);
}

/* ---- sending --------------------------------------------------------------- */

static void send_chunk(struct stream *stream, uint8_t *bytes, size_t size)
{
    struct request *request = stream->request;
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogChunk message = LS__LOG_CHUNK__INIT;

    message.job = request->job;
    message.rank = stream->rank;
    message.stream = stream->number;
    message.offset = stream->offset;
    message.data.data = bytes;
    message.data.len = size;
    frame.request = request->number;
    frame.body_case = LS__FRAME__BODY_LOG_CHUNK;
    frame.log_chunk = &message;
    request->logs->config.send(request->logs->config.context, &frame);
    stream->offset += size;
    request->credit -= size;
}

/* Send one chunk if there is something to send. */
static bool pump_stream(struct stream *stream)
{
    uint8_t bytes[LS_LOGS_CHUNK];
    uint64_t credit = stream->request->credit;
    size_t size_max = credit < sizeof(bytes) ? (size_t)credit : sizeof(bytes);
    ssize_t size;

    if (size_max == 0)
        return false;
    size = pread(stream->fd, bytes, size_max, (off_t)stream->offset);
    stream->at_end = size <= 0;
    if (size <= 0)
        return false;
    send_chunk(stream, bytes, (size_t)size);
    return true;
}

static bool all_at_end(const struct request *request)
{
    for (const struct stream *stream = request->streams; stream;
         stream = stream->next) {
        if (!stream->at_end)
            return false;
    }
    return true;
}

/* Send as far as the credit goes, the streams in turn; end when there is no more to
 * come. Whether the job runs is asked first: what it writes before its end is read. */
static void pump(struct request *request)
{
    const struct ls_logs_config *config = &request->logs->config;
    bool more = true;
    bool running = request->follow && config->is_running(config->context, request->job);

    while (more && request->credit > 0) {
        more = false;
        for (struct stream *stream = request->streams; stream; stream = stream->next)
            more |= pump_stream(stream);
    }
    if (!running && all_at_end(request)) {
        send_end(request, "");
        end_request(request);
    }
}

/* ---- files ----------------------------------------------------------------- */

static void file_changed(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct stream *stream = event->data;

    (void)name;
    (void)events;
    (void)status;
    if (!stream->request->done)
        pump(stream->request);
}

/* Several ranks may write to one file: it is sent once. */
static bool has_file(const struct request *request, const struct stat *status)
{
    for (const struct stream *stream = request->streams; stream;
         stream = stream->next) {
        if (stream->device == status->st_dev && stream->inode == status->st_ino)
            return true;
    }
    return false;
}

static void add_stream(struct request *request, const char *path, uint32_t rank,
                       uint32_t number)
{
    struct stat status;
    struct stream *stream;
    int fd = ls_log_file_open(path);

    if (fd < 0)
        return;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        has_file(request, &status)) {
        close(fd);
        return;
    }
    stream = ls_calloc(1, sizeof(*stream));
    stream->request = request;
    stream->rank = rank;
    stream->number = number;
    stream->fd = fd;
    stream->device = status.st_dev;
    stream->inode = status.st_ino;
    stream->next = request->streams;
    request->streams = stream;
    request->open_handles++;
    uv_fs_event_init(request->logs->config.loop, &stream->event);
    stream->event.data = stream;
    if (request
            ->follow) /* without a watcher the end of the job still brings the rest */
        uv_fs_event_start(&stream->event, file_changed, path, 0);
}

/* "12.out" -> rank 12, stream 1. */
static bool parse_name(const char *name, uint32_t *ret_rank, uint32_t *ret_number)
{
    char *end;
    unsigned long rank = strtoul(name, &end, 10);

    if (end == name || rank > UINT32_MAX)
        return false;
    *ret_rank = (uint32_t)rank;
    *ret_number = strcmp(end, ".out") == 0 ? 1 : 2;
    return *ret_number == 1 || strcmp(end, ".err") == 0;
}

/* Find the files of the job; some may be there only when it is ready. False when the
 * job has no output directory. */
static bool find_files(struct request *request)
{
    char *dir = ls_output_dir(request->logs->config.node_dir, request->job);
    DIR *entries = opendir(dir);
    const struct dirent *entry;

    while (entries && (entry = readdir(entries)) != NULL) {
        uint32_t rank, number;
        char *path;

        if (!parse_name(entry->d_name, &rank, &number) ||
            (request->one_rank && request->rank != rank))
            continue;
        path = ls_asprintf("%s/%s", dir, entry->d_name);
        add_stream(request, path, rank, number);
        ls_free(path);
    }
    ls_free(dir);
    if (!entries)
        return false;
    closedir(entries);
    return true;
}

/* ---- requests -------------------------------------------------------------- */

static struct request *find_request(const struct ls_logs *logs, uint64_t number)
{
    struct request *request = logs->requests;

    while (request && (request->number != number || request->done))
        request = request->next;
    return request;
}

void ls_logs_request(struct ls_logs *logs, uint64_t number,
                     const Ls__LogsRequest *message)
{
    struct request *request = ls_calloc(1, sizeof(*request));
    bool found;

    request->logs = logs;
    request->number = number;
    request->job = message->job;
    request->follow = message->follow;
    request->one_rank = message->one_rank;
    request->rank = message->rank;
    request->credit = LS_LOGS_WINDOW;
    request->next = logs->requests;
    logs->requests = request;
    logs->count++;
    found = find_files(request);
    if (logs->count > LS_LOGS_MAX) {
        send_end(request, "too many log requests on this node");
        end_request(request);
    } else if (!found && !logs->config.is_running(logs->config.context, message->job)) {
        char *text = ls_asprintf("node %s has no output of job %llu", logs->config.node,
                                 (unsigned long long)message->job);

        send_end(request, text);
        ls_free(text);
        end_request(request);
    } else {
        pump(request);
    }
}

void ls_logs_ack(struct ls_logs *logs, uint64_t number, uint64_t bytes)
{
    struct request *request = find_request(logs, number);

    if (!request)
        return;
    request->credit += bytes;
    if (request->credit > LS_LOGS_WINDOW)
        request->credit = LS_LOGS_WINDOW;
    pump(request);
}

void ls_logs_cancel(struct ls_logs *logs, uint64_t number)
{
    struct request *request = find_request(logs, number);

    if (request)
        end_request(request);
}

void ls_logs_cancel_all(struct ls_logs *logs)
{
    struct request *request = logs->requests;

    while (request) {
        struct request *next = request->next;

        end_request(request);
        request = next;
    }
}

void ls_logs_job_changed(struct ls_logs *logs, uint64_t job)
{
    struct request *request = logs->requests;

    while (request) {
        struct request *next = request->next;

        if (request->job == job && !request->done) {
            find_files(request);
            pump(request);
        }
        request = next;
    }
}

struct ls_logs *ls_logs_new(const struct ls_logs_config *config)
{
    struct ls_logs *logs = ls_calloc(1, sizeof(*logs));

    logs->config = *config;
    return logs;
}

void ls_logs_close(struct ls_logs *logs)
{
    bool idle = !logs->requests;

    logs->closing = true;
    if (idle)
        ls_free(logs);
    else
        ls_logs_cancel_all(logs);
}
