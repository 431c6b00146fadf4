// What a child of fork() must know: threads do not survive into it.
#pragma once

namespace wengert::kernel {

/// How many forks lie between this process and the first: a thread that was started at another count is not there any
/// more, and a lock that it held stays locked.
int forks_behind() noexcept;

}  // namespace wengert::kernel
