/* agent/daemon/agent.c - the daemon of one node: its beginning and its end.
 *
 * Depends on agent_private, discover, agent/proc. */
#include "agent/daemon/agent_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/discover/discover.h"
#include "agent/proc/lock.h"
#include "agent/proc/process.h"
#include "common/util/check.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum { REPEAT_MS = 5000 }; /* reports that the scheduler has not acted on */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* ---- processes ------------------------------------------------------------- */

/* We are a subreaper: what a killed step leaves comes to us. Whatever is below us and
 * not below a living step belongs to nobody. */
static void kill_orphans(void *context)
{
    struct ls_agent *agent = context;
    pid_t *spared = ls_calloc(ls_agent_count_parts(agent), sizeof(*spared));
    struct ls_error err = {0};
    struct ls_part_entry *entry, *next;
    size_t count = 0;
    int killed;

    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        pid_t pid = ls_part_pid(entry->part);

        if (pid > 0)
            spared[count++] = pid;
    }
    killed = ls_process_signal_descendants(SIGKILL, spared, count, &err);
    if (killed < 0)
        ls_log_error("orphans: %s", err.text);
    else if (killed > 0)
        ls_log_warn("%d orphans of a killed step killed", killed);
    ls_free(spared);
}

/* Steps are watched by pidfd, orphans are nobody's: both only have to be reaped. */
static void child_ended(uv_signal_t *handle, int number)
{
    pid_t pid;

    (void)handle;
    (void)number;
    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0 || (pid < 0 && errno == EINTR));
}

/* ---- end ------------------------------------------------------------------- */

static void begin_closing(struct ls_agent *agent)
{
    struct ls_part_entry *entry, *next;

    if (agent->closing)
        return;
    agent->closing = true;
    ls_scheduler_link_close(agent->scheduler);
    agent->scheduler = NULL;
    ls_logs_close(agent->logs);
    agent->logs = NULL;
    uv_close((uv_handle_t *)&agent->child_signal, NULL);
    uv_close((uv_handle_t *)&agent->term_signal, NULL);
    uv_close((uv_handle_t *)&agent->interrupt_signal, NULL);
    uv_close((uv_handle_t *)&agent->repeat, NULL);
    LL_FOREACH_SAFE(agent->parts, entry, next)
    {
        ls_part_leave(entry->part);
    }
}

static void part_gone(void *context, struct ls_part *part)
{
    struct ls_agent *agent = context;

    ls_agent_remove_part(agent, part);
    ls_part_free(part);
}

static void told_to_end(uv_signal_t *handle, int number)
{
    struct ls_agent *agent = handle->data;

    ls_log_info("ends (%s); %u steps go on", strsignal(number),
                ls_agent_count_parts(agent));
    begin_closing(agent);
}

static void refused(void *context, const char *why)
{
    struct ls_agent *agent = context;

    ls_log_error("the scheduler refuses this node: %s", why);
    agent->exit_code = -EPERM;
    begin_closing(agent);
}

/* ---- beginning ------------------------------------------------------------- */

/* What has come between the registration and its answer was not sent: say all again. */
static void registered(void *context)
{
    struct ls_agent *agent = context;

    ls_agent_report_all(agent);
    if (agent->ready_fd < 0)
        return;
    if (ls_write_all(agent->ready_fd, "ready\n", 6) < 0)
        ls_log_warn("--ready-fd: nobody reads it");
    close(agent->ready_fd);
    agent->ready_fd = -1;
}

static void scheduler_lost(void *context)
{
    struct ls_agent *agent = context;

    ls_logs_cancel_all(agent->logs);
}

static int take_node(struct ls_agent *agent, struct ls_error *err)
{
    char *path = ls_asprintf("%s/lock", agent->node_dir);
    char *parent = ls_asprintf("%s/nodes", agent->options->dir);
    pid_t holder = 0;
    int rc = ls_passage_make(parent, err);

    if (rc == 0)
        rc = ls_passage_make(agent->node_dir, err);
    if (rc == 0)
        rc = agent->lock = ls_lock_take(path, &holder, err);
    if (rc == -EWOULDBLOCK)
        ls_error_set(err, -EBUSY, "node %s: an agent runs already here, pid %d (%s)",
                     agent->options->node, (int)holder, path);
    if (rc >= 0 && ls_lock_name_holder(agent->lock, getpid(), err) < 0)
        ls_log_warn("%s", err->text); /* a full disk does not keep us from working */
    ls_free(path);
    ls_free(parent);
    return rc < 0 ? rc : 0;
}

/* lockstep-step lies beside this program. */
static int find_step_program(char **ret_program, struct ls_error *err)
{
    char path[PATH_MAX] = {0};
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;
    char *program;

    if (size < 0)
        return ls_error_sys(err, -errno, "/proc/self/exe");
    slash = strrchr(path, '/');
    ls_assert(slash);
    *slash = '\0';
    program = ls_asprintf("%s/lockstep-step", path);
    if (access(program, X_OK) < 0) {
        int rc = ls_error_sys(err, -errno, "%s", program);

        ls_free(program);
        return rc;
    }
    *ret_program = program;
    return 0;
}

