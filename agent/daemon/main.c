/* agent/daemon/main.c - the program lockstep-agent. Depends on agent, options, libuv.
 */
#include <signal.h>
#include <uv.h>

#include "agent/daemon/agent.h"
#include "agent/daemon/options.h"
#include "common/util/log.h"

static int run(const struct ls_agent_options *options, struct ls_error *err)
{
    struct ls_agent *agent;
    uv_loop_t loop;
    int rc = uv_loop_init(&loop);

    if (rc < 0)
        return ls_error_sys(err, rc, "no event loop");
    rc = ls_agent_open(&loop, options, &agent, err);
    if (rc < 0) {
        uv_run(&loop, UV_RUN_NOWAIT); /* what it had opened is closing */
        uv_loop_close(&loop);
        return rc;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return ls_agent_close(agent);
}

int main(int argc, char **argv)
{
    struct ls_agent_options options;
    struct ls_error err = {0};
    int rc;

    signal(SIGPIPE, SIG_IGN);
    ls_log_open("lockstep-agent", LS_LOG_INFO, false);
    rc = ls_agent_options_read(argc, argv, &options, &err);
    if (rc == 0) {
        ls_log_open("lockstep-agent", options.log_level, options.log_json);
        rc = run(&options, &err);
        ls_agent_options_free(&options);
    }
    if (rc < 0 && err.text[0])
        ls_log_error("%s", err.text);
    return rc < 0 ? 1 : 0;
}
