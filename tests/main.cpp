// The main function of the test programs, provided by doctest.
// The precompiled header already includes doctest's declarations; these macros request its definitions.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
