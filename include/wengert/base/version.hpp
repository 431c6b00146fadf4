// The version of the library, by semantic versioning; CMake reads it here.
#pragma once

#define WENGERT_VERSION_MAJOR 0
#define WENGERT_VERSION_MINOR 1
#define WENGERT_VERSION_PATCH 0
#define WENGERT_VERSION "0.1.0"
