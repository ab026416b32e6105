# Fuzzing, included by the Makefile.
#
# make fuzz        clang's libFuzzer looks for inputs, FUZZ_SECONDS a target
# make fuzz-long   the same, half an hour a target
# make fuzz-tests  the targets without libFuzzer: replay_<target> runs files in this process,
#                  mutants_<mutator> shows altered ones to a program
FUZZ_TARGETS := config idx image metrics safetensors
MUTATORS := bytes idx safetensors
FUZZ_SECONDS ?= 180
FUZZ := $(BUILD)/fuzz
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(FUZZ)/fuzz_%)
REPLAY_PROGRAMS := $(FUZZ_TARGETS:%=$(FUZZ)/replay_%)
MUTANTS_PROGRAMS := $(MUTATORS:%=$(FUZZ)/mutants_%)
OBJECTS += $(patsubst tests/fuzz/%.c,$(FUZZ)/%.o,$(wildcard tests/fuzz/*.c))

# Objects of a pattern's middle are kept, as all others are.
.SECONDARY: $(patsubst tests/fuzz/%.c,$(FUZZ)/%.o,$(wildcard tests/fuzz/*.c))
.PHONY: fuzz fuzz-long fuzz-programs fuzz-tests
fuzz:
	scripts/fuzz.sh $(FUZZ_SECONDS)

fuzz-long:
	scripts/fuzz.sh 1800

fuzz-programs: $(FUZZ_PROGRAMS)

fuzz-tests: $(REPLAY_PROGRAMS) $(MUTANTS_PROGRAMS)

$(FUZZ)/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

# Each links its objects with the library; those that know the format have a mutator too.
$(FUZZ)/fuzz_idx $(FUZZ)/mutants_idx: $(FUZZ)/mutate_idx.o
$(FUZZ)/fuzz_safetensors $(FUZZ)/mutants_safetensors: $(FUZZ)/mutate_safetensors.o
$(FUZZ)/mutants_bytes: $(FUZZ)/mutate_bytes.o
$(REPLAY_PROGRAMS): $(FUZZ)/replay.o
$(MUTANTS_PROGRAMS): $(FUZZ)/mutants.o
$(FUZZ_PROGRAMS) $(REPLAY_PROGRAMS): $(FUZZ)/fuzz_file.o
$(FUZZ_PROGRAMS): FUZZER := -fsanitize=fuzzer

$(FUZZ)/fuzz_%: $(FUZZ)/fuzz_%.o $(BUILD)/libmlp.a
	$(CC) $(filter %.o,$^) $(filter %.a,$^) -o $@ $(ALL_LDLIBS) $(FUZZER)

$(FUZZ)/replay_%: $(FUZZ)/fuzz_%.o $(BUILD)/libmlp.a
	$(CC) $(filter %.o,$^) $(filter %.a,$^) -o $@ $(ALL_LDLIBS)

$(MUTANTS_PROGRAMS): $(BUILD)/libmlp.a
	$(CC) $(filter %.o,$^) $(filter %.a,$^) -o $@ $(ALL_LDLIBS)
