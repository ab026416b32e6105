/* CPUs: there is one, and a control group's quota is read from files that look like the kernel's.
 */
#include "data_fixture.h"

#include "base/cpu_count.h"

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static void there_is_a_cpu(void **state)
{
    (void)state;
    assert_true(mlp_cpu_count() >= 1);
}

/* The group /a/b, under a mount that has files for it, for /a and for all. */
static void make_groups(const char *b, const char *a, const char *all)
{
    mkdir("mount", 0755);
    mkdir("mount/a", 0755);
    mkdir("mount/a/b", 0755);
    write_text("membership", "3:cpuset:/\n0::/a/b\n");
    write_text("mount/a/b/cpu.max", b);
    write_text("mount/a/cpu.max", a);
    write_text("mount/cpu.max", all);
}

static void a_quota_is_rounded_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t cpus;
    } cases[] = {{"max 100000\n", 0},
                 {"200000 100000\n", 2},
                 {"200001 100000\n", 3},
                 {"150000 100000\n", 2},
                 {"1000 100000\n", 1},
                 {"50000 10000\n", 5},
                 {"0 100000\n", 0},
                 {"100000 0\n", 0},
                 {"200000\n", 0},
                 {"nonsense\n", 0},
                 {"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_groups(cases[i].text, "max 100000\n", "max 100000\n");
        assert_int_equal(mlp_cpu_quota("membership", "mount"), cases[i].cpus);
    }
}

static void the_least_of_all_groups_counts(void **state)
{
    (void)state;
    make_groups("400000 100000\n", "300000 100000\n", "500000 100000\n");
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 3);
    make_groups("400000 100000\n", "max 100000\n", "200000 100000\n");
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 2);
    make_groups("100000 100000\n", "100000 100000\n", "600000 100000\n");
    write_text("membership", "0::/\n");
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 6);
    write_text("membership", "0::/not/seen/from/here\n");
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 6);
}

static void without_groups_there_is_no_quota(void **state)
{
    (void)state;
    char far[PATH_MAX + 10];
    make_groups("100000 100000\n", "100000 100000\n", "100000 100000\n");
    assert_int_equal(mlp_cpu_quota("absent", "mount"), 0);
    assert_int_equal(mlp_cpu_quota("membership", "absent"), 0);
    write_text("membership", "4:memory:/a\n1:cpu:/a\n");
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 0);
    memset(far, 'x', sizeof far);
    memcpy(far, "0::/", 4);
    memcpy(far + sizeof far - 2, "\n", 2);
    write_text("membership", far);
    assert_int_equal(mlp_cpu_quota("membership", "mount"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_a_cpu),
        cmocka_unit_test(a_quota_is_rounded_up),
        cmocka_unit_test(the_least_of_all_groups_counts),
        cmocka_unit_test(without_groups_there_is_no_quota),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
