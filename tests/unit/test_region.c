#include "data_fixture.h"

#include "base/region.h"

static const char TEXT[] = "0123456789";

static void a_mapping_is_private(void **state)
{
    (void)state;
    mlp_region region = {0};
    char *kept = malloc(sizeof TEXT);
    write_file("file", TEXT, sizeof TEXT);
    int fd = open("file", O_RDONLY);
    assert_true(mlp_region_map(&region, fd, sizeof TEXT));
    assert_memory_equal(region.start, TEXT, sizeof TEXT);
    memcpy(region.start, "changed", 7);
    assert_int_equal(pread(fd, kept, sizeof TEXT, 0), sizeof TEXT);
    assert_string_equal(kept, TEXT);
    mlp_region_free(&region);
    assert_null(region.start);
    mlp_region_free(&region);
    close(fd);
    free(kept);
}

static void what_is_no_file_cannot_be_mapped(void **state)
{
    (void)state;
    mlp_region region = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_false(mlp_region_map(&region, ends[0], 1));
    assert_null(region.start);
    close(ends[0]);
    close(ends[1]);
}

/* Past the huge pages and back; the content stays. */
static void resizes_memory(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5000, (size_t)5 << 20, (size_t)3 << 20, 100};
    mlp_region region = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(mlp_region_resize(&region, sizes[i]));
        if (i > 0)
            assert_int_equal(*(char *)region.start, 'x');
        memset(region.start, 'x', sizes[i]);
        assert_int_equal(region.mapped, 0);
    }
    mlp_region_free(&region);
}

static void shrinks_a_mapping_by_whole_pages(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = calloc(3, page);
    mlp_region region = {0};
    assert_non_null(bytes);
    bytes[page] = 7;
    write_file("pages", bytes, 3 * page);
    int fd = open("pages", O_RDONLY);
    assert_true(mlp_region_map(&region, fd, 3 * page));
    assert_true(mlp_region_resize(&region, page + 1));
    assert_int_equal(region.mapped, 2 * page);
    assert_int_equal(((uint8_t *)region.start)[page], 7);
    mlp_region_free(&region);
    close(fd);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_private),
        cmocka_unit_test(what_is_no_file_cannot_be_mapped),
        cmocka_unit_test(resizes_memory),
        cmocka_unit_test(shrinks_a_mapping_by_whole_pages),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
