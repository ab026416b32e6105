/* configs/schema.json and the table of keys say the same, key by key. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/config_table.h"
#include "config/json_reader.h"

static int read_schema(void **state)
{
    static const char path[] = MLP_SOURCE_DIR "/configs/schema.json";
    static char text[1 << 16];
    mlp_json *schema;
    mlp_error err = {""};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t length = fread(text, 1, sizeof text, f);
    assert_true(feof(f));
    fclose(f);
    mlp_json_parse(&schema, text, length, path, MLP_ERR_CONFIG, &err);
    assert_string_equal(err.message, "");
    *state = schema;
    return 0;
}

static int free_schema(void **state)
{
    mlp_json_free(*state);
    return 0;
}

/* The schema of a key or section: "a.b" is properties.a.properties.b. */
static const mlp_json *find_schema(const mlp_json *schema, const char *path)
{
    char name[MLP_KEY_PATH_SIZE];
    while (schema != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        const mlp_json *properties = mlp_json_member(schema, "properties");
        schema = properties == NULL ? NULL : mlp_json_member(properties, name);
        path += length + (path[length] == '.');
    }
    if (schema == NULL)
        fail_msg("the schema does not have the key %s", name);
    return schema;
}

static void assert_text(const mlp_json *value, const char *wanted)
{
    const char *text = "";
    assert_non_null(value);
    assert_true(mlp_json_get_string(value, &text));
    assert_string_equal(text, wanted);
}

/* The strings of an array, in the table's order. */
static void assert_texts(const mlp_json *array, const char *const *wanted)
{
    const mlp_json *entry = mlp_json_first(array);
    for (; *wanted != NULL; wanted++, entry = mlp_json_next(entry))
        assert_text(entry, *wanted);
    assert_null(entry);
}

static const char *type_of(const mlp_config_key *key)
{
    switch (key->type) {
    case MLP_KEY_BOOL:
        return "boolean";
    case MLP_KEY_UINT64:
    case MLP_KEY_SIZE:
    case MLP_KEY_LABEL:
        return "integer";
    case MLP_KEY_NUMBER:
        return "number";
    case MLP_KEY_NAME:
    case MLP_KEY_PATH:
        return "string";
    case MLP_KEY_LABELS:
    case MLP_KEY_CLASS_NAMES:
    case MLP_KEY_WIDTHS:
        return "array";
    case MLP_KEY_CHOICE:
    case MLP_KEY_CLASS_WEIGHTS:
        return NULL;
    }
    return NULL;
}

static void assert_type(const mlp_json *schema, const mlp_config_key *key)
{
    const char *type = type_of(key);
    const char *const nullable[] = {type, "null", NULL};
    const mlp_json *found = mlp_json_member(schema, "type");
    if (type == NULL) {
        assert_null(found);
    } else if (mlp_config_is_nullable(key)) {
        assert_non_null(found);
        assert_texts(found, nullable);
    } else {
        assert_text(found, type);
    }
}

static void assert_bound(const mlp_json *schema, const char *name, bool is_there, double wanted)
{
    const mlp_json *bound = mlp_json_member(schema, name);
    double found = (double)NAN;
    assert_int_equal(bound != NULL, is_there);
    if (is_there) {
        assert_true(mlp_json_get_double(bound, &found));
        assert_true(found == wanted);
    }
}

static void assert_range(const mlp_json *schema, const mlp_config_range *range)
{
    static const mlp_config_range none = {0, 0, false, false};
    bool is_there = range != NULL, has_maximum = is_there && isfinite(range->maximum);
    range = is_there ? range : &none;
    assert_bound(schema, "minimum", is_there && !range->excludes_minimum, range->minimum);
    assert_bound(schema, "exclusiveMinimum", is_there && range->excludes_minimum, range->minimum);
    assert_bound(schema, "maximum", has_maximum && !range->excludes_maximum, range->maximum);
    assert_bound(schema, "exclusiveMaximum", has_maximum && range->excludes_maximum,
                 range->maximum);
}

static void assert_array(const mlp_json *schema, const mlp_config_key *key, const char *type)
{
    const mlp_json *items = mlp_json_member(schema, "items");
    bool is_per_class = key->type != MLP_KEY_WIDTHS;
    bool is_set = key->type == MLP_KEY_LABELS || key->type == MLP_KEY_CLASS_NAMES;
    assert_non_null(items);
    assert_text(mlp_json_member(items, "type"), type);
    assert_range(items, key->range);
    assert_bound(schema, "minItems", is_per_class, 2);
    assert_bound(schema, "maxItems", true, is_per_class ? MLP_MAX_CLASSES : MLP_MAX_HIDDEN_LAYERS);
    assert_int_equal(mlp_json_member(schema, "uniqueItems") != NULL, is_set);
}

