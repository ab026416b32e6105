#include "data_fixture.h"

#include <sys/mman.h>

#include "base/mem.h"
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

/* From anywhere in a page, of any length: all there is afterwards what was there before. */
static void populates_and_changes_nothing(void **state)
{
    (void)state;
    enum { HUGE_PAGE = 2 << 20, N = 3 * HUGE_PAGE };
    const struct {
        size_t first, n;
    } parts[] = {{0, N}, {1, N - 1}, {5000, HUGE_PAGE}, {HUGE_PAGE + 7, 2 * HUGE_PAGE - 7}, {0, 0}};
    mlp_region region = {0};
    assert_true(mlp_region_resize(&region, N));
    uint8_t *bytes = region.start;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (size_t j = 0; j < N; j += 100)
            bytes[j] = (uint8_t)(j / 100 + i);
        mlp_region_populate(bytes + parts[i].first, parts[i].n);
        for (size_t j = 0; j < N; j += 100)
            assert_int_equal(bytes[j], (uint8_t)(j / 100 + i));
    }
    mlp_region_free(&region);
}

/* Since Linux 5.14. */
static bool system_can_populate(uint8_t *page)
{
#ifdef MADV_POPULATE_WRITE
    return madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_POPULATE_WRITE) == 0;
#else
    return page == NULL;
#endif
}

/* Pages that nobody has written to yet are there afterwards. */
static void populates_what_was_not_there(void **state)
{
    (void)state;
    enum { HUGE_PAGE = 2 << 20, N = 2 * HUGE_PAGE };
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = N / page;
    unsigned char *there = calloc(pages, 1);
    uint8_t *bytes = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_non_null(there);
    assert_true(bytes != MAP_FAILED);
    if (!system_can_populate(bytes)) {
        munmap(bytes, N);
        free(there);
        skip();
    }
    mlp_region_populate(bytes, N);
    assert_int_equal(mincore(bytes, N, there), 0);
    size_t first = mlp_round_up((uintptr_t)bytes, HUGE_PAGE) - (uintptr_t)bytes;
    for (size_t i = first / page; i < (first + HUGE_PAGE) / page; i++)
        assert_int_equal(there[i] & 1, 1);
    munmap(bytes, N);
    free(there);
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
        cmocka_unit_test(populates_and_changes_nothing),
        cmocka_unit_test(populates_what_was_not_there),
        cmocka_unit_test(shrinks_a_mapping_by_whole_pages),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
