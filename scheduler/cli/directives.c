/* scheduler/cli/directives.c - reading `#LOCKSTEP` and `#SBATCH` lines. */
#include "scheduler/cli/directives.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The text behind the marker, or NULL when the line is no directive. */
static const char *directive_text(const char *line)
{
    static const char *const markers[] = {"#LOCKSTEP", "#SBATCH"};

    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        size_t length = strlen(markers[i]);

        if (!strncmp(line, markers[i], length) && is_blank(line[length]))
            return line + length;
    }
    return NULL;
}

/* Take one word off *text: quotes of both kinds group, a backslash takes the next
 * character as it is. Returns 1 and the word, 0 at the end or at a comment, -EINVAL. */
static int take_word(const char **text, char **ret_word, struct ls_error *err)
{
    struct ls_strbuf word = {0};
    const char *at = *text;
    char quote = 0;

    while (is_blank(*at))
        at++;
    if (!*at || *at == '#')
        return 0;
    for (; *at && (quote || !is_blank(*at)); at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'') {
            quote = quote ? 0 : *at;
            continue;
        }
        if (*at == '\\' && quote != '\'' && at[1])
            at++;
        ls_strbuf_add_bytes(&word, at, 1);
    }
    if (quote) {
        ls_strbuf_free(&word);
        return ls_error_set(err, -EINVAL, "a quote %c is not closed", quote);
    }
    *text = at;
    *ret_word = ls_strbuf_take(&word);
    return 1;
}

static int read_words(const char *text, struct ls_directives *directives,
                      struct ls_error *err)
{
    char *word = NULL;
    int rc;

    while ((rc = take_word(&text, &word, err)) > 0) {
        LS_GROW(directives->words, directives->count, directives->capacity);
        directives->words[directives->count++] = word;
    }
    return rc;
}

/* Apply the words from `first` on, which are those of one line. */
static int apply_line(const struct ls_directives *directives, size_t first,
                      struct ls_job_options *options, struct ls_error *err)
{
    const struct ls_option_group group = {"", ls_job_option_table, options};
    int index = 0, count = (int)(directives->count - first);
    char *const *words = directives->words + first;

    while (index < count) {
        int rc;

        if (words[index][0] != '-' || !words[index][1] || !strcmp(words[index], "--"))
            return ls_error_set(err, -EINVAL, "\"%.60s\" is no option", words[index]);
        rc = ls_option_take(&group, 1, words, count, &index, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_line(const char *line, struct ls_job_options *options,
                     struct ls_directives *directives, struct ls_error *err)
{
    const char *text = directive_text(line);
    size_t first = directives->count;
    int rc;

    if (!text)
        return 0;
    rc = read_words(text, directives, err);
    if (rc == 0)
        rc = apply_line(directives, first, options, err);
    return rc;
}

int ls_directives_read(const char *path, const char *script,
                       struct ls_job_options *options, struct ls_directives *directives,
                       struct ls_error *err)
{
    for (unsigned number = 1; *script; number++) {
        size_t length = strcspn(script, "\n");
        size_t blanks = strspn(script, " \t\r");
        char *line;
        int rc;

        if (blanks < length && script[blanks] != '#')
            return 0; /* the first command: no directives after it */
        line = ls_asprintf("%.*s", (int)length, script);
        rc = read_line(line, options, directives, err);
        if (rc < 0)
            ls_error_wrap(err, "%s:%u: %.80s", path, number, line);
        ls_free(line);
        if (rc < 0)
            return rc;
        script += length + (script[length] == '\n');
    }
    return 0;
}

void ls_directives_free(struct ls_directives *directives)
{
    for (size_t i = 0; i < directives->count; i++)
        ls_free(directives->words[i]);
    ls_free(directives->words);
    *directives = (struct ls_directives){0};
}
