/* bench/train/train.c - lockstep-train: data-parallel training, rank by rank.
 *
 * Every rank has the whole network and computes on its share of each step's images; the
 * gradients are averaged over all ranks (gradients.c) and every rank makes the same
 * move (optimizer.c). Read train_step() first. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/machine/placement.h"
#include "bench/train/data.h"
#include "bench/train/gradients.h"
#include "bench/train/model.h"
#include "bench/train/optimizer.h"
#include "bench/train/options.h"
#include "bench/train/order.h"
#include "bench/train/progress.h"
#include "bench/train/result.h"
#include "bench/train/speed.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

enum { REPORTS_PER_EPOCH = 10, EVALUATION_ROWS = 250 };

static const uint32_t WIDTHS[] = {LS_IMAGE_PIXELS, 256, 128, LS_LABEL_COUNT};
enum { LAYERS = sizeof(WIDTHS) / sizeof(WIDTHS[0]) - 1 };

struct trainer {
    struct ls_train_options options;
    lockstep_comm *comm;
    uint32_t rank, ranks;
    struct ls_images images, test_images;
    struct ls_order order;
    struct ls_model model;
    float *parameters; /* equal on all ranks after every step */
    struct ls_gradients gradients;
    struct ls_sgd sgd;
    struct ls_pass pass;
    uint8_t *labels; /* of the rows of the pass */
    struct ls_placement *placement;
    uint64_t training_ns; /* of all steps */
    FILE *out;            /* rank 0: what people read */
};

/* One step: forward and backward on this rank's images, with the finished parts of the
 * gradient on their way to the other ranks meanwhile; then the move, part by part as
 * the averages arrive. *loss += sum over the rank's images. */
static int train_step(struct trainer *trainer, uint64_t step, double *loss,
                      struct ls_error *err)
{
    const uint32_t batch = trainer->options.batch;
    const uint32_t *rows = ls_order_rows(&trainer->order, step, trainer->rank, batch);
    const float rate = ls_sgd_rate(&trainer->sgd, step);
    const struct ls_bucket *part;
    uint64_t start_ns = ls_clock_ns();

