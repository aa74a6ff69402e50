/* scheduler/cli/submission.c - sending a job to the scheduler. */
#include "scheduler/cli/submission.h"

#include <errno.h>

#include "common/util/clock.h"

int ls_submit(struct ls_client *client, Ls__JobSpec *spec, uint64_t *ret_job,
              struct ls_error *err)
{
    Ls__SubmitRequest submit = LS__SUBMIT_REQUEST__INIT;
    Ls__Frame request = LS__FRAME__INIT;
    Ls__Frame *answer;
    int rc;

    submit.spec = spec;
    request.body_case = LS__FRAME__BODY_SUBMIT;
    request.submit = &submit;
    rc = ls_client_ask_again(client, &request, ls_clock_ms() + LS_SUBMIT_AWAY_MS,
                             &answer, err);
    if (rc < 0)
        return rc;
    if (answer->body_case == LS__FRAME__BODY_SUBMIT_REPLY)
        *ret_job = answer->submit_reply->job;
    else
        rc = ls_error_set(err, -EPROTO, "the scheduler answered with another message");
    ls__frame__free_unpacked(answer, NULL);
    return rc;
}
