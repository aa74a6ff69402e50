/* common/topology/yaml_error.c - from libcyaml's log lines to one sentence.
 *
 * libcyaml reports a cause ("Load: Unexpected key: nme") and then where it is, from the
 * inside out ("  in sequence entry '2' (line: 5, column: 5)"). */
#include "common/topology/yaml_error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum { FIELD_MAX = 64, LINE_MAX_BYTES = 256, PATH_MAX_BYTES = 256 };

struct report {
    char cause[LINE_MAX_BYTES];
    char path[PATH_MAX_BYTES];
    char field[FIELD_MAX]; /* innermost named field */
    unsigned line;
};

/* Put ".field" or "[index]" before the path. */
static void prepend(struct report *report, const char *part)
{
    char path[PATH_MAX_BYTES];
    const char *rest = report->path;
    const char *dot = *rest && *rest != '[' ? "." : "";

    if (snprintf(path, sizeof(path), "%s%s%s", part, dot, rest) < (int)sizeof(path))
        memcpy(report->path, path, sizeof(path));
}

static void read_place(struct report *report, const char *line)
{
    const char *place = strstr(line, "(line: ");
    char field[FIELD_MAX], part[FIELD_MAX];
    unsigned entry;

    if (!place)
        return;
    if (report->line == 0)
        report->line = (unsigned)strtoul(place + strlen("(line: "), NULL, 10);
    if (sscanf(line, "  in mapping field '%63[^']'", field) == 1) {
        prepend(report, field);
        if (report->field[0] == '\0')
            memcpy(report->field, field, sizeof(field));
    } else if (sscanf(line, "  in sequence entry '%u'", &entry) == 1) {
        (void)snprintf(part, sizeof(part), "[%u]", entry > 0 ? entry - 1 : 0);
        prepend(report, part);
    }
}

/* A cyaml_log_fn_t. */
static void take_log(cyaml_log_t level, void *context, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void take_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct report *report = context;
    char line[LINE_MAX_BYTES];

    (void)vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    if (level < CYAML_LOG_ERROR)
        return;
    if (strncmp(line, "  in ", 5) == 0)
        read_place(report, line);
    else if (report->cause[0] == '\0' && !strstr(line, "Backtrace"))
        memcpy(report->cause, line, sizeof(line));
}

/* A cyaml_mem_fn_t. */
static void *allocate(void *context, void *memory, size_t size)
{
    (void)context;
    if (size > 0)
        return ls_realloc(memory, size, 1);
    ls_free(memory);
    return NULL;
}

static cyaml_config_t config_with(struct report *report)
{
    return (cyaml_config_t){
        .log_fn = take_log,
        .log_ctx = report,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = allocate,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

unsigned ls_yaml_line_of(const char *text, const char *key, const char *value,
                         size_t skip)
{
    size_t key_length = strlen(key);
    unsigned number = 1;

    for (const char *line = text; *line; number++) {
        size_t length = strcspn(line, "\n");
        const char *at = memmem(line, length, key, key_length);
        const char *colon = at ? at + key_length : NULL;

        if (at && colon < line + length && *colon == ':' &&
            memmem(colon, (size_t)(line + length - colon), value, strlen(value)) &&
            skip-- == 0)
            return number;
        line += length + (line[length] == '\n');
    }
    return 0;
}

static const char *expected_in(const struct ls_yaml_expectation *expectations,
                               const char *field)
{
    for (; expectations->field; expectations++) {
        if (strcmp(expectations->field, field) == 0)
            return expectations->expected;
    }
    return NULL;
}

/* The name after the last ": " of the cause, for the causes that end in a key. */
static const char *key_in_cause(const struct report *report)
{
    const char *colon = strrchr(report->cause, ' ');

    return colon ? colon + 1 : "";
}

static int describe(struct report *report, cyaml_err_t code, const char *text,
                    const struct ls_yaml_expectation *expectations,
                    struct ls_error *err)
{
    const char *cause = report->cause[0] ? report->cause : cyaml_strerror(code);
    bool missing = code == CYAML_ERR_MAPPING_FIELD_MISSING;
    const char *expected =
        expected_in(expectations, missing ? key_in_cause(report) : report->field);
    struct ls_strbuf sentence = {0};
    int rc;

    if (strncmp(cause, "Load: ", 6) == 0)
        cause += 6;
    if (code == CYAML_ERR_INVALID_KEY) { /* the place given is that of the key before */
        unsigned line = ls_yaml_line_of(text, key_in_cause(report), "", 0);

        report->line = line > report->line ? line : report->line;
    }
    if (report->line > 0)
        ls_strbuf_printf(&sentence, "line %u: ", report->line);
    if (report->path[0] && !missing)
        ls_strbuf_printf(&sentence, "%s: ", report->path);
    ls_strbuf_printf(&sentence, "%c", tolower((unsigned char)cause[0]));
    ls_strbuf_add_printable(&sentence, cause[0] ? cause + 1 : "");
    if (expected)
        ls_strbuf_printf(&sentence, "; expected %s", expected);
    rc = ls_error_set(err, -EINVAL, "%s", sentence.text);
    ls_strbuf_free(&sentence);
    return rc;
}

int ls_yaml_load(const char *text, size_t size, const cyaml_schema_value_t *schema,
                 const struct ls_yaml_expectation *expectations, void **ret_data,
                 struct ls_error *err)
{
    struct report report = {0};
    cyaml_config_t config = config_with(&report);
    void *data = NULL;
    cyaml_err_t code;

    if (strnlen(text, size) != size)
        return ls_error_set(err, -EINVAL, "a NUL byte in it; expected YAML text");
    code = cyaml_load_data((const uint8_t *)text, size, &config, schema, &data, NULL);
    if (code == CYAML_OK && data) {
        *ret_data = data;
        return 0;
    }
    if (code == CYAML_OK)
        return ls_error_set(err, -EINVAL, "the file is empty; expected %s",
                            expected_in(expectations, ""));
    return describe(&report, code, text, expectations, err);
}

void ls_yaml_free(const cyaml_schema_value_t *schema, void *data)
{
    struct report report = {0};
    cyaml_config_t config = config_with(&report);

    if (data)
        (void)cyaml_free(&config, schema, data, 0);
}