    ls_images_gather(&trainer->images, rows, batch, trainer->pass.outputs[0],
                     trainer->labels);
    ls_model_forward(&trainer->model, trainer->parameters, &trainer->pass, batch);
    *loss += ls_model_backward(&trainer->model, trainer->parameters, &trainer->pass,
                               trainer->labels, batch, trainer->gradients.values,
                               ls_gradients_ready, &trainer->gradients);
    while (ls_gradients_next(&trainer->gradients, &part))
        ls_sgd_apply(&trainer->sgd, trainer->parameters, trainer->gradients.values,
                     part->first, part->count, rate);
    trainer->training_ns += ls_clock_ns() - start_ns;
    if (trainer->gradients.status != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot average the gradients");
    return 0;
}

/* Share of the test images that the network gets right; each rank looks at its part. */
static int evaluate(struct trainer *trainer, double *ret_accuracy, struct ls_error *err)
{
    uint64_t count = trainer->test_images.count;
    uint32_t first = (uint32_t)(count * trainer->rank / trainer->ranks);
    uint32_t end = (uint32_t)(count * (trainer->rank + 1) / trainer->ranks);
    int64_t correct = 0, all_correct;
    uint32_t rows[EVALUATION_ROWS];

    while (first < end) {
        uint32_t part = end - first < EVALUATION_ROWS ? end - first : EVALUATION_ROWS;

        for (uint32_t i = 0; i < part; i++)
            rows[i] = first + i;
        ls_images_gather(&trainer->test_images, rows, part, trainer->pass.outputs[0],
                         trainer->labels);
        ls_model_forward(&trainer->model, trainer->parameters, &trainer->pass, part);
        correct +=
            ls_model_correct(&trainer->model, &trainer->pass, trainer->labels, part);
        first += part;
    }
    if (lockstep_allreduce(trainer->comm, &correct, &all_correct, 1, LOCKSTEP_INT64,
                           LOCKSTEP_SUM) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot add up the test results");
    *ret_accuracy = (double)all_correct / (double)count;
    return 0;
}

/* What was reached since a moment of the training, for the progress display. */
struct since {
    uint64_t steps, training_ns, span_ns, bytes;
    double loss; /* sum over this rank's images */
};

static struct since since_now(const struct trainer *trainer, uint64_t step)
{
    return (struct since){
        .steps = step,
        .training_ns = trainer->training_ns,
        .span_ns = trainer->gradients.span_ns,
        .bytes = trainer->gradients.bytes,
    };
}

/* Fill loss and speeds of the steps up to `step`; collective. */
static int summarise(const struct trainer *trainer, const struct since *since,
                     uint64_t step, struct ls_progress_state *state,
                     struct ls_error *err)
{
    double images = (double)(step - since->steps) * trainer->options.global_batch;
    double seconds = (double)(trainer->training_ns - since->training_ns) * 1e-9;
    double span = (double)(trainer->gradients.span_ns - since->span_ns) * 1e-9;
    double bytes = (double)(trainer->gradients.bytes - since->bytes);
    double loss;

    if (lockstep_allreduce(trainer->comm, &since->loss, &loss, 1, LOCKSTEP_FLOAT64,
                           LOCKSTEP_SUM) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot add up the loss");
    if (!isfinite(loss))
        return ls_error_set(
            err, -EDOM, "the loss is no number any more at step %llu: try a lower --lr",
            (unsigned long long)step);
    state->loss = loss / images;
    state->images_per_s = images / seconds;
    state->bus_bytes_per_s = span > 0 ? ls_bus_bytes(trainer->comm, bytes) / span : 0;
    return 0;
}

/* Train the steps [step, end), which lie in one epoch, with a report for every tenth of
 * the epoch. Leaves the epoch's figures in *state. */
static int train_epoch(struct trainer *trainer, uint64_t step, uint64_t end,
                       struct ls_progress_state *state, struct ls_error *err)
{
    uint64_t per_epoch = ls_order_steps_per_epoch(&trainer->order);
    uint64_t epoch_start = step / per_epoch * per_epoch;
    struct since epoch = since_now(trainer, step);
    struct since report = epoch;

    while (step < end) {
        double loss = 0;
        int rc = train_step(trainer, step++, &loss, err);
        uint64_t done = step - epoch_start;

        if (rc < 0)
            return rc;
        epoch.loss += loss;
        report.loss += loss;
        if (done * REPORTS_PER_EPOCH / per_epoch ==
            (done - 1) * REPORTS_PER_EPOCH / per_epoch)
            continue;
        state->fraction = (double)done / (double)per_epoch;
        rc = summarise(trainer, &report, step, state, err);
        if (rc < 0)
            return rc;
        if (trainer->rank == 0)
            ls_progress_print(trainer->out, trainer->options.progress, state);
        report = since_now(trainer, step);
    }
    return summarise(trainer, &epoch, step, state, err);
}

/* All epochs, or --steps steps. Fills accuracy, loss and steps of the result. */
static int train(struct trainer *trainer, struct ls_train_result *result,
                 struct ls_error *err)
{
    uint64_t per_epoch = ls_order_steps_per_epoch(&trainer->order);
    struct ls_progress_state state = {0};

    state.epochs = (uint32_t)((trainer->sgd.steps + per_epoch - 1) / per_epoch);
    for (uint64_t step = 0; step < trainer->sgd.steps;) {
        uint64_t end = (step / per_epoch + 1) * per_epoch;
        uint64_t before_ns = trainer->training_ns;
        int rc;

        end = end < trainer->sgd.steps ? end : trainer->sgd.steps;
        state.epoch = (uint32_t)(step / per_epoch) + 1;
        rc = train_epoch(trainer, step, end, &state, err);
        if (rc == 0)
            rc = evaluate(trainer, &result->accuracy, err);
        if (rc < 0)
            return rc;
        step = end;
        if (trainer->rank == 0)
            ls_progress_epoch(trainer->out, trainer->options.progress, &state,
                              result->accuracy,
                              (double)(trainer->training_ns - before_ns) * 1e-9);
    }
    result->loss = state.loss;
    result->steps = trainer->sgd.steps;
    return 0;
}

/* Times and bandwidths of the whole training; collective. */
static int measure(struct trainer *trainer, struct ls_train_result *result,
                   struct ls_error *err)
{
    const struct ls_gradients *gradients = &trainer->gradients;
    double exchange = (double)gradients->blocked_ns * 1e-9;
    double total = (double)trainer->training_ns * 1e-9;
    double span = (double)gradients->span_ns * 1e-9;
    double own[2] = {total - exchange, exchange}, mean[2];
    double bus_bytes = ls_bus_bytes(trainer->comm, (double)gradients->bytes);
    struct ls_exchange_speed speed;
    int rc;

    if (lockstep_allreduce(trainer->comm, own, mean, 2, LOCKSTEP_FLOAT64,
                           LOCKSTEP_AVG) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot gather the times");
    rc = ls_exchange_speed(&trainer->gradients, trainer->model.parameter_count,
                           trainer->placement, &speed, err);
    if (rc < 0)
        return rc;
    result->seconds = total;
    result->compute_s = mean[0];
    result->exchange_s = mean[1];
    result->overlap_bus_bytes_per_s = span > 0 ? bus_bytes / span : 0;
    result->alone_bus_bytes_per_s = speed.alone_bus_bytes_per_s;
    result->limit_bus_bytes_per_s = speed.limit_bus_bytes_per_s;
    result->limit_name = speed.limit_name;
    return 0;
}

/* Rank 0 hands over what was reached. */
static int deliver(const struct trainer *trainer, const struct ls_train_result *result,
                   struct ls_error *err)
{
    const struct ls_train_options *options = &trainer->options;
    int rc = 0;

    if (trainer->rank != 0)
        return 0;
    ls_train_result_print(trainer->out, result);
    if (options->json)
        rc = ls_train_result_write_json(options->json, result, err);
    if (rc == 0 && options->weights_out)
        rc = ls_train_weights_write(options->weights_out, trainer->parameters,
                                    trainer->model.parameter_count, err);
    return rc;
}

static int run(struct trainer *trainer, struct ls_error *err)
{
    struct ls_train_result result = {
        .options = &trainer->options,
        .placement = trainer->placement,
        .ranks = (int)trainer->ranks,
        .nodes = lockstep_node_count(trainer->comm),
        .parameters = trainer->model.parameter_count,
        .exchange_bytes = trainer->model.parameter_count * sizeof(float),
    };
    int rc;

    if (trainer->rank == 0) {
        fprintf(trainer->out,
                "training %zu parameters on %u images: ranks %u, nodes %d, "
                "batch %u per rank, %u in all\n",
                result.parameters, trainer->images.count, trainer->ranks, result.nodes,
                trainer->options.batch, trainer->options.global_batch);
        fflush(trainer->out);
    }
    rc = train(trainer, &result, err);
    if (rc == 0)
        rc = measure(trainer, &result, err);
    if (rc == 0)
        rc = deliver(trainer, &result, err);
    return rc;
}

/* Rank 0's weights on all ranks: all start from the same point. */
static int share_weights(struct trainer *trainer, struct ls_error *err)
{
    size_t count = trainer->model.parameter_count;

    trainer->parameters = lockstep_alloc(trainer->comm, count * sizeof(float));
    if (!trainer->parameters)
        return ls_exchange_error(err, "cannot get memory for the weights");
    if (trainer->rank == 0)
        ls_model_randomise(&trainer->model, trainer->parameters, trainer->options.seed);
    if (lockstep_broadcast(trainer->comm, trainer->parameters, count, LOCKSTEP_FLOAT32,
                           0) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot share the weights");
    if (ls_gradients_init(&trainer->gradients, trainer->comm, count) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot get memory for the gradient");
    return 0;
}

/* Join the job and set up everything that depends on its size. */
static int join(struct trainer *trainer, struct ls_error *err)
{
    struct ls_train_options *options = &trainer->options;
    struct ls_placement place;
    uint64_t steps;
    uint32_t rows;
    int rc;

    if (lockstep_init(&trainer->comm) != LOCKSTEP_OK)
        return ls_exchange_error(err, "cannot join the job");
    trainer->rank = (uint32_t)lockstep_rank(trainer->comm);
    trainer->ranks = (uint32_t)lockstep_size(trainer->comm);
    rc = ls_train_options_batch(options, trainer->ranks, trainer->images.count, err);
    if (rc < 0)
        return rc;
    ls_placement_read(NULL, &place);
    rc = ls_placement_gather(trainer->comm, &place, &trainer->placement, err);
    if (rc < 0)
        return rc;

    ls_model_init(&trainer->model, WIDTHS, LAYERS);
    ls_order_init(&trainer->order, trainer->images.count, options->global_batch,
                  options->seed);
    steps = (uint64_t)options->epochs * ls_order_steps_per_epoch(&trainer->order);
    if (options->steps > 0 && options->steps < steps)
        steps = options->steps;
    ls_sgd_init(&trainer->sgd, trainer->model.parameter_count, options->rate,
                options->momentum, steps);
    rows = options->batch > EVALUATION_ROWS ? options->batch : EVALUATION_ROWS;
    ls_pass_init(&trainer->pass, &trainer->model, rows);
    trainer->labels = ls_calloc(rows, 1);
    return share_weights(trainer, err);
}

static int load(struct trainer *trainer, struct ls_error *err)
{
    const char *dir = trainer->options.data;
    int rc;

    if (!ls_model_blas_works())
        return ls_error_set(err, -ENOSYS,
                            "OpenBLAS computes wrong products on this processor: set "
                            "OPENBLAS_CORETYPE to an older one (Haswell)");
    rc = ls_images_read(dir, "train", &trainer->images, err);
    if (rc == 0)
        rc = ls_images_read(dir, "t10k", &trainer->test_images, err);
    return rc;
}

static void leave(struct trainer *trainer)
{
    ls_pass_free(&trainer->pass, &trainer->model);
    ls_free(trainer->labels);
    ls_sgd_free(&trainer->sgd);
    ls_order_free(&trainer->order);
    ls_free(trainer->placement);
    ls_images_free(&trainer->images);
    ls_images_free(&trainer->test_images);
}

int main(int argc, char **argv)
{
    static struct trainer trainer; /* what a failure leaves behind stays reachable */
    struct ls_error err = {0};
    int rc;

    trainer.out = stdout;
    switch (ls_train_options_read(argc, argv, &trainer.options, &err)) {
    case LS_OPTIONS_HELP:
        fputs(ls_train_usage(), stdout);
        return 0;
    case LS_OPTIONS_BAD:
        fprintf(stderr, "lockstep-train: %s\n", err.text);
        return 2;
    case LS_OPTIONS_RUN:
        break;
    }
    if (trainer.options.json && trainer.options.json[0] == '-')
        trainer.out = stderr; /* standard output is for the JSON alone */
    trainer.options.progress =
        ls_progress_mode_settle(trainer.options.progress, trainer.out);

    rc = load(&trainer, &err);
    if (rc == 0)
        rc = join(&trainer, &err);
    if (rc == 0)
        rc = run(&trainer, &err);
    if (rc == 0 && lockstep_finalize(trainer.comm) != LOCKSTEP_OK)
        rc = ls_exchange_error(&err, "cannot leave the job");
    if (rc < 0)
        fprintf(stderr, "lockstep-train: %s\n", err.text);
    leave(&trainer);
    return rc < 0;
}
