#pragma once

namespace sinkwise {

// Asks the C library to keep freed blocks instead of handing them back to the system, for programs
// that free and take the same blocks over and over: the page faults of taking them again cost a
// training step of a small model a tenth of its time. For the whole process; blocks of 32 MiB and
// more are still handed back. Does nothing with another C library than glibc.
void keep_freed_memory();

}  // namespace sinkwise
