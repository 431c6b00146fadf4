// Detects fork(): threads do not survive in the child process.
#pragma once

namespace wengert::kernel {

/// The number of forks between the first process and this one. A thread that was started at a lower count does not
/// exist here, and a lock that it held stays locked.
int fork_count() noexcept;

}  // namespace wengert::kernel
