# `make` alone prints what there is. Meson does the building; this file keeps the habit.
PREFIX ?= /usr/local
SECONDS ?= 10

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-14s %s\n", $$1, $$2 }'

deps: ## install what building and testing take (Debian 12, as root)
	@tools/deps.sh test

build: ## build build/cuib
	@tools/configure build
	@ninja -C build --quiet cuib

run: ## install what is missing, build, and start the whole system
	@tools/deps.sh build
	@$(MAKE) --no-print-directory build
	@exec build/cuib up

test: ## everything: unit, whole-system and NestJS tests, kills, sanitizers, a brief fuzz
	@tools/deps.sh test
	@FUZZ_SECONDS=5 tests/run unit system interop chaos sanitize fuzz

test-unit: ## the unit tests
	@tests/run unit

test-system: ## the whole-system tests
	@tests/run system

test-interop: ## the tests with NestJS 10, 11 and 12 as peers
	@tests/run interop

test-chaos: ## kill -9 at every system call of an order and a payment, and at random while 5,000 orders go on
	@KILL_SAMPLE=all EVENTS_SURVIVE=whole tests/run chaos

test-sanitize: ## unit and whole-system tests under the sanitizers
	@tests/run sanitize

fuzz: ## fuzz each parser, SECONDS=10 long
	@FUZZ_SECONDS=$(SECONDS) tests/run fuzz

bench: build ## measure against other programs
	@bench/run

lint: ## format, banned functions, leftovers, static analysis
	@tools/lint

floors: build ## who includes whom, against libs/FLOORS
	@tools/floors

fmt: ## format every C file
	@tools/sources c | xargs clang-format -i

ci: ## what every push runs
	@.ci/run

install: build ## copy the program to PREFIX/bin
	install -D -m 755 build/cuib $(DESTDIR)$(PREFIX)/bin/cuib

clean: ## remove what was built
	rm -rf build build-asan build-clang build-fuzz build-tsan

.PHONY: help deps build run test test-unit test-system test-interop test-chaos test-sanitize fuzz bench lint floors fmt ci install clean
