// Two XDP programs, with all that objects have: a map by its types, data of all kinds, a
// function, a tail call by a map that is filled by the object, and a map of maps.
#include "kernel.h"

struct count {
	__u64 packets, bytes;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

int drop(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&drop } };

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &first } };

const volatile __u32 limit = 1500;
__u64 start = 7;
__u64 seen;

static __attribute__((noinline)) __u32 length(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	__u32 key = 0, n = length(ctx);
	struct count one = { 1, n }, *c = bpf_map_lookup_elem(&counts, &key);
	if (c) {
		c->packets += 1;
		c->bytes += n;
	} else {
		bpf_map_update_elem(&counts, &key, &one, 0);
	}
	void *in = bpf_map_lookup_elem(&outer, &key);
	__u64 *v = in ? bpf_map_lookup_elem(in, &key) : 0;
	if (v)
		*v += 1;
	seen += start;
	if (n > limit)
		bpf_tail_call(ctx, &jumps, 1);
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}
