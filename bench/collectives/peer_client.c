/* bench/collectives/peer_client.c - MPI in processes of its own, started by rank 0. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/collectives/mpi.h"
#include "bench/collectives/peer.h"
#include "bench/collectives/peer_protocol.h"
#include "bench/machine/hop.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum {
    START_MS = 60000,   /* for mpirun to start its ranks */
    ANSWER_MS = 300000, /* for one batch */
    LEAVE_MS = 10000,
    ARGUMENTS_MAX = 24,
};

/* Only rank 0 has more than `peer`. */
struct client {
    struct ls_peer peer;
    int ranks;
    int *fds;  /* one per rank of mpirun, in its order */
    pid_t pid; /* mpirun; 0 = none */
    int pidfd;
    int output; /* memfd: what mpirun and its ranks print */
};

/* Variables of whoever started us, which would make mpirun believe it is inside a job.
 */
static void clean_environment(void)
{
    static const char *const prefixes[] = {"LOCKSTEP_",  "SLURM_",        "PMI",
                                           "OMPI_COMM_", "OMPI_UNIVERSE", "ORTE_"};

    for (size_t i = 0; environ[i];) {
        bool ours = false;

        for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++)
            ours = ours || strncmp(environ[i], prefixes[p], strlen(prefixes[p])) == 0;
        if (ours) {
            char *name = strndup(environ[i], strcspn(environ[i], "="));

            unsetenv(name);
            free(name);
        } else {
            i++;
        }
    }
}

/* In the child: become mpirun. */
static _Noreturn void become_mpirun(char **arguments, int output)
{
    cpu_set_t all;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    CPU_ZERO(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        CPU_SET(cpu, &all);
    (void)sched_setaffinity(0, sizeof(all), &all); /* it binds its ranks itself */
    clean_environment();
    (void)freopen("/dev/null", "r", stdin);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(arguments[0], arguments);
    fprintf(stderr, "cannot start mpirun: %s\n", strerror(errno));
    _exit(127);
}

/* "WHY: the end of what mpirun printed". */
static int mpirun_error(const struct client *client, struct ls_error *err,
                        const char *why)
{
    char text[LS_ERROR_TEXT_MAX / 2] = "";
    off_t size = lseek(client->output, 0, SEEK_END);
    off_t from = size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0;
    ssize_t got = pread(client->output, text, sizeof(text) - 1, from);

    if (got <= 0)
        return ls_error_set(err, -EIO, "--vs mpi: %s", why);
    for (char *c = text; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    return ls_error_set(err, -EIO, "--vs mpi: %s: … %s", why, text);
}

static int start_mpirun(struct client *client, const struct ls_bench *bench,
                        const char *name, struct ls_error *err)
{
    char *arguments[ARGUMENTS_MAX], ranks[16], self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int n = 0;

    if (length < 0)
        return ls_error_sys(err, -errno, "cannot tell which program this is");
    self[length] = '\0';
    snprintf(ranks, sizeof(ranks), "%d", bench->ranks);
    arguments[n++] = (char *)"mpirun";
    arguments[n++] = (char *)"-np";
    arguments[n++] = ranks;
    if (geteuid() == 0)
        arguments[n++] = (char *)"--allow-run-as-root";
    if (bench->ranks > ls_cpu_count())
        arguments[n++] = (char *)"--oversubscribe";
    if (bench->nodes > 1) {
        arguments[n++] = (char *)"--mca";
        arguments[n++] = (char *)"btl";
        arguments[n++] = (char *)"tcp,self";
    }
    arguments[n++] = self;
    arguments[n++] = (char *)"--peer-server";
    arguments[n++] = (char *)name;
    arguments[n] = NULL;
    client->pid = fork();
    if (client->pid < 0)
        return ls_error_sys(err, -errno, "cannot start mpirun");
    if (client->pid == 0)
        become_mpirun(arguments, client->output);
    client->pidfd = pidfd_open(client->pid, 0);
    return client->pidfd < 0 ? ls_error_sys(err, -errno, "pidfd_open") : 0;
}

static int listen_at(const char *name, int ranks, struct ls_error *err)
{
    struct sockaddr_un address;
    socklen_t length = ls_peer_address(name, &address);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ls_error_sys(err, -errno, "cannot make a socket");
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, ranks) < 0) {
        int rc = ls_error_sys(err, -errno, "cannot listen for mpirun's ranks");

        close(fd);
        return rc;
    }
    return fd;
}

/* One of mpirun's ranks, of our own user, has connected and says hello. */
static int admit(struct client *client, int fd, char *version, size_t version_size)
{
    struct ls_peer_hello hello;
    struct ucred from;
    socklen_t size = sizeof(from);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &from, &size) < 0 ||
        from.uid != geteuid() || recv(fd, &hello, sizeof(hello), 0) != sizeof(hello) ||
        hello.rank < 0 || hello.rank >= client->ranks || hello.size != client->ranks ||
        client->fds[hello.rank] >= 0)
        return -EPROTO;
    client->fds[hello.rank] = fd;
    hello.version[sizeof(hello.version) - 1] = '\0';
    snprintf(version, version_size, "%s", hello.version);
    return 0;
}

static int accept_all(struct client *client, int listener, char *version,
                      size_t version_size, struct ls_error *err)
{
    uint64_t end_ms = ls_clock_ms() + START_MS;

    for (int admitted = 0; admitted < client->ranks;) {
        struct pollfd fds[2] = {{.fd = listener, .events = POLLIN},
                                {.fd = client->pidfd, .events = POLLIN}};
        uint64_t now_ms = ls_clock_ms();
        int fd;

        if (now_ms >= end_ms || poll(fds, 2, (int)(end_ms - now_ms)) == 0)
            return mpirun_error(client, err,
                                "mpirun has not started its ranks in time");
        if (fds[1].revents)
            return mpirun_error(client, err, "mpirun has ended");
        if (!fds[0].revents)
            continue;
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && admit(client, fd, version, version_size) == 0)
            admitted++;
        else
            ls_close(fd);
    }
    return 0;
}

