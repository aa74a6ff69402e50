/* common/util/hostlist.c - sets of node names. Depends on error, mem, strbuf. */
#include "common/util/hostlist.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum { DIGITS_MAX = 9 };

struct names {
    char **items;
    size_t count, capacity;
};

static void names_add(struct names *names, char *name)
{
    LS_GROW(names->items, names->count, names->capacity);
    names->items[names->count++] = name;
}

void ls_hostlist_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ls_free(names[i]);
    ls_free(names);
}

/* One number of a bracket; returns the character after it, or NULL. */
static const char *parse_number(const char *at, unsigned long *ret_value, int *ret_width)
{
    char *end;
    size_t digits = strspn(at, "0123456789");

    if (digits == 0 || digits > DIGITS_MAX)
        return NULL;
    *ret_value = strtoul(at, &end, 10);
    *ret_width = (int)digits;
    return end;
}

/* Append every member of "0-3,7]" to each prefix; returns the character after ']'. */
static const char *expand_bracket(const char *at, const struct names *prefixes,
                                  struct names *out)
{
    for (;;) {
        unsigned long first, last;
        int width, ignored;

        at = parse_number(at, &first, &width);
        if (!at)
            return NULL;
        last = first;
        if (*at == '-')
            at = parse_number(at + 1, &last, &ignored);
        if (!at || last < first ||
            (last - first + 1) * prefixes->count + out->count > LS_HOSTLIST_NAMES_MAX)
            return NULL;
        for (size_t p = 0; p < prefixes->count; p++) {
            for (unsigned long n = first; n <= last; n++)
                names_add(out, ls_asprintf("%s%0*lu", prefixes->items[p], width, n));
        }
        if (*at == ']')
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

static void append_text(struct names *names, const char *text, size_t length)
{
    for (size_t i = 0; i < names->count; i++) {
        char *longer = ls_asprintf("%s%.*s", names->items[i], (int)length, text);

        ls_free(names->items[i]);
        names->items[i] = longer;
    }
}

/* One name up to the next comma outside brackets; returns the end, or NULL. */
static const char *expand_name(const char *at, struct names *out)
{
    struct names current = {0};

    names_add(&current, ls_strdup(""));
    while (at && *at && *at != ',') {
        size_t plain = strcspn(at, "[],");

        append_text(&current, at, plain);
        at += plain;
        if (*at == ']') {
            at = NULL;
        } else if (*at == '[') {
            struct names next = {0};

            at = expand_bracket(at + 1, &current, &next);
            ls_hostlist_free(current.items, current.count);
            current = next;
        }
    }
    if (!at || out->count + current.count > LS_HOSTLIST_NAMES_MAX ||
        (current.count > 0 && current.items[0][0] == '\0')) {
        ls_hostlist_free(current.items, current.count);
        return NULL;
    }
    for (size_t i = 0; i < current.count; i++)
        names_add(out, current.items[i]);
    ls_free(current.items);
    return at;
}

int ls_hostlist_expand(const char *text, char ***ret_names, size_t *ret_count,
                       struct ls_error *err)
{
    struct names names = {0};
    const char *at = text;

    while (*at) {
        const char *end = expand_name(at, &names);

        if (!end || (*end == ',' && end[1] == '\0')) {
            ls_hostlist_free(names.items, names.count);
            return ls_error_set(err, -EINVAL,
                                "node list '%s': column %zu: expected names such as n[0-3,7],gpu12",
                                text, (size_t)(at - text) + 1);
        }
        at = *end == ',' ? end + 1 : end;
    }
    *ret_names = names.items;
    *ret_count = names.count;
    return 0;
}

/* Split "gpu012" into the length of "gpu" and the number 12 of width 3. */
static size_t split_number(const char *name, unsigned long *ret_number, int *ret_width)
{
    size_t length = strlen(name), prefix = length;

    while (prefix > 0 && isdigit((unsigned char)name[prefix - 1]) &&
           length - prefix < DIGITS_MAX)
        prefix--;
    *ret_width = (int)(length - prefix);
    *ret_number = *ret_width ? strtoul(name + prefix, NULL, 10) : 0;
    return prefix;
}

static int same_family(const char *a, size_t a_prefix, const char *b, size_t b_prefix)
{
    return a_prefix == b_prefix && strncmp(a, b, a_prefix) == 0;
}

static int is_padded(const char *digits, int width)
{
    return width > 1 && digits[0] == '0';
}

char *ls_hostlist_compress(char *const *names, size_t count)
{
    struct ls_strbuf out = {0};
    size_t i = 0;

    while (i < count) {
        unsigned long number, next, range_first;
        int width, next_width;
        size_t prefix = split_number(names[i], &number, &width);
        size_t begin = i++;
        size_t members = 1;
        int first_width = width;
        struct ls_strbuf ranges = {0};

        range_first = number;
        ls_strbuf_printf(&ranges, "%0*lu", width, number);
        while (width > 0 && i < count) {
            size_t next_prefix = split_number(names[i], &next, &next_width);

            if (!same_family(names[begin], prefix, names[i], next_prefix) || next_width == 0 ||
                (next_width != width && (is_padded(names[i] + prefix, next_width) ||
                                         is_padded(names[begin] + prefix, first_width))))
                break;
            if (next != number + 1) {
                if (number != range_first)
                    ls_strbuf_printf(&ranges, "-%0*lu", width, number);
                ls_strbuf_printf(&ranges, ",%0*lu", next_width, next);
                range_first = next;
                width = next_width;
            }
            number = next;
            members++;
            i++;
        }
        if (number != range_first)
            ls_strbuf_printf(&ranges, "-%0*lu", width, number);
        ls_strbuf_printf(&out, begin ? ",%.*s" : "%.*s", (int)prefix, names[begin]);
        if (members > 1)
            ls_strbuf_printf(&out, "[%s]", ranges.text);
        else
            ls_strbuf_add(&out, names[begin] + prefix);
        ls_strbuf_free(&ranges);
    }
    return ls_strbuf_take(&out);
}
