/* Tests of agent/proc/spawn.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/proc/spawn.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "tests/lib/cmocka.h"

static char dir[] = "/tmp/spawn_test-XXXXXX";
/* What execve(2) takes, of what it never changes. */
#define WORDS(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

static const char *const plain_env_lines[] = {"PATH=/usr/bin:/bin", NULL};
static char *const *const plain_env = (char *const *)plain_env_lines;

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return ls_dir_remove(dir, NULL);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
    char *path = ls_asprintf("%s/%s", dir, name);

    assert_int_equal(ls_file_write_atomic(path, text, strlen(text), NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
    ls_free(path);
}

/* Run to the end; its standard output (the caller frees) and exit code. */
static char *run(struct ls_spawn *spawn, int *ret_exit_code)
{
    char text[4096];
    size_t size = 0;
    ssize_t part;
    int out[2], status, exit_code;
    pid_t pid = 0;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    spawn->stdin_fd = -1;
    spawn->stdout_fd = out[1];
    spawn->stderr_fd = out[1];
    assert_int_equal(ls_spawn(spawn, &pid, &exit_code, NULL), 0);
    close(out[1]);
    while ((part = read(out[0], text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)part;
    close(out[0]);
    text[size] = '\0';
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    *ret_exit_code = WEXITSTATUS(status);
    return ls_strdup(text);
}

static char *run_shell(const char *script, struct ls_spawn spawn)
{
    int exit_code;
    char *text;

    spawn.argv = WORDS("sh", "-c", script);
    spawn.env = plain_env;
    text = run(&spawn, &exit_code);
    assert_int_equal(exit_code, 0);
    return text;
}

static void assert_refused(const char *program, const char *cwd, char *const *env,
                           int exit_code_wanted, const char *text)
{
    struct ls_spawn spawn = {.argv = WORDS(program),
                             .env = env,
                             .cwd = cwd,
                             .stdin_fd = -1,
                             .stdout_fd = -1,
                             .stderr_fd = -1};
    struct ls_error err = {0};
    int exit_code;
    pid_t pid;

    assert_true(ls_spawn(&spawn, &pid, &exit_code, &err) < 0);
    assert_int_equal(exit_code, exit_code_wanted);
    assert_string_equal(err.text, text);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void what_cannot_run_is_said_as_in_a_shell(void **state)
{
    char *const *odd_path = WORDS("PATH=/etc/passwd:/nowhere:tools");

    (void)state;
    make_file("data", "text", 0644);
    make_file("broken", "\1\2\3\4", 0755);
    assert_refused("no-such", dir, plain_env, 127,
                   "cannot run 'no-such': No such file or directory");
    assert_refused("./no-such", dir, plain_env, 127,
                   "cannot run './no-such': No such file or directory");
    assert_refused("no-such", dir, odd_path, 127,
                   "cannot run 'no-such': No such file or directory");
    assert_refused("./data", dir, plain_env, 126,
                   "cannot run './data': Permission denied");
    assert_refused("./broken", dir, plain_env, 126,
                   "cannot run './broken': Exec format error");
    assert_refused(".", dir, plain_env, 126, "cannot run '.': Permission denied");
    assert_refused("true", "/nowhere", plain_env, 1,
                   "cannot enter '/nowhere': No such file or directory");
}

static void the_path_of_the_environment_is_searched_from_the_directory(void **state)
{
    struct ls_spawn spawn = {.argv = WORDS("tool", "x"),
                             .env = WORDS("PATH=/nowhere::/usr/bin:/bin"),
                             .cwd = dir};
    int exit_code;
    char *text;

    (void)state;
    make_file("tool", "#!/bin/sh\necho tool $1\nexit 4\n", 0755);
    text = run(&spawn, &exit_code);
    assert_string_equal(text, "tool x\n");
    assert_int_equal(exit_code, 4);
    ls_free(text);
}

static void a_file_that_may_not_run_does_not_hide_a_later_one(void **state)
{
    char *path = ls_asprintf("PATH=%s:/usr/bin:/bin", dir);
    struct ls_spawn spawn = {.argv = WORDS("echo", "real"), .env = WORDS(path)};
    int exit_code;
    char *text;

    (void)state;
    make_file("echo", "no program", 0644);
    text = run(&spawn, &exit_code);
    assert_string_equal(text, "real\n");
    ls_free(text);
    ls_free(path);
}

static void a_child_has_only_its_descriptors(void **state)
{
    int extra = open("/dev/null", O_RDONLY); /* would be inherited */
    int kept[2];
    struct ls_spawn spawn = {.keep_count = 2};
    char *text;

    (void)state;
    assert_int_equal(pipe(kept), 0);
    spawn.keep[0] = kept[1]; /* crossed on purpose: 3 and 4 are likely their numbers */
    spawn.keep[1] = kept[0];
    text = run_shell("echo kept >&3; read line <&4; echo $line; i=0;"
                     "while [ $i -lt 200 ]; do [ -e /proc/$$/fd/$i ] && echo $i;"
                     " i=$((i + 1)); done; true",
                     spawn);
    assert_string_equal(text, "kept\n0\n1\n2\n3\n4\n");
    ls_free(text);
    close(extra);
    close(kept[0]);
    close(kept[1]);
}

static void signals_are_as_after_a_login(void **state)
{
    sigset_t blocked, old;
    struct ls_spawn spawn = {0};
    char *text;

    (void)state;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    signal(SIGPIPE, SIG_IGN);
    text = run_shell("exec sed -n '/^Sig[BIC]/s/.*:.//p' /proc/self/status", spawn);
    assert_string_equal(text, "0000000000000000\n0000000000000000\n0000000000000000\n");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    ls_free(text);
}

static void groups_and_sessions_are_new(void **state)
{
    struct ls_spawn session = {.new_session = true};
    struct ls_spawn group = {0};
    const char *script = "set -- $(cat /proc/$$/stat); [ $5 = $1 ] && echo group;"
                         "[ $6 = $1 ] && echo session; true";
    char *text = run_shell(script, session);

    (void)state;
    assert_string_equal(text, "group\nsession\n");
    ls_free(text);
    text = run_shell(script, group);
    assert_string_equal(text, "group\n");
    ls_free(text);
}

static void a_child_dies_with_its_parent(void **state)
{
    struct ls_spawn spawn = {.argv = WORDS("sleep", "1000"),
                             .env = plain_env,
                             .stdin_fd = -1,
                             .stderr_fd = -1,
                             .die_with_parent = true};
    int out[2], exit_code;
    char byte;
    pid_t parent, pid;

    (void)state;
    assert_int_equal(pipe(out), 0);
    parent = fork();
    if (parent == 0) {
        spawn.stdout_fd = out[1];
        _exit(ls_spawn(&spawn, &pid, &exit_code, NULL) == 0 ? 0 : 1);
    }
    close(out[1]);
    assert_int_equal(waitpid(parent, &exit_code, 0), parent);
    assert_int_equal(WEXITSTATUS(exit_code), 0);
    assert_int_equal(read(out[0], &byte, 1), 0); /* its copy of the pipe is gone */
    close(out[0]);
}

static void a_child_is_bound_to_its_cpus(void **state)
{
    struct ls_cpus cpus;
    struct ls_spawn spawn = {.cpus = &cpus};
    struct ls_error err = {0};
    char *text;

    (void)state;
    assert_int_equal(ls_cpus_parse("0-8191", &cpus, &err), 0);
    assert_true(ls_cpus_keep_allowed(&cpus, &err) > 0);
    for (unsigned cpu = 0, seen = 0; cpu < LS_CPUS_MAX; cpu++) {
        cpu_set_t *set = (cpu_set_t *)(void *)cpus.bytes;

        if (CPU_ISSET_S(cpu, sizeof(cpus.bytes), set) && seen++)
            CPU_CLR_S(cpu, sizeof(cpus.bytes), set);
    }
    text = run_shell("nproc", spawn);
    assert_string_equal(text, "1\n");
    ls_free(text);
}

static void another_user_is_become_with_its_groups(void **state)
{
    const uid_t nobody = 65534;
    struct ls_identity identity;
    struct ls_spawn spawn = {.identity = &identity};
    char *text;

    (void)state;
    if (geteuid() != 0) {
        assert_int_equal(ls_identity_find(0, 0, &identity, NULL), -EPERM);
        return;
    }
    assert_int_equal(ls_identity_find(nobody, nobody, &identity, NULL), 0);
    text = run_shell("id -u; id -g; id -G", spawn);
    assert_string_equal(text, "65534\n65534\n65534\n");
    ls_free(text);
    assert_int_equal(ls_identity_enter(&identity), 0);
    assert_int_equal(open("/etc/shadow", O_RDONLY), -1);
    ls_identity_leave(&identity);
    assert_int_equal(access("/root", W_OK), 0);
    ls_identity_free(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_run_is_said_as_in_a_shell),
        cmocka_unit_test(the_path_of_the_environment_is_searched_from_the_directory),
        cmocka_unit_test(a_file_that_may_not_run_does_not_hide_a_later_one),
        cmocka_unit_test(a_child_has_only_its_descriptors),
        cmocka_unit_test(signals_are_as_after_a_login),
        cmocka_unit_test(groups_and_sessions_are_new),
        cmocka_unit_test(a_child_dies_with_its_parent),
        cmocka_unit_test(a_child_is_bound_to_its_cpus),
        cmocka_unit_test(another_user_is_become_with_its_groups),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