static int start(struct client *client, const struct ls_bench *bench,
                 struct ls_error *err)
{
    char name[64], version[120] = "", settings[128];
    uint64_t random = 0;
    int listener, rc;

    (void)getrandom(&random, sizeof(random), 0);
    snprintf(name, sizeof(name), "lockstep-bench-%d-%016llx", (int)getpid(),
             (unsigned long long)random);
    client->output = memfd_create("mpirun", MFD_CLOEXEC);
    if (client->output < 0)
        return ls_error_sys(err, -errno, "memfd_create");
    listener = listen_at(name, client->ranks, err);
    if (listener < 0)
        return listener;
    rc = start_mpirun(client, bench, name, err);
    if (rc == 0)
        rc = accept_all(client, listener, version, sizeof(version), err);
    close(listener);
    ls_mpi_settings(settings, sizeof(settings));
    snprintf(client->peer.description, sizeof(client->peer.description),
             "%s in processes of its own (mpirun -np %d%s), in turn with ours, %s",
             version, client->ranks, bench->nodes > 1 ? " --mca btl tcp,self" : "",
             settings);
    return rc;
}

/* Send a request to all of mpirun's ranks; 0 iterations ends them. */
static int ask(struct client *client, const struct ls_case *c, unsigned iterations,
               struct ls_error *err)
{
    struct ls_peer_request request = {.iterations = iterations};

    if (c)
        request.c = *c;
    for (int rank = 0; rank < client->ranks; rank++)
        if (send(client->fds[rank], &request, sizeof(request), MSG_NOSIGNAL) < 0)
            return mpirun_error(client, err, "a rank of mpirun is gone");
    return 0;
}

static int answer(struct client *client, int rank, double *ret_seconds,
                  struct ls_error *err)
{
    struct pollfd fds[2] = {{.fd = client->fds[rank], .events = POLLIN},
                            {.fd = client->pidfd, .events = POLLIN}};
    struct ls_peer_reply reply;

    while (poll(fds, 2, ANSWER_MS) < 0)
        if (errno != EINTR)
            return ls_error_sys(err, -errno, "poll");
    if (!fds[0].revents)
        return mpirun_error(client, err,
                            fds[1].revents ? "mpirun has ended"
                                           : "mpirun does not answer");
    if (recv(client->fds[rank], &reply, sizeof(reply), 0) != sizeof(reply) ||
        reply.seconds < 0)
        return mpirun_error(client, err, "a rank of mpirun failed");
    *ret_seconds = reply.seconds;
    return 0;
}

static int time_in_mpirun(struct ls_peer *peer, struct ls_bench *bench,
                          const struct ls_case *c, unsigned iterations,
                          double *ret_seconds, struct ls_error *err)
{
    struct client *client = (struct client *)peer;
    int rc = 0;

    if (bench->rank == 0) {
        rc = ask(client, c, iterations, err);
        for (int rank = 0; rank < client->ranks && rc == 0; rank++)
            rc = answer(client, rank, &bench->gathered[rank], err);
    }
    if (rc < 0)
        return rc;
    rc = ls_bench_wait_quietly(bench, err);
    if (rc < 0)
        return rc;
    if (lockstep_broadcast(bench->comm, bench->gathered, (size_t)bench->ranks,
                           LOCKSTEP_FLOAT64, 0) != LOCKSTEP_OK)
        return ls_exchange_error(err, "broadcast");
    return ls_bench_combine(bench, bench->gathered[bench->rank], ret_seconds, err);
}

/* mpirun ends when its ranks do; one that does not is told to. */
static void end_mpirun(struct client *client)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct pollfd fd = {.fd = client->pidfd, .events = POLLIN};

        if (signals[i])
            kill(client->pid, signals[i]);
        if (poll(&fd, 1, LEAVE_MS) == 1)
            break;
    }
    waitpid(client->pid, NULL, 0);
}

static void close_client(struct ls_peer *peer)
{
    struct client *client = (struct client *)peer;

    if (client->fds) {
        for (int rank = 0; rank < client->ranks; rank++)
            ls_close(client->fds[rank]); /* its recv() returns 0 */
        if (client->pid > 0)
            end_mpirun(client);
        ls_close(client->pidfd);
        ls_close(client->output);
        ls_free(client->fds);
    }
    ls_free(client);
}

int ls_peer_client_open(struct ls_bench *bench, struct ls_peer **ret_peer,
                        struct ls_error *err)
{
    struct client *client = ls_calloc(1, sizeof(*client));
    int rc = 0;

    client->peer.time = time_in_mpirun;
    client->peer.close = close_client;
    client->ranks = bench->ranks;
    if (!bench->limits.one_machine)
        rc = ls_error_set(err, -ENOTSUP,
                          "--vs mpi: the ranks are on several machines; start "
                          "lockstep-bench by mpirun there instead");
    if (rc == 0 && bench->rank == 0) {
        client->pidfd = client->output = -1;
        client->fds = ls_calloc((size_t)client->ranks, sizeof(int));
        for (int rank = 0; rank < client->ranks; rank++)
            client->fds[rank] = -1;
        rc = start(client, bench, err);
    }
    if (rc == 0)
        rc = ls_bench_wait_quietly(bench, err);
    if (rc < 0) {
        close_client(&client->peer);
        return rc;
    }
    *ret_peer = &client->peer;
    return 0;
}
