// A map that is pinned by its name, and found there by the next load.
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} skep_pinned SEC(".maps");

SEC("xdp")
int counted(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&skep_pinned, &key);
	if (v)
		*v += 1;
	return XDP_PASS;
}
