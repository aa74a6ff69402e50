/* fabric_test.c - fabric files: what they say, and what is said of wrong ones. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topology/fabric.h"
#include "common/util/mem.h"

static struct ls_fabric_model *parse(const char *text)
{
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};

    ls_fabric_model_parse(text, strlen(text), "f.yaml", &model, &err);
    assert_string_equal(err.text, "");
    return model;
}

static void assert_refused(const char *text, const char *reason)
{
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};

    assert_int_equal(ls_fabric_model_parse(text, strlen(text), "f.yaml", &model, &err),
                     -EINVAL);
    assert_null(model);
    assert_string_equal(err.text, reason);
}

static void assert_refused_in_part(const char *text, const char *part)
{
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};

    assert_int_equal(ls_fabric_model_parse(text, strlen(text), "f.yaml", &model, &err),
                     -EINVAL);
    if (!strstr(err.text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, err.text);
}

static void racks_and_arrays_are_read_with_their_nodes(void **state)
{
    struct ls_fabric_model *model = parse("name: small\n"
                                          "racks:\n"
                                          "  - {name: r0, nodes: \"n[0-2]\"}\n"
                                          "  - {name: r1, nodes: \"n3,gpu[07-08]\"}\n"
                                          "arrays:\n"
                                          "  - {name: a0, racks: \"r[0-1]\"}\n");

    (void)state;
    assert_string_equal(model->name, "small");
    assert_string_equal(model->source, "f.yaml");
    assert_int_equal(model->rack_count, 2);
    assert_int_equal(model->array_count, 1);
    assert_int_equal(model->arrays[0].rack_count, 2);
    assert_int_equal(model->racks[1].array, 0);
    assert_int_equal(model->node_count, 6);
    assert_string_equal(model->racks[1].nodes[2], "gpu08");
    assert_int_equal(ls_fabric_model_rack_of(model, "n2"), 0);
    assert_int_equal(ls_fabric_model_rack_of(model, "gpu07"), 1);
    assert_int_equal(ls_fabric_model_rack_of(model, "n4"), LS_FABRIC_NONE);
    ls_fabric_model_free(model);
}

static void links_are_read_and_have_defaults(void **state)
{
    struct ls_fabric_model *model =
        parse("name: x\n"
              "levels:\n"
              "  - {level: node, links: 8, gbit_per_s: 400}\n"
              "  - {level: rack, gbit_per_s: 800.5, oversubscription: 1.5}\n"
              "racks: [{name: r, nodes: n}]\n");

    (void)state;
    assert_int_equal(model->levels[LS_FABRIC_NODE].links, 8);
    assert_true(model->levels[LS_FABRIC_NODE].gbit_per_s == 400);
    assert_true(model->levels[LS_FABRIC_NODE].oversubscription == 1);
    assert_int_equal(model->levels[LS_FABRIC_RACK].links, 1);
    assert_true(model->levels[LS_FABRIC_RACK].gbit_per_s == 800.5);
    assert_true(model->levels[LS_FABRIC_RACK].oversubscription == 1.5);
    assert_int_equal(model->levels[LS_FABRIC_ARRAY].links, 0);
    ls_fabric_model_free(model);
}

static void a_regular_fabric_is_cut_into_racks_and_arrays(void **state)
{
    struct ls_fabric_model *model = parse("name: x\n"
                                          "generate:\n"
                                          "  nodes: \"n[0-19]\"\n"
                                          "  nodes_per_rack: 8\n"
                                          "  racks_per_array: 2\n");

    (void)state;
    assert_int_equal(model->rack_count, 3);
    assert_int_equal(model->racks[2].node_count, 4);
    assert_string_equal(model->racks[2].name, "r2");
    assert_int_equal(model->array_count, 2);
    assert_int_equal(model->racks[1].array, 0);
    assert_int_equal(model->racks[2].array, 1);
    assert_int_equal(ls_fabric_model_rack_of(model, "n15"), 1);
    assert_int_equal(ls_fabric_model_rack_of(model, "n16"), 2);
    ls_fabric_model_free(model);
}

static void without_racks_per_array_there_are_no_arrays(void **state)
{
    struct ls_fabric_model *model =
        parse("name: x\ngenerate: {nodes: \"n[0-3]\", nodes_per_rack: 2}\n");

    (void)state;
    assert_int_equal(model->rack_count, 2);
    assert_int_equal(model->array_count, 0);
    assert_int_equal(model->racks[0].array, LS_FABRIC_NONE);
    ls_fabric_model_free(model);
}

static void without_a_file_every_node_is_in_one_rack(void **state)
{
    struct ls_fabric_model *model = ls_fabric_model_one_rack();

    (void)state;
    assert_int_equal(model->rack_count, 1);
    assert_string_equal(model->source, "one rack (no fabric file)");
    assert_int_equal(ls_fabric_model_rack_of(model, "whatever"), 0);
    ls_fabric_model_free(model);
}

static struct ls_fabric_model *load_shipped(const char *name)
{
    const char *source = getenv("LOCKSTEP_SOURCE");
    char *path =
        ls_asprintf("%s/common/topology/fabrics/%s", source ? source : ".", name);
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};

    ls_fabric_model_load(path, &model, &err);
    assert_string_equal(err.text, "");
    ls_free(path);
    return model;
}

static void the_shipped_examples_load(void **state)
{
    struct ls_fabric_model *model = load_shipped("testbed-4.yaml");

    (void)state;
    assert_int_equal(model->node_count, 4);
    assert_int_equal(ls_fabric_model_rack_of(model, "n3"), 1);
    ls_fabric_model_free(model);

    model = load_shipped("colossus-100k.yaml");
    assert_int_equal(model->node_count, 12500);
    assert_int_equal(model->rack_count, 1563);
    assert_int_equal(model->array_count, 196);
    assert_int_equal(ls_fabric_model_rack_of(model, "n12499"), 1562);
    ls_fabric_model_free(model);
}

static void a_wrong_key_is_named_with_its_line_and_the_right_ones(void **state)
{
    (void)state;
    assert_refused(
        "name: x\nracks:\n  - name: r0\n    nodes: a\n  - nme: r1\n",
        "fabric f.yaml: line 5: racks[1]: unexpected key: nme; expected a list "
        "of entries with the keys name, nodes (of an array: a list of rack "
        "names like \"r[0-7]\")");
    assert_refused(
        "name: x\nlevls: []\n",
        "fabric f.yaml: line 2: unexpected key: levls; expected a mapping with "
        "the keys name, levels, racks, arrays, generate");
}

static void a_wrong_value_is_named_with_its_field(void **state)
{
    (void)state;
    assert_refused_in_part("name: x\nracks: 7\n", "line 2: racks: expecting SEQUENCE");
    assert_refused(
        "name: x\ngenerate:\n  nodes: n\n  nodes_per_rack: -3\n",
        "fabric f.yaml: line 4: generate.nodes_per_rack: invalid UINT value: "
        "'-3'; expected a count of 1 or more");
    assert_refused(
        "name: x\ngenerate:\n  nodes: n\n  nodes_per_rack: 0\n",
        "fabric f.yaml: line 4: generate.nodes_per_rack: 0, expected a count "
        "of 1 or more");
}

static void numbers_that_are_no_speed_are_refused(void **state)
{
    static const char *const values[] = {"0", "-1", "nan", "inf", "1e30"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char *text = ls_asprintf("name: x\nlevels:\n  - level: node\n"
                                 "    gbit_per_s: %s\n"
                                 "racks: [{name: r, nodes: n}]\n",
                                 values[i]);

        assert_refused_in_part(text, "levels[0].gbit_per_s: ");
        ls_free(text);
    }
    assert_refused_in_part("name: x\nlevels: [{level: node, oversubscription: 0}]\n"
                           "racks: [{name: r, nodes: n}]\n",
                           "levels[0].oversubscription: 0, expected a number above 0");
    assert_refused_in_part("name: x\nlevels: [{level: spine}]\n"
                           "racks: [{name: r, nodes: n}]\n",
                           "levels[0].level: 'spine', expected node, rack or array");
    assert_refused_in_part(
        "name: x\nlevels: [{level: rack}, {level: rack}]\n"
        "racks: [{name: r, nodes: n}]\n",
        "levels[1].level: 'rack', expected node, rack or array, each");
}

static void a_node_in_two_racks_is_refused_where_it_comes_again(void **state)
{
    (void)state;
    assert_refused(
        "name: x\n"
        "racks:\n"
        "  - name: r0\n"
        "    nodes: n[0-3]\n"
        "  - name: r1\n"
        "    nodes: n[3-4]\n",
        "fabric f.yaml: line 6: racks[1].nodes: node n3 is in rack r0 already; "
        "expected each node once");
    assert_refused(
        "name: x\n"
        "racks:\n"
        "  - name: r0\n"
        "    nodes: n1\n"
        "  - name: r1\n"
        "    nodes: n1\n",
        "fabric f.yaml: line 6: racks[1].nodes: node n1 is in rack r0 already; "
        "expected each node once");
    assert_refused_in_part("name: x\ngenerate: {nodes: \"a,b,a\", nodes_per_rack: 2}\n",
                           "node a is in rack r0 already");
}

static void racks_and_arrays_must_fit_together(void **state)
{
    static const char head[] = "name: x\nracks: [{name: r0, nodes: a}, "
                               "{name: r1, nodes: b}]\n";
    static const struct {
        const char *arrays, *reason;
    } cases[] = {
        {"arrays: [{name: a, racks: r2}]\n", "there is no rack 'r2'"},
        {"arrays: [{name: a, racks: r0}]\n", "rack r1 is in none"},
        {"arrays: [{name: a, racks: \"r0,r0\"}]\n", "rack r0 is in array a already"},
        {"arrays: [{name: a, racks: r0}, {name: a, racks: r1}]\n",
         "arrays[1].name: a stands there already"},
        {"generate: {nodes: c, nodes_per_rack: 1}\n", "both racks and generate"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = ls_asprintf("%s%s", head, cases[i].arrays);

        assert_refused_in_part(text, cases[i].reason);
        ls_free(text);
    }
    assert_refused_in_part("name: x\n", "neither racks nor generate");
    assert_refused_in_part(
        "name: x\nracks: [{name: r, nodes: a}, {name: r, nodes: b}]\n",
        "racks[1].name: r stands there already");
    assert_refused_in_part("name: x\nracks: [{name: \"r 0\", nodes: a}]\n",
                           "racks[0].name: 'r 0', expected 1 to 63 letters");
    assert_refused_in_part("name: x\nracks: [{name: r, nodes: \"n[0-\"}]\n",
                           "racks[0].nodes: ");
}

static void what_is_no_fabric_file_is_refused(void **state)
{
    struct ls_fabric_model *model = NULL;
    struct ls_error err = {0};

    (void)state;
    assert_refused_in_part("", "the file is empty");
    assert_refused_in_part("# nothing\n", "the file is empty");
    assert_refused_in_part("- a\n", "expected a mapping with the keys");
    assert_refused_in_part("name: [x\n", "name: ");
    assert_refused_in_part("\x01\x02", "control characters");
    assert_refused_in_part("name: \"a\\n\\e[2J\"\nracks: [{name: r, nodes: n}]\n",
                           "name: 'a\\n\\x1b[2J', expected 1 to 63 letters");
    assert_refused_in_part("name: &a x\nracks: *a\n", "alias");
    assert_int_equal(ls_fabric_model_load("/nowhere.yaml", &model, &err), -ENOENT);
    assert_string_equal(err.text, "fabric: /nowhere.yaml: No such file or directory");
}

static void more_nodes_than_the_bound_are_refused(void **state)
{
    (void)state;
    assert_refused_in_part("name: x\ngenerate: {nodes: \"n[0-131072]\", "
                           "nodes_per_rack: 8}\n",
                           "too many nodes; expected at most 131072");
    assert_refused_in_part("name: x\ngenerate: {nodes: \"n[0-99999999]\", "
                           "nodes_per_rack: 8}\n",
                           "nodes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(racks_and_arrays_are_read_with_their_nodes),
        cmocka_unit_test(links_are_read_and_have_defaults),
        cmocka_unit_test(a_regular_fabric_is_cut_into_racks_and_arrays),
        cmocka_unit_test(without_racks_per_array_there_are_no_arrays),
        cmocka_unit_test(without_a_file_every_node_is_in_one_rack),
        cmocka_unit_test(the_shipped_examples_load),
        cmocka_unit_test(a_wrong_key_is_named_with_its_line_and_the_right_ones),
        cmocka_unit_test(a_wrong_value_is_named_with_its_field),
        cmocka_unit_test(numbers_that_are_no_speed_are_refused),
        cmocka_unit_test(a_node_in_two_racks_is_refused_where_it_comes_again),
        cmocka_unit_test(racks_and_arrays_must_fit_together),
        cmocka_unit_test(what_is_no_fabric_file_is_refused),
        cmocka_unit_test(more_nodes_than_the_bound_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
