// Softmax and cross entropy along rows of `count` elements.
#pragma once

#include <cstddef>

namespace wengert::kernel {

/// y = exp(x − m) / Σ exp(x − m), where m is the largest element of the row.
template <class T>
void softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count);

/// out = m + ln Σ exp(x − m), one number per row.
template <class T>
void log_sum_exp_rows(const T* x, T* out, std::size_t rows, std::size_t count);

/// The same in two parts, m and ln Σ exp(x − m): their sum loses digits if m is large.
template <class T>
void log_sum_exp_rows(const T* x, T* tops, T* logarithms, std::size_t rows, std::size_t count);

/// y = x − m − ln Σ exp(x − m).
template <class T>
void log_softmax_rows(const T* x, T* y, std::size_t rows, std::size_t count);

/// −Σ y ln softmax(z) over all rows.
template <class T>
double cross_entropy_rows(const T* z, const T* y, std::size_t rows, std::size_t count);

/// out = scale (softmax(z) Σ y − y), Σ by row.
template <class T>
void cross_entropy_vjp_rows(const T* z, const T* y, T* out, std::size_t rows, std::size_t count, T scale);

/// out = scale softmax(z), with one scale per row.
template <class T>
void scaled_softmax_rows(const T* z, const T* scale, T* out, std::size_t rows, std::size_t count);

}  // namespace wengert::kernel
