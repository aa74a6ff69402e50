/* Tests of agent/proc/process.h: real processes, found and ended. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/proc/process.h"
#include "agent/proc/spawn.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

/* Start a shell; returns once it has written a line (its pipe's other end is *ret_out).
 */
static pid_t start_shell(const char *script, const char *step_id, int *ret_out)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    char *line = ls_asprintf(LS_STEP_ID_VARIABLE "=%s", step_id);
    const char *const env[] = {"PATH=/usr/bin:/bin", line, NULL};
    int out[2], exit_code;
    pid_t pid = 0;
    char byte;
    struct ls_spawn spawn = {.argv = (char *const *)argv,
                             .env = (char *const *)env,
                             .stdin_fd = -1,
                             .stderr_fd = -1};

    assert_int_equal(pipe(out), 0);
    spawn.stdout_fd = out[1];
    assert_int_equal(ls_spawn(&spawn, &pid, &exit_code, NULL), 0);
    close(out[1]);
    assert_int_equal(read(out[0], &byte, 1), 1);
    *ret_out = out[0];
    ls_free(line);
    return pid;
}

/* All writers of the pipe are gone: nobody is left. */
static void assert_closed(int out)
{
    char bytes[64];
    ssize_t size;

    while ((size = read(out, bytes, sizeof(bytes))) > 0)
        ;
    assert_int_equal(size, 0);
    close(out);
}

static void reap_all(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
    assert_int_equal(errno, ECHILD);
}

static void a_sweep_finds_detached_processes_by_their_id(void **state)
{
    char *mine = ls_asprintf("sweep.%d", (int)getpid());
    char *longer = ls_asprintf("%s.1", mine);
    int mine_out, other_out;
    pid_t other;

    (void)state;
    start_shell("trap '' TERM; (setsid sleep 1000 &); echo; sleep 1000", mine,
                &mine_out);
    other = start_shell("echo; exec sleep 1000", longer, &other_out);
    assert_true(ls_process_sweep(mine, NULL) >= 2);
    assert_closed(mine_out);
    assert_int_equal(kill(other, 0), 0); /* a longer id is another id */
    assert_int_equal(ls_process_sweep(mine, NULL), 0);
    assert_int_equal(ls_process_sweep(longer, NULL), 1);
    assert_closed(other_out);
    reap_all();
    ls_free(mine);
    ls_free(longer);
}

static void descendants_are_found_whatever_their_environment(void **state)
{
    int out;

    (void)state;
    start_shell("env -i setsid sh -c 'trap \"\" TERM; echo; exec sleep 1000' &"
                "exec sleep 1000",
                "x", &out);
    assert_true(ls_process_signal_descendants(SIGKILL, NULL, 0, NULL) >= 2);
    assert_closed(out);
    reap_all();
    assert_int_equal(ls_process_signal_descendants(SIGKILL, NULL, 0, NULL), 0);
}

static void spared_trees_live_on(void **state)
{
    int spared_out, other_out;
    pid_t spared;

    (void)state;
    spared = start_shell("echo; sleep 1000", "x", &spared_out);
    start_shell("echo; sleep 1000", "x", &other_out);
    assert_true(ls_process_signal_descendants(SIGKILL, &spared, 1, NULL) >= 1);
    assert_closed(other_out);
    assert_int_equal(waitpid(spared, NULL, WNOHANG), 0);
    ls_process_signal_descendants(SIGKILL, NULL, 0, NULL);
    assert_closed(spared_out);
    reap_all();
}

static void other_signals_are_passed_on(void **state)
{
    int out, status;
    pid_t pid;

    (void)state;
    pid = start_shell("trap 'exit 9' USR1; echo; while :; do :; done", "x", &out);
    assert_int_equal(ls_process_signal_descendants(SIGUSR1, NULL, 0, NULL), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 9);
    close(out);
}

static int become_subreaper(void **state)
{
    (void)state;
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_finds_detached_processes_by_their_id),
        cmocka_unit_test(descendants_are_found_whatever_their_environment),
        cmocka_unit_test(spared_trees_live_on),
        cmocka_unit_test(other_signals_are_passed_on),
    };

    return cmocka_run_group_tests(tests, become_subreaper, NULL);
}
