# make                      the program at ./mlp; of another variant it stays in build/VARIANT
# make VARIANT=asan         a sanitizer build in its own folder: asan, ubsan, tsan
# make VARIANT=emulated     AVX-512 and AMX by AVX2 and SIMDe, to test them on any x86-64
# make install PREFIX=/usr  program, configs, licence
# make test                 the unit tests of this variant
# make bench [DATA=DIR]     each kernel beside what the machine can do; steps on DIR's images too
# make test-long            what takes hours: 200 kills, a fault at every call, altered files by
#                           the ten thousand, half an hour of fuzzing for each reader
# make coverage             which lines of src/ the unit and command line tests run
# make fuzz                 looks for inputs that break a reader (tests/fuzz/fuzz.mk)
VARIANT ?= release
BUILD ?= build/$(VARIANT)
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config

ARCH := $(shell $(CC) -dumpmachine)
DEPS := zlib libcjson

# Optional, where pkg-config finds it; `make LIBDEFLATE=` builds without.
LIBDEFLATE ?= $(shell $(PKG_CONFIG) --exists libdeflate && echo libdeflate)
DEPS += $(LIBDEFLATE)
FEATURES := $(if $(LIBDEFLATE),-DMLP_HAVE_LIBDEFLATE)
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# The other variants' reports name lines alone; all of -g takes a quarter longer to compile.
DEBUG_INFO := $(if $(filter release,$(VARIANT)),-g,-g1)
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -O3 $(DEBUG_INFO) -ffp-contract=off -fno-math-errno -pthread \
              -MMD -MP -Isrc $(FEATURES) $(WARNINGS) $(shell $(PKG_CONFIG) --cflags $(DEPS)) $(CFLAGS)
ALL_LDLIBS := $(LDFLAGS) -pthread $(shell $(PKG_CONFIG) --libs $(DEPS)) -lm

# What makes a bug harder to exploit, in the program that people install (docs/reliability.md has
# the cost). The sanitizers' variants go without: they find the bug instead.
ifeq ($(VARIANT),release)
  ALL_CFLAGS += -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
  ifneq ($(findstring linux,$(ARCH)),)
    ALL_CFLAGS += -fPIE -fstack-clash-protection
    ALL_LDLIBS += -pie -Wl,-z,relro,-z,now,-z,noexecstack
    ifneq ($(filter x86_64%,$(ARCH)),)
      ALL_CFLAGS += -fcf-protection
    endif
  endif
endif

SANITIZE_asan := -fsanitize=address -fno-omit-frame-pointer
SANITIZE_ubsan := -fsanitize=undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread
SANITIZE_coverage := --coverage -fprofile-update=single -O1
SANITIZE_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(VARIANT),emulated)
  ifeq ($(filter x86_64%,$(ARCH)),)
    $(error VARIANT=emulated is for x86-64, not $(ARCH))
  endif
else ifneq ($(VARIANT),release)
  ifeq ($(SANITIZE_$(VARIANT)),)
    $(error unknown VARIANT '$(VARIANT)': release, asan, ubsan, tsan, emulated, coverage or fuzz)
  endif
  ALL_CFLAGS += $(SANITIZE_$(VARIANT))
  ALL_LDLIBS += $(SANITIZE_$(VARIANT))
endif

# Each instruction set has its own file and flags; the rest of the program runs anywhere.
X86_KERNELS := $(addprefix src/kernels/,avx2.c avx512.c bf16_avx2.c bf16_avx512.c bf16_avx512_pack.c \
                                        bf16_amx.c)
