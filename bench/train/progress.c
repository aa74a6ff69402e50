/* bench/train/progress.c - see progress.h. */
#include "bench/train/progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24 };

bool ls_progress_mode_read(const char *text, enum ls_progress_mode *ret_mode)
{
    static const char *const names[] = {"auto", "bar", "plain"};

    for (int mode = LS_PROGRESS_AUTO; mode <= LS_PROGRESS_PLAIN; mode++) {
        if (strcmp(text, names[mode]) == 0) {
            *ret_mode = (enum ls_progress_mode)mode;
            return true;
        }
    }
    return false;
}

enum ls_progress_mode ls_progress_mode_settle(enum ls_progress_mode mode, FILE *out)
{
    const char *wish = getenv("LOCKSTEP_PROGRESS");

    if (mode == LS_PROGRESS_AUTO && wish)
        (void)ls_progress_mode_read(wish, &mode);
    if (mode != LS_PROGRESS_AUTO)
        return mode;
    return isatty(fileno(out)) ? LS_PROGRESS_BAR : LS_PROGRESS_PLAIN;
}

static void print_figures(FILE *out, const struct ls_progress_state *state)
{
    fprintf(out, "loss %6.4f  %7.0f images/s", state->loss, state->images_per_s);
    if (state->bus_bytes_per_s > 0)
        fprintf(out, "  all-reduce %5.2f GB/s", state->bus_bytes_per_s / 1e9);
}

static void print_bar(FILE *out, double fraction)
{
    int full = (int)(fraction * BAR_CELLS + 0.5);

    for (int cell = 0; cell < BAR_CELLS; cell++)
        fputs(cell < full ? "█" : "░", out);
}

void ls_progress_print(FILE *out, enum ls_progress_mode mode,
                       const struct ls_progress_state *state)
{
    if (mode == LS_PROGRESS_BAR) {
        fprintf(out, "\repoch %2u/%u ", state->epoch, state->epochs);
        print_bar(out, state->fraction);
        fprintf(out, " %3.0f %%  ", 100 * state->fraction);
        print_figures(out, state);
        fputs("\033[K", out); /* clear what a longer line left */
    } else {
        fprintf(out, "epoch %2u/%u  %3.0f %%  ", state->epoch, state->epochs,
                100 * state->fraction);
        print_figures(out, state);
        fputc('\n', out);
    }
    fflush(out);
}

void ls_progress_epoch(FILE *out, enum ls_progress_mode mode,
                       const struct ls_progress_state *state, double accuracy,
                       double seconds)
{
    if (mode == LS_PROGRESS_BAR)
        fputs("\r\033[K", out);
    fprintf(out, "epoch %2u/%u  done   ", state->epoch, state->epochs);
    print_figures(out, state);
    fprintf(out, "  test accuracy %.2f %%  %.1f s\n", 100 * accuracy, seconds);
    fflush(out);
}
