// A program for all functions that a pattern names.
#include "kernel.h"

__u64 runs;

SEC("kprobe.multi/vfs_rea?")
int many(void *ctx)
{
	runs++;
	return 0;
}
