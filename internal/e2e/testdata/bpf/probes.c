// Programs that are attached by the names of their sections, to what every kernel has.
#include "kernel.h"

__u64 runs[6];

#define PROBE(section, name, number) \
	SEC(section) int name(void *ctx) { runs[number]++; return 0; }

PROBE("kprobe/vfs_read", entered, 0)
PROBE("kretprobe/vfs_read", left, 1)
PROBE("fentry/vfs_read", fentered, 2)
PROBE("fexit/vfs_read", fleft, 3)
PROBE("ksyscall/getppid", called, 4)
PROBE("uprobe//test/bin/target:main.Called", used, 5)
