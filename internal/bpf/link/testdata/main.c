/* Declares what the other files define, and defines what they give way to. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

extern struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct node);
} nodes SEC(".maps");

extern int scale(int by, struct node *n) __hidden;
extern int base;
extern int LINUX_KERNEL_VERSION SEC(".kconfig");

int __weak bias = 1;
int __weak round_up(int x) { return x + 1000; }

static int calls;
static const volatile int step = 5;

static __noinline int twist(int x)
{
	calls++;
	return x * 3 + calls;
}

SEC("xdp")
int entry(void *ctx)
{
	__u32 key = 1;
	struct node *n, fresh = {.value = 7};

	update(&nodes, &key, &fresh, 0);
	n = lookup(&nodes, &key);
	if (!n || LINUX_KERNEL_VERSION < 0x50000)
		return XDP_ABORTED;
	return round_up(scale(step, n)) + base + bias + twist(2);
}

SEC("xdp")
int second(void *ctx)
{
	return twist(10);
}
