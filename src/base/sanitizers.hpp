// WENGERT_ASAN and WENGERT_TSAN: 1 if AddressSanitizer or ThreadSanitizer is on, otherwise 0, with g++ and with clang.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define WENGERT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WENGERT_ASAN 1
#endif
#endif
#if !defined(WENGERT_ASAN)
#define WENGERT_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define WENGERT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WENGERT_TSAN 1
#endif
#endif
#if !defined(WENGERT_TSAN)
#define WENGERT_TSAN 0
#endif
