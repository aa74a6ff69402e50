/* bench/train/hello.c - the shortest program that exchanges something.
 *
 *     lockstep run -n 4 -- lockstep-hello
 *
 * Build one like it:  cc hello.c $(pkg-config --cflags --libs lockstep) */
#include <stdio.h>

#include <lockstep.h>

enum { COUNT = 1000000 };

static int fail(const char *what)
{
    fprintf(stderr, "lockstep-hello: %s: %s\n", what, lockstep_error_text());
    return 1;
}

int main(void)
{
    lockstep_comm *comm;
    float *gradient;
    int rank, size, wrong = 0;

    /* Join the job that this process was started for; alone it is a job of one rank. */
    if (lockstep_init(&comm) != LOCKSTEP_OK)
        return fail("cannot join the job");
    rank = lockstep_rank(comm);
    size = lockstep_size(comm);

    /* Memory that the other ranks of this node read without a copy. */
    gradient = lockstep_alloc(comm, COUNT * sizeof(*gradient));
    if (!gradient)
        return fail("cannot get memory");
    for (int i = 0; i < COUNT; i++)
        gradient[i] = (float)(rank + i % 10);

    /* gradient := the average of all ranks' gradients, here in place. */
    if (lockstep_allreduce(comm, gradient, gradient, COUNT, LOCKSTEP_FLOAT32,
                           LOCKSTEP_AVG) != LOCKSTEP_OK)
        return fail("cannot average");

    for (int i = 0; i < COUNT; i++)
        wrong += gradient[i] != (float)(i % 10) + (float)(size - 1) / 2;
    printf("rank %d of %d on node %d of %d: averaged %d floats, %d wrong\n", rank, size,
           lockstep_node_rank(comm), lockstep_node_count(comm), COUNT, wrong);

    lockstep_free(comm, gradient);
    if (lockstep_finalize(comm) != LOCKSTEP_OK)
        return fail("cannot leave the job");
    return wrong != 0;
}
