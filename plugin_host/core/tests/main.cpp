// One program for all tests of the core; `core_tests --test-case='*ring*'` runs some of them.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
