/* Declares a map of lib.c's with another size. */
#include "bpf.h"
extern struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 17);
	__type(key, __u32);
	__type(value, struct node);
} nodes SEC(".maps");
SEC("xdp")
int badmap(void *ctx) { __u32 key = 0; return lookup(&nodes, &key) != 0; }
