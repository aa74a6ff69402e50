/* scheduler/policy/effects.c - the list of what the caller has to do. Pure. */
#include "scheduler/policy/effects.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/text.h"

void ls_effects_clear(struct ls_effects *effects)
{
    effects->count = 0;
}

void ls_effects_free(struct ls_effects *effects)
{
    ls_free(effects->items);
    *effects = (struct ls_effects){0};
}

static void add(struct ls_effects *effects, const struct ls_effect *effect)
{
    LS_GROW(effects->items, effects->count, effects->capacity);
    effects->items[effects->count++] = *effect;
}

void ls_effects_add_node(struct ls_effects *effects, enum ls_effect_kind kind,
                         uint32_t node, uint64_t job, uint32_t attempt,
                         const char *text)
{
    struct ls_effect effect = {
        .kind = kind, .job = job, .attempt = attempt, .node = node};

    ls_assert(kind <= LS_EFFECT_FORGET);
    if (text)
        ls_text_copy(effect.text, sizeof(effect.text), text);
    add(effects, &effect);
}

void ls_effects_add_job(struct ls_effects *effects, enum ls_effect_kind kind,
                        uint64_t job)
{
    struct ls_effect effect = {.kind = kind, .job = job};

    ls_assert(kind == LS_EFFECT_JOB_CHANGED || kind == LS_EFFECT_ACCEPTED);
    add(effects, &effect);
}

void ls_effects_refuse(struct ls_effects *effects, uint64_t job, int code,
                       const char *text)
{
    struct ls_effect effect = {.kind = LS_EFFECT_REFUSED, .job = job, .code = code};

    ls_assert(code > 0);
    ls_text_copy(effect.text, sizeof(effect.text), text);
    add(effects, &effect);
}
