// Detects fork(): threads do not survive in the child process.
#pragma once

namespace wengert::kernel {

/// The number of forks between this process and the first. A thread started at another count no longer exists, and a
/// lock that it held stays locked.
int forks_behind() noexcept;

}  // namespace wengert::kernel
