/* agent/step/main.c - the program lockstep-step, started by the agent.
 *
 * Depends on step, agent/proc, libuv. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/step/step.h"
#include "common/util/file.h"
#include "common/util/log.h"
#include "common/util/mem.h"

struct options {
    const char *dir, *host;
    int lock_fd, ready_fd; /* -1 = not given */
    int log_level;
    bool log_json;
};

static const char usage[] =
    "usage: lockstep-step [options] DIR\n"
    "\n"
    "Runs one job attempt on one node. Started by lockstep-agent; DIR is its step\n"
    "directory, NODE_DIR/steps/JOB.ATTEMPT, with launch.pb in it.\n"
    "\n"
    "  --host ADDRESS   address of this node for the other nodes (127.0.0.1)\n"
    "  --lock-fd N      descriptor that holds DIR/lock (default: take the lock)\n"
    "  --ready-fd N     descriptor that gets a line once the agent may connect\n"
    "  --log-level L    error, warn, info or debug (info)\n"
    "  --log-json       log lines as JSON\n"
    "  --help, --version\n";

static void set_option(struct options *options, int letter)
{
    switch (letter) {
    case 'h':
        options->host = optarg;
        break;
    case 'l':
        options->lock_fd = atoi(optarg);
        break;
    case 'r':
        options->ready_fd = atoi(optarg);
        break;
    case 'v':
        options->log_level = ls_log_level_parse(optarg);
        break;
    case 'j':
        options->log_json = true;
        break;
    case 'H':
        fputs(usage, stdout);
        exit(0);
    case 'V':
        puts("lockstep-step " LS_VERSION);
        exit(0);
    default:
        exit(2);
    }
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"host", required_argument, NULL, 'h'},
        {"lock-fd", required_argument, NULL, 'l'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"log-level", required_argument, NULL, 'v'},
        {"log-json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'H'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    struct options options = {
        .host = "127.0.0.1", .lock_fd = -1, .ready_fd = -1, .log_level = LS_LOG_INFO};
    int letter;

    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1)
        set_option(&options, letter);
    if (optind + 1 != argc || options.log_level < 0) {
        fputs(usage, stderr);
        exit(2);
    }
    options.dir = argv[optind];
    return options;
}

/* The pipe to the agent: a line says ready; closed without one says dead. */
static void say_ready(int fd)
{
    if (fd < 0)
        return;
    if (ls_write_all(fd, "ready\n", 6) < 0) {
        /* The agent is gone; the next one finds us by our socket. */
    }
    close(fd);
}

static int take_lock(const struct options *options, const struct ls_step_dir *dir,
                     struct ls_error *err)
{
    if (options->lock_fd < 0)
        return ls_step_dir_lock(dir, err);
    if (fcntl(options->lock_fd, F_SETFD, FD_CLOEXEC) < 0)
        return ls_error_sys(err, -errno, "--lock-fd %d", options->lock_fd);
    return options->lock_fd;
}

/* The lock stays held until the process ends, whatever ends it. */
static int run(const struct options *options, struct ls_step_dir *dir,
               struct ls_error *err)
{
    struct ls_step *step;
    uv_loop_t loop;
    int rc = take_lock(options, dir, err);

    if (rc < 0)
        return rc;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return ls_error_sys(err, -errno, "cannot become a subreaper");
    rc = uv_loop_init(&loop);
    if (rc < 0)
        return ls_error_sys(err, rc, "no event loop");
    rc = ls_step_open(&loop, dir, options->host, &step, err);
    if (rc < 0)
        return rc;
    say_ready(options->ready_fd);
    uv_run(&loop, UV_RUN_DEFAULT);
    ls_step_free(step);
    uv_loop_close(&loop);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct ls_step_dir dir;
    struct ls_error err = {0};
    char name[64] = "step";
    int rc;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (options.ready_fd >= 0)
        fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
    rc = ls_step_dir_at(options.dir, &dir, &err);
    if (rc == 0) {
        snprintf(name, sizeof(name), "step %llu.%u", (unsigned long long)dir.job,
                 dir.attempt);
        ls_log_open(name, (enum ls_log_level)options.log_level, options.log_json);
        rc = run(&options, &dir, &err);
        ls_step_dir_free(&dir);
    }
    if (rc < 0)
        ls_log_error("%s", err.text);
    return rc < 0 ? 1 : 0;
}