static int adopt_parts(struct ls_agent *agent, struct ls_error *err)
{
    struct ls_step_dir *dirs;
    size_t count;
    int rc = ls_step_dir_list(agent->node_dir, &dirs, &count, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct ls_part *part = ls_part_adopt(&agent->owner, dirs[i]);

        if (part)
            ls_agent_add_part(agent, part);
    }
    if (ls_agent_count_parts(agent) > 0)
        ls_log_info("%u steps of an earlier agent found", ls_agent_count_parts(agent));
    ls_free(dirs);
    return 0;
}

static void watch(struct ls_agent *agent)
{
    uv_signal_init(agent->loop, &agent->child_signal);
    uv_signal_init(agent->loop, &agent->term_signal);
    uv_signal_init(agent->loop, &agent->interrupt_signal);
    uv_timer_init(agent->loop, &agent->repeat);
    agent->term_signal.data = agent;
    agent->interrupt_signal.data = agent;
    agent->repeat.data = agent;
    uv_signal_start(&agent->child_signal, child_ended, SIGCHLD);
    uv_signal_start(&agent->term_signal, told_to_end, SIGTERM);
    uv_signal_start(&agent->interrupt_signal, told_to_end, SIGINT);
    uv_timer_start(&agent->repeat, ls_agent_repeat_reports, REPEAT_MS, REPEAT_MS);
}

static int connect_scheduler(struct ls_agent *agent, struct ls_error *err)
{
    const struct ls_scheduler_link_config config = {
        .address = agent->options->scheduler,
        .node = agent->options->node,
        .key = agent->options->key,
        .fill_register = ls_agent_fill_register,
        .registered = registered,
        .lost = scheduler_lost,
        .received = ls_agent_order,
        .refused = refused,
        .context = agent,
    };

    return ls_scheduler_link_open(agent->loop, &config, &agent->scheduler, err);
}

static int prepare(struct ls_agent *agent, struct ls_error *err)
{
    struct ls_discover_config discover = {.xml_path = agent->options->topology};
    int rc = take_node(agent, err);

    if (rc == 0)
        rc = find_step_program(&agent->owner.program, err);
    if (rc == 0)
        rc = ls_discover_node(&discover, &agent->digest, err);
    if (rc == 0 && getrandom(&agent->incarnation, sizeof(agent->incarnation), 0) < 0)
        rc = ls_error_sys(err, -errno, "no random numbers");
    if (rc == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        rc = ls_error_sys(err, -errno, "cannot become a subreaper");
    return rc;
}

static struct ls_agent *agent_new(uv_loop_t *loop,
                                  const struct ls_agent_options *options)
{
    struct ls_agent *agent = ls_calloc(1, sizeof(*agent));

    agent->options = options;
    agent->loop = loop;
    agent->lock = -1;
    agent->ready_fd = options->ready_fd;
    agent->node_dir = ls_asprintf("%s/nodes/%s", options->dir, options->node);
    agent->owner = (struct ls_part_owner){
        .loop = loop,
        .node_dir = agent->node_dir,
        .node = options->node,
        .host = options->host,
        .log_level = level_names[options->log_level],
        .log_json = options->log_json,
        .context = agent,
        .reported = ls_agent_part_reported,
        .orphans = kill_orphans,
        .gone = part_gone,
    };
    return agent;
}

int ls_agent_open(uv_loop_t *loop, const struct ls_agent_options *options,
                  struct ls_agent **ret_agent, struct ls_error *err)
{
    struct ls_agent *agent = agent_new(loop, options);
    struct ls_logs_config logs = {
        .loop = loop,
        .node_dir = agent->node_dir,
        .node = options->node,
        .send = ls_agent_send,
        .is_running = ls_agent_job_is_running,
        .context = agent,
    };
    int rc = prepare(agent, err);

    if (rc == 0)
        rc = adopt_parts(agent, err);
    if (rc < 0) {
        ls_agent_close(agent);
        return rc;
    }
    watch(agent);
    agent->logs = ls_logs_new(&logs);
    rc = connect_scheduler(agent, err);
    if (rc < 0) {
        begin_closing(agent);
        uv_run(loop, UV_RUN_DEFAULT);
        ls_agent_close(agent);
        return rc;
    }
    *ret_agent = agent;
    return 0;
}

int ls_agent_close(struct ls_agent *agent)
{
    int exit_code = agent->exit_code;

    if (agent->digest)
        ls__node_digest__free_unpacked(agent->digest, NULL);
    ls_free(agent->owner.program);
    ls_free(agent->node_dir);
    ls_close(agent->lock);
    ls_close(agent->ready_fd);
    ls_free(agent);
    return exit_code;
}