static void assert_values(const mlp_json *schema, const mlp_config_key *key)
{
    const mlp_json *choices = mlp_json_member(schema, "enum");
    switch (key->type) {
    case MLP_KEY_CHOICE:
        assert_non_null(choices);
        assert_texts(choices, key->choices);
        return;
    case MLP_KEY_CLASS_WEIGHTS:
        schema = mlp_json_first(mlp_json_member(schema, "oneOf"));
        assert_texts(mlp_json_member(schema, "enum"), key->choices);
        assert_array(mlp_json_next(schema), key, "number");
        return;
    case MLP_KEY_LABELS:
    case MLP_KEY_WIDTHS:
        assert_array(schema, key, "integer");
        break;
    case MLP_KEY_CLASS_NAMES:
        assert_array(schema, key, "string");
        break;
    default:
        assert_range(schema, key->range);
    }
    assert_null(choices);
}

/* Whether two values are the same JSON, arrays of numbers included. */
static bool is_same(const mlp_json *a, const mlp_json *b)
{
    char shown_a[MLP_JSON_SHOWN_SIZE], shown_b[MLP_JSON_SHOWN_SIZE];
    mlp_json_show(a, shown_a);
    mlp_json_show(b, shown_b);
    if (strcmp(shown_a, shown_b) != 0 || mlp_json_count(a) != mlp_json_count(b))
        return false;
    a = mlp_json_first(a);
    b = mlp_json_first(b);
    for (; a != NULL; a = mlp_json_next(a), b = mlp_json_next(b)) {
        if (!is_same(a, b))
            return false;
    }
    return true;
}

static void assert_default(const mlp_json *schema, const mlp_config_key *key)
{
    const mlp_json *found = mlp_json_member(schema, "default");
    mlp_json *wanted;
    mlp_error err;
    assert_int_equal(found != NULL, key->fallback != NULL);
    if (found == NULL || key->fallback == NULL)
        return;
    assert_int_equal(mlp_json_parse(&wanted, key->fallback, strlen(key->fallback), "table",
                                    MLP_ERR_CONFIG, &err),
                     MLP_OK);
    assert_true(is_same(found, wanted));
    mlp_json_free(wanted);
}

static void assert_described(const mlp_json *schema)
{
    const mlp_json *description = mlp_json_member(schema, "description");
    const char *text = "";
    assert_non_null(description);
    assert_true(mlp_json_get_string(description, &text));
    assert_true(strlen(text) > 0);
}

static void test_each_key_is_in_the_schema(void **state)
{
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const mlp_config_key *key = &mlp_config_keys[i];
        const mlp_json *schema = find_schema(*state, key->path);
        assert_described(schema);
        assert_type(schema, key);
        assert_values(schema, key);
        assert_default(schema, key);
    }
}

/* Counts the keys below a section and checks that the table has each. */
static size_t count_keys(const mlp_json *section, const char *path)
{
    bool others_allowed = true;
    size_t n = 0;
    const mlp_json *others = mlp_json_member(section, "additionalProperties");
    assert_text(mlp_json_member(section, "type"), "object");
    assert_described(section);
    assert_non_null(others);
    assert_true(mlp_json_get_bool(others, &others_allowed));
    assert_false(others_allowed);
    const mlp_json *m = mlp_json_first(mlp_json_member(section, "properties"));
    for (; m != NULL; m = mlp_json_next(m)) {
        char below[2 * MLP_KEY_PATH_SIZE];
        snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", mlp_json_key(m));
        if (mlp_json_member(m, "properties") != NULL) {
            n += count_keys(m, below);
        } else if (strcmp(below, "$schema") != 0) {
            if (mlp_config_find_key(below) == NULL)
                fail_msg("the table does not have the key %s", below);
            n++;
        }
    }
    return n;
}

static void test_each_key_of_the_schema_is_known(void **state)
{
    assert_int_equal(count_keys(*state, ""), MLP_CONFIG_N_KEYS);
}

/* Printing opens a section where its first key stands: its keys must be neighbours. */
static void test_sections_are_not_torn(void **state)
{
    (void)state;
    for (size_t i = 1; i < MLP_CONFIG_N_KEYS; i++) {
        const char *path = mlp_config_keys[i].path;
        for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
            size_t length = (size_t)(dot - path) + 1;
            bool has_left = false;
            for (size_t j = i; j-- > 0;) {
                bool is_inside = strncmp(mlp_config_keys[j].path, path, length) == 0;
                assert_false(is_inside && has_left);
                has_left = has_left || !is_inside;
            }
        }
    }
}

static void test_paths_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < MLP_CONFIG_N_KEYS; i++) {
        const mlp_config_key *key = &mlp_config_keys[i];
        assert_true(strlen(key->path) < MLP_KEY_PATH_SIZE / 2);
        assert_ptr_equal(mlp_config_find_key(key->path), key);
        assert_false(mlp_config_is_section(key->path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_is_in_the_schema),
        cmocka_unit_test(test_each_key_of_the_schema_is_known),
        cmocka_unit_test(test_sections_are_not_torn),
        cmocka_unit_test(test_paths_fit),
    };
    return cmocka_run_group_tests(tests, read_schema, free_schema);
}