LIB_SOURCES := $(filter-out src/cli/% $(X86_KERNELS),$(wildcard src/*/*.c))
ifneq ($(filter x86_64%,$(ARCH)),)
  LIB_SOURCES += $(X86_KERNELS)
endif
ifeq ($(VARIANT),emulated)
  LIB_SOURCES := $(filter-out src/kernels/cpu_features.c,$(LIB_SOURCES)) \
                 tests/emulated/bf16.c tests/emulated/cpu_features.c
endif
CLI_SOURCES := $(wildcard src/cli/*.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(BUILD)/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c))
OBJECTS := $(LIB_OBJECTS) $(CLI_OBJECTS) $(UNIT_TESTS:%=%.o) $(BENCH_OBJECTS) \
           $(BUILD)/tests/trust/faults.o

.PHONY: all unit-tests test test-long coverage bench install uninstall format clean
ifeq ($(VARIANT),release)
all: mlp
mlp: $(BUILD)/mlp
	cp $< $@
else
all: $(BUILD)/mlp
endif

ifeq ($(VARIANT),emulated)
  AVX512 := -mavx2 -mfma -include tests/emulated/avx512.h -O1 -Wno-psabi
  AVX512_BF16 := $(AVX512)
  AMX := -include tests/emulated/amx.h
  $(BUILD)/tests/emulated/bf16.o: FILE_FLAGS := -mavx2 -mfma
else
  AVX512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
  AVX512_BF16 := $(AVX512) -mavx512bf16
  AMX := -mamx-tile -mamx-bf16
endif
# Loops begin where a fetch does: one of 14 instructions else takes a third longer on a Zen 3.
$(BUILD)/src/kernels/avx2.o $(BUILD)/src/kernels/bf16_avx2.o: FILE_FLAGS := \
  -mavx2 -mfma -falign-loops=32
$(BUILD)/src/kernels/avx512.o: FILE_FLAGS := $(AVX512)
$(BUILD)/src/kernels/bf16_avx512.o: FILE_FLAGS := $(AVX512_BF16)
$(BUILD)/src/kernels/bf16_avx512_pack.o: FILE_FLAGS := $(AVX512_BF16)
$(BUILD)/src/kernels/bf16_amx.o: FILE_FLAGS := $(AMX)
# So that asking for the right to write is PREFETCHW; it does nothing where it is unknown.
ifneq ($(filter x86_64%,$(ARCH)),)
  $(BUILD)/src/nn/fp32_update.o: FILE_FLAGS := -mprfchw
endif
# It is called before a sanitizer is ready.
$(BUILD)/tests/trust/faults.o: FILE_FLAGS := -fno-sanitize=all

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(FILE_FLAGS) -c $< -o $@

$(BUILD)/tests/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(shell $(PKG_CONFIG) --cflags cmocka) -DMLP_SOURCE_DIR='"$(CURDIR)"' -c $< -o $@

$(BUILD)/libmlp.a: $(LIB_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/mlp: $(CLI_OBJECTS) $(BUILD)/libmlp.a
	$(CC) $^ -o $@ $(ALL_LDLIBS)

$(UNIT_TESTS): %: %.o $(BUILD)/libmlp.a
	$(CC) $^ -o $@ $(ALL_LDLIBS) $(shell $(PKG_CONFIG) --libs cmocka)

$(BUILD)/micro: $(BENCH_OBJECTS) $(BUILD)/libmlp.a
	$(CC) $^ -o $@ $(ALL_LDLIBS)

# mlp with a system that fails on demand (tests/trust/faults.c).
$(BUILD)/mlp-faults: $(CLI_OBJECTS) $(BUILD)/tests/trust/faults.o $(BUILD)/libmlp.a
	$(CC) $^ -o $@ $(ALL_LDLIBS) -ldl

unit-tests: $(UNIT_TESTS)

test: $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do $$t || exit 1; done

bench: $(BUILD)/micro
	$< $(if $(DATA),--data $(DATA))

test-long: mlp fuzz-tests
	$(MAKE) VARIANT=asan build/asan/mlp-faults
	tests/trust/kills.py 200
	tests/trust/faults.py
	tests/fuzz/mutations.sh 10000
	$(MAKE) fuzz-long

coverage:
	scripts/coverage.sh

install: mlp
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/mlp/configs
	install -m 755 mlp $(DESTDIR)$(PREFIX)/bin/mlp
	install -m 644 configs/*.json $(DESTDIR)$(PREFIX)/share/mlp/configs
	install -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/mlp

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/mlp
	rm -rf $(DESTDIR)$(PREFIX)/share/mlp

format:
	clang-format -i $(wildcard src/*/*.[ch] tests/*/*.[ch])

clean:
	rm -rf build mlp

include tests/fuzz/fuzz.mk
-include $(OBJECTS:.o=.d)
