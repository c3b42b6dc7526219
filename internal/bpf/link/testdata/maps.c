/* Maps in maps, programs in maps, and a struct of the kernel's with programs in it. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

struct inner {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps"), other SEC(".maps");

struct {
	__uint(type, MAP_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {.values = {&first, &other}};

int leaf(void *ctx);

struct {
	__uint(type, MAP_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = &leaf}};

SEC("xdp")
int leaf(void *ctx)
{
	__u32 key = 0;

	return lookup(&outer, &key) ? XDP_PASS : XDP_DROP;
}

struct sock;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	char name[16];
};

SEC("struct_ops")
__u32 ssthresh(__u64 *ctx) { return 2; }
SEC("struct_ops")
__u32 undo_cwnd(__u64 *ctx) { return 2; }
SEC("struct_ops")
void cong_avoid(__u64 *ctx) {}

SEC(".struct_ops")
struct tcp_congestion_ops testcc = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "testcc",
};
